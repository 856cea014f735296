"""Image towers of open_clip: CLIP's ViT-B/32, and a compact one that is trained from scratch."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from fusionbench.errors import FusionbenchError, InputError
from fusionbench.weight_files import download_weights, find_weights, read_tensors, require_checksum
from fusionbench_methods.sgafusion.semantics.linear_attention import with_linear_attention

EXTRA = 'method sgafusion needs the extra "sgafusion": pip install "ivif-fusionbench[sgafusion]"'

CLIP_FILE = "ViT-B-32.pt"
CLIP_SHA256 = "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"
CLIP_ADDRESS = f"https://openaipublic.azureedge.net/clip/models/{CLIP_SHA256}/{CLIP_FILE}"
"""OpenAI's weights of CLIP ViT-B/32, under the MIT licence."""


@dataclass(frozen=True)
class TowerConfiguration:
    """A vision transformer as open_clip builds it."""

    name: str
    """`clip` or `compact`: what tables call the encoder."""
    image_size: int
    patch_size: int
    width: int
    layers: int
    head_width: int
    output: int
    """Length of the image feature."""
    quick_gelu: bool = False
    """x sigmoid(1.702 x) in place of GELU, with which OpenAI trained."""
    pretrained: bool = False
    """Whether its weights are OpenAI's, which a checkpoint does not repeat."""

    def as_json(self) -> dict[str, Any]:
        """As plain values, for a checkpoint's header."""
        return asdict(self)


@dataclass(frozen=True)
class ConvolutionalTowerConfiguration:
    """A small convolutional network."""

    name: str
    """What tables call the encoder."""
    image_size: int
    channels: int
    """Of what it sees."""
    widths: tuple[int, ...]
    """After each convolution; all but the last halve the size."""
    output: int
    """Length of the image feature."""
    pretrained: bool = False

    def as_json(self) -> dict[str, Any]:
        """As plain values, for a checkpoint's header."""
        return asdict(self)


class ConvolutionalTower(nn.Module):
    """Convolutions, then the mean and the maximum of each channel, then a linear layer."""

    def __init__(self, configuration: ConvolutionalTowerConfiguration) -> None:
        super().__init__()
        before = (configuration.channels, *configuration.widths[:-1])
        last = len(before) - 1
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 3, stride=1 if position == last else 2, padding=1)
            for position, (inputs, outputs) in enumerate(zip(before, configuration.widths, strict=True))
        )
        self.head = nn.Linear(2 * configuration.widths[-1], configuration.output)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """From `(N, channels, image_size, image_size)` to features `(N, output)`."""
        features = images
        for convolution in self.convolutions:
            features = convolution(features).relu()
        pooled = torch.cat([features.mean(dim=(2, 3)), features.amax(dim=(2, 3))], dim=1)
        found: torch.Tensor = self.head(pooled)
        return found


CLIP_TOWER = TowerConfiguration("clip", 224, 32, 768, 12, 64, 512, quick_gelu=True, pretrained=True)
"""`ViT-B-32-quickgelu` (plain `ViT-B-32` would silently have another activation under the same weights)."""

COMPACT_TOWER = ConvolutionalTowerConfiguration("compact", 64, 9, (32, 64, 96, 128), 128)
"""0.25 million weights, for machines without CLIP's weights or an accelerator: transformers of this size
learn slowly from a few hundred images, convolutions do not."""


def tower_from_json(values: dict[str, Any]) -> TowerConfiguration | ConvolutionalTowerConfiguration:
    """Read `as_json` of either kind back."""
    if "channels" in values:
        return ConvolutionalTowerConfiguration(**{**values, "widths": tuple(values["widths"])})
    return TowerConfiguration(**values)


def build_tower(configuration: TowerConfiguration | ConvolutionalTowerConfiguration) -> nn.Module:
    """A tower with random weights; a transformer has linear attention.

    Returns:
        A module from images `(N, C, image_size, image_size)` to features `(N, output)`.

    Raises:
        InputError: If it is a transformer, and open_clip is not installed.
    """
    if isinstance(configuration, ConvolutionalTowerConfiguration):
        return ConvolutionalTower(configuration)
    try:
        import open_clip
    except ImportError:
        raise InputError(EXTRA) from None
    vision = {
        "image_size": configuration.image_size,
        "patch_size": configuration.patch_size,
        "width": configuration.width,
        "layers": configuration.layers,
        "head_width": configuration.head_width,
    }
    # The text tower comes with it; the smallest there can be, since it is thrown away.
    text = {"context_length": 8, "vocab_size": 8, "width": 8, "heads": 1, "layers": 1}
    clip = open_clip.CLIP(configuration.output, vision, text, quick_gelu=configuration.quick_gelu)
    return with_linear_attention(clip.visual)


def load_pretrained(tower: nn.Module, path: Path | None = None, beside: Path | None = None) -> None:
    """Fill a CLIP tower with OpenAI's weights.

    Args:
        tower: Of `CLIP_TOWER`.
        path: `ViT-B-32.pt` as OpenAI publishes it, or its safetensors by open_clip; None looks in the usual
            places.
        beside: One more folder to look in.

    Raises:
        InputError: If the file is not found, or does not hold these weights. Never falls back to random ones.
    """
    found = path or find_weights(CLIP_FILE, beside)
    if found is None:
        raise InputError(
            f"{CLIP_FILE}: CLIP's weights are not here; get them with `python -m "
            "fusionbench_methods.sgafusion.semantics.towers`, or put the file into the folder that "
            "FUSIONBENCH_WEIGHTS names"
        )
    is_archive = found.suffix == ".pt"
    if is_archive:
        # It is TorchScript, which could run code: it has to be the very file.
        require_checksum(found, CLIP_SHA256)
    tensors = read_tensors(found, trusted=is_archive).tensors
    visual = {
        name.removeprefix("visual."): tensor.float()
        for name, tensor in tensors.items()
        if name.startswith("visual.")
    }
    try:
        tower.load_state_dict(split_projections(visual))
    except RuntimeError as error:
        raise InputError(f"{found}: does not hold the weights of CLIP ViT-B/32; get {CLIP_FILE}") from error


def split_projections(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename the weights of torch's fused attention to those of `LinearAttention`."""
    split: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        before, marker, kind = name.partition("in_proj_")
        if not marker:
            split[name] = tensor
            continue
        for projection, part in zip(("q_proj", "k_proj", "v_proj"), tensor.chunk(3), strict=True):
            split[f"{before}{projection}.{kind}"] = part.clone()
    return split


def tower_fingerprint(tower: nn.Module) -> str:
    """Hash of a tower's own weights, whatever adapters are on it."""
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(_own_weights(tower).items()):
        digest.update(f"{name} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _own_weights(tower: nn.Module) -> dict[str, torch.Tensor]:
    """Without adapters, by the names a plain tower has: peft wraps the tower and each adapted layer."""
    return {
        name.removeprefix("base_model.model.").replace(".base_layer.", "."): tensor
        for name, tensor in tower.state_dict().items()
        if ".lora_" not in name
    }


def main() -> None:
    """Download CLIP's weights to where they are looked for."""
    sys.stderr.write(f"getting {CLIP_ADDRESS} (354 MB); interrupted, the same command goes on\n")
    try:
        path = download_weights(CLIP_ADDRESS, CLIP_FILE, CLIP_SHA256)
    except FusionbenchError as error:
        raise SystemExit(f"error: {error}") from None
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
