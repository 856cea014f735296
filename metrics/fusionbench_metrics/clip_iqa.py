"""CLIP-IQA: whether a network that read captions finds the fused image more like a good or a bad photo.

Reference:
    J. Wang, K. C. K. Chan, C. C. Loy: "Exploring CLIP for assessing the look and feel of images", AAAI 2023,
    with the ResNet-50 of A. Radford et al.: "Learning transferable visual models from natural language
    supervision", ICML 2021.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench.errors import InputError
from fusionbench.weight_files import read_tensors

if TYPE_CHECKING:
    import torch

PROMPTS = ("Good photo.", "Bad photo.")
"""The two captions compared."""

MEAN = (0.48145466, 0.4578275, 0.40821073)
STANDARD_DEVIATION = (0.26862954, 0.26130258, 0.27577711)
"""Of red, green and blue in the images CLIP was trained on."""

NETWORK = "RN50-quickgelu"
"""What `open_clip` calls the ResNet-50 as OpenAI trained it."""

MINIMUM_SIZE = 32
"""One position of the last layer."""

SOURCE = (
    "OpenAI's weights of CLIP RN50 (`RN50.pt`, or `open_clip_model.safetensors` of "
    "https://huggingface.co/timm/resnet50_clip.openai)"
)


class ClipIqa:
    """CLIP-IQA of the fused image.

    Args:
        weights: OpenAI's weights of CLIP RN50.

    Raises:
        InputError: If they are not given or are another file, or the extra is not installed.
    """

    card = MetricCard(
        name="clip_iqa",
        title="CLIP image quality assessment",
        label="CLIP-IQA",
        direction="higher",
        compares="fused",
        value_range=(0.0, 1.0),
        minimum_size=MINIMUM_SIZE,
        summary="softmax of CLIP RN50's similarity to 'Good photo.' against 'Bad photo.', colour, full size",
        reference="Wang, Chan & Loy, AAAI 2023",
        version="1",
        border="zeros in every layer",
        flat="some value: the network judges it like any other image",
        needs=f"the extra quality, and --weights clip_iqa=FILE: {SOURCE}",
    )

    def __init__(self, weights: Path | None = None) -> None:
        try:
            import open_clip
        except ImportError:
            raise InputError(
                'metric clip_iqa needs the extra "quality": pip install "ivif-fusionbench[quality]"'
            ) from None
        import torch

        if weights is None:
            raise InputError(f"metric clip_iqa needs {SOURCE}; give it as --weights clip_iqa=FILE")
        network = open_clip.CLIP(**open_clip.get_model_config(NETWORK))
        _load(network, weights)
        network.requires_grad_(False).eval()
        captions = network.encode_text(open_clip.get_tokenizer(NETWORK)(list(PROMPTS)), normalize=True)
        self._captions = captions * network.logit_scale.exp()
        self._visual = network.visual
        # Images are taken at their own size, for which there are no trained positions: they are left out, as
        # the paper does. One row of zeros stands for as many as there are.
        positions = self._visual.attnpool.positional_embedding
        self._visual.attnpool.positional_embedding = torch.nn.Parameter(
            torch.zeros_like(positions[:1]), False
        )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:  # noqa: ARG002
        """Measure one image, in colour: the probability of "Good photo." against "Bad photo.".

        Returns:
            From 0 to 1, higher is better. The network computes in single precision: the last digits depend on
            the processor and the number of threads.

        Raises:
            ValueError: If the image is smaller than 32x32.
        """
        import torch

        if min(fused.grey.shape) < MINIMUM_SIZE:
            height, width = fused.grey.shape
            raise ValueError(
                f"fused: is {width}x{height}, but this metric needs at least "
                f"{MINIMUM_SIZE}x{MINIMUM_SIZE} pixels"
            )
        with torch.inference_mode():
            found = self._visual(_as_input(fused.rgb))
            similarities = torch.nn.functional.normalize(found, dim=-1) @ self._captions.T
            return float(similarities.double().softmax(dim=-1)[0, 0])


def _as_input(image: Uint8Image) -> torch.Tensor:
    import torch

    colour = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    normalised = (colour / 255.0 - MEAN) / STANDARD_DEVIATION
    return torch.from_numpy(normalised.transpose(2, 0, 1)[None].astype(np.float32))


def _load(network: Any, path: Path) -> None:
    """Fill the network with weights as OpenAI (a TorchScript archive) or `open_clip` publishes them."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; metric clip_iqa needs {SOURCE}")
    try:
        # OpenAI's archive is TorchScript; the metric's documentation says to take it from OpenAI.
        weights = read_tensors(path, trusted=True).tensors
        network.load_state_dict({name: weights[name] for name in network.state_dict()})
    except Exception as error:  # whatever the reader makes of a file of another kind
        raise InputError(f"{path}: does not hold {SOURCE}") from error
