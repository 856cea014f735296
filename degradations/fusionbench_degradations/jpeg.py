"""JPEG compression of the visible image (ITU-T T.81), chroma at half resolution as cameras store it.

The image is rounded to 8 bits once, before it is compressed; what the decoder gives is final. The same bits
come out of the same version of the JPEG library; another build may differ by a level here and there.
"""

from __future__ import annotations

import io
import math

import numpy as np
from PIL import Image

from fusionbench.contracts import DegradationCard, LinearScene, RandomStreams, Uint8Image
from fusionbench.degrading import decode_visible, encode_visible, is_monochrome
from fusionbench_degradations.calibration import calibrated_levels

_LOWEST, _HIGHEST = 1, 95
"""Qualities the JPEG library gives a meaning to."""


class Jpeg:
    """The visible image through a JPEG file."""

    card = DegradationCard(
        name="jpeg",
        title="JPEG compression",
        stage="encode",
        modality="visible",
        summary="baseline JPEG, chroma 4:2:0, after the one rounding to 8 bits; exact for one library build",
        reference="ITU-T T.81; libjpeg's scaling of its tables by quality",
        parameter="quality of the JPEG library, 1 to 95, rounded to a whole number",
        levels=calibrated_levels("jpeg"),
        physical_levels=(60.0, 40.0, 25.0, 15.0, 8.0),
        limits=(float(_HIGHEST), float(_LOWEST)),
        whole_numbers=True,
        version="1",
    )

    def apply(self, scene: LinearScene, parameter: float, random: RandomStreams) -> LinearScene:  # noqa: ARG002
        """Compress the visible image with quality `parameter`; nothing here is random."""
        quality = min(max(math.floor(parameter + 0.5), _LOWEST), _HIGHEST)
        encoded = encode_visible(scene.visible)
        if is_monochrome(encoded):
            grey = compressed(encoded[..., 0], quality)
            decoded = np.repeat(grey[..., None], 3, axis=2)
        else:
            decoded = compressed(encoded, quality)
        maps = {"jpeg_quality": np.asarray(quality)}
        return scene.changed(visible=decode_visible(decoded), maps=maps)


def compressed(image: Uint8Image, quality: int) -> Uint8Image:
    """What a decoder gives back of an image.

    Args:
        image: `(H, W)` or `(H, W, 3)`.
        quality: 1 to 95.
    """
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format="JPEG", quality=quality, subsampling="4:2:0")
    with Image.open(stream) as reopened:
        return np.asarray(reopened)
