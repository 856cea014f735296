"""Visual information fidelity for fusion (VIFF): in every window, what passes of the source that passes less.

Reference:
    Y. Han, Y. Cai, Y. Cao, X. Xu: "A new image fusion performance metric based on visual information
    fidelity", Information Fusion 14(2), 2013.
"""

from __future__ import annotations

import math

import numpy as np

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.measured_greys import measured_greys
from fusionbench_metrics.vif import (
    MINIMUM_SIZE,
    PIXEL_DOMAIN,
    Channel,
    channel_bands,
    gain_and_ratio,
    images_of,
    kept_scales,
    sum_of_logarithms,
)

NOISE_VARIANCE = 0.005 * 255**2
"""Variance of the visual system's internal noise, in squared grey levels: 325.125."""

WEIGHTS = (1 / 2.15, 0.0, 0.15 / 2.15, 1 / 2.15)
"""Weight of each scale, from the finest; the second does not count."""

FLOOR = 1e-7 * math.log(10)
"""Information added to every window, of the source and passed: 1e-7 in decimal logarithms. It defines the
ratio of what is flat everywhere."""


def fusion_fidelity(fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image) -> float:
    """Information that passes the fused image divided by what the sources have, at each scale; weighted mean.

    Scales, windows and the information model are those of `fusionbench_metrics.vif`, with another noise. In
    every window, one source alone counts: the one that the fused image shows with the smaller gain, and the
    visible one of two equal.

    A window in which a source is flat has no gain and no information: it counts nothing, whatever the other
    source has there. Two constant sources give 1.

    Args:
        fused: `(H, W)` grey uint8, at least 41x41.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.

    Returns:
        From 0; 1 if all three are equal, and above that where the fused image has more contrast than both.

    Raises:
        ValueError: If an image is not grey uint8, is smaller than 41x41, or the sizes differ.
    """
    return _fidelity(*measured_greys(fused, visible, infrared))


def _fidelity(fused: MeasuredImage, sources: SourceImages) -> float:
    visible, infrared = sources.visible, sources.infrared
    check_grey(MINIMUM_SIZE, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
    scales = zip(
        WEIGHTS,
        images_of(fused.grey, PIXEL_DOMAIN),
        PIXEL_DOMAIN.taps,
        zip(kept_scales(visible), kept_scales(infrared), strict=True),
        strict=True,
    )
    value = 0.0
    for weight, image, taps, at_scale in scales:
        if weight > 0:
            passed = contained = 0.0
            for channels in channel_bands(image, taps, at_scale):
                of_band = _information(*channels)
                passed += of_band[0]
                contained += of_band[1]
            value += weight * passed / contained
    return value


def _information(visible: Channel, infrared: Channel) -> tuple[float, float]:
    """Information that passes, and that of the sources, in a band of windows."""
    visible_gain, ratio = gain_and_ratio(visible, NOISE_VARIANCE)
    infrared_gain, infrared_ratio = gain_and_ratio(infrared, NOISE_VARIANCE)
    fainter = infrared_gain < visible_gain
    np.copyto(ratio, infrared_ratio, where=fainter)
    variance = np.where(fainter, infrared.source_variance, visible.source_variance)
    variance /= NOISE_VARIANCE
    floor = FLOOR * ratio.size
    return sum_of_logarithms(ratio) + floor, sum_of_logarithms(variance) + floor


class FusionFidelity:
    """VIFF of the fused image with both sources."""

    card = MetricCard(
        name="viff",
        title="Visual information fidelity for fusion",
        label="VIFF",
        direction="higher",
        compares="sources",
        value_range=(0.0, math.inf),
        minimum_size=MINIMUM_SIZE,
        summary="information passed / contained of the source with the smaller gain in every window; "
        "scales 1, 3, 4 weighted 1, 0.15, 1; noise variance 325",
        reference="Han et al., Information Fusion 2013",
        version="1",
        border="whole windows inside the image only",
        flat="a constant fused image about 0; two constant sources 1",
        elsewhere="1.32027 and 1.32032 from float32 windows (two ports)",
        example=1.3187,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `fusion_fidelity`."""
        return _fidelity(fused, sources)
