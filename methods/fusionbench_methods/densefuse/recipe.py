"""How DenseFuse is trained: one stage, in which the autoencoder learns to give grey images back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import mse_loss

from fusionbench.contracts import Batch, Draw, RecipeCard, StageCard, StageRequest, TrainingFrames
from fusionbench.errors import InputError
from fusionbench_methods.densefuse.network import DenseFuseNet

CARD = StageCard(
    name="autoencoder",
    title="give grey images back",
    options={"crop": 96, "similarity": 1.0, "report_frames": 10},
)

GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32) / 255

SIMILARITY_WINDOW = 11
SIMILARITY_CONSTANTS = (0.01**2, 0.03**2)


class AutoencoderStage:
    """The autoencoder, on crops of visible and infrared images.

    Args:
        request: What is asked for.
    """

    def __init__(self, request: StageRequest) -> None:
        self._request = request
        self.module = DenseFuseNet()

    def batch(self, draw: Draw) -> Batch:
        """Grey crops, as many visible as infrared in the long run."""
        frames, side = self._request.data.train, self._request.options["crop"]
        random = draw.generator("crops")
        images, names = [], []
        for index in draw.picks("frames", self._request.batch, len(frames.conditions)):
            grey, name = _grey(frames, index, infrared=bool(random.integers(2)))
            if min(grey.shape) < side:
                raise InputError(
                    f"{name}: is smaller than a crop of {side} pixels; take smaller ones: --set crop=64"
                )
            top, left = (int(random.integers(length - side + 1)) for length in grey.shape)
            images.append(torch.from_numpy(np.ascontiguousarray(grey[top : top + side, left : left + side])))
            names.append(name)
        return {"images": torch.stack(images)[:, None], "names": names}

    def loss(self, batch: Batch) -> Mapping[str, torch.Tensor]:
        """Squared error, and 1 minus SSIM (equations 1 to 3 of the paper)."""
        again = self.module(batch["images"])
        squared, unlike = mse_loss(again, batch["images"]), 1.0 - _similarity(again, batch["images"])
        return {
            "squared": squared,
            "unlike": unlike,
            "total": squared + self._request.options["similarity"] * unlike,
        }

    @torch.no_grad()
    def report(self) -> Mapping[str, Any]:
        """Error on held-out images, in grey levels."""
        frames = self._request.data.choose
        count = min(self._request.options["report_frames"], len(frames.conditions))
        device = next(self.module.parameters()).device
        errors = []
        for index in range(count):
            grey = torch.from_numpy(_grey(frames, index, infrared=index % 2 == 1)[0])[None, None].to(device)
            errors.append(float((self.module(grey) - grey).abs().mean()) * 255)
        return {"error in grey levels": round(sum(errors) / max(count, 1), 3), "frames": count}

    def write(self, path: Path, notes: Mapping[str, Any]) -> None:
        """The network, by the names of the authors' checkpoint."""
        import json

        from safetensors.torch import save_file

        from fusionbench.whole_files import appearing

        tensors = {name: tensor.cpu().contiguous() for name, tensor in self.module.state_dict().items()}
        with appearing(path) as temporary:
            save_file(tensors, temporary, {"densefuse": json.dumps(dict(notes))})


class DenseFuseRecipe:
    """How DenseFuse is trained."""

    card = RecipeCard(
        method="densefuse",
        stages=(CARD,),
        presets={"grey": Path(__file__).with_name("grey.toml")},
    )

    def build(self, request: StageRequest) -> AutoencoderStage:
        """Make the stage."""
        return AutoencoderStage(request)


def _grey(frames: TrainingFrames, index: int, *, infrared: bool) -> tuple[Any, str]:
    """A grey image `(H, W)` float32 in [0, 1], and its name."""
    frame = frames.frame(index)
    if infrared:
        return frame.infrared.astype(np.float32) / 255, f"{frame.name} infrared"
    return frame.visible.astype(np.float32) @ GREY, f"{frame.name} visible"


def _similarity(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Mean SSIM over windows of 11 x 11, uniform."""
    stacked = torch.cat([first, second, first * first, second * second, first * second], dim=1)
    means = torch.nn.functional.avg_pool2d(stacked, SIMILARITY_WINDOW, 1)
    one, other, one_square, other_square, product = means.chunk(5, dim=1)
    variances = one_square - one**2 + other_square - other**2
    steady_mean, steady_variance = SIMILARITY_CONSTANTS
    brightness = (2 * one * other + steady_mean) / (one**2 + other**2 + steady_mean)
    structure = (2 * (product - one * other) + steady_variance) / (variances + steady_variance)
    return (brightness * structure).mean()
