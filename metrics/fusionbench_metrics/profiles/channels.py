"""Metrics of each colour channel by itself, averaged: how VIFB and code after it measure colour images."""

from __future__ import annotations

import numpy as np

from fusionbench.contracts import MeasuredImage, Metric, SourceImages, Uint8Image
from fusionbench_metrics.profiles.convention import Formula


def channels(image: MeasuredImage) -> tuple[MeasuredImage, ...]:
    """Red, green and blue of an image, each as a grey image of its own, split once.

    An image without colour, of one channel or of three equal ones, is the only channel of itself: measuring
    it three times would give the same value.
    """
    return image.once("vifb.channels", lambda: _split(image.rgb)) or (image,)


def _split(rgb: Uint8Image) -> tuple[MeasuredImage, ...]:
    if rgb.ndim == 2 or np.array_equal(rgb, np.broadcast_to(rgb[..., :1], rgb.shape)):
        return ()
    separate = (np.ascontiguousarray(rgb[..., index]) for index in range(rgb.shape[2]))
    return tuple(MeasuredImage(channel, channel) for channel in separate)


def averaged_over_channels(metric: Metric) -> Formula:
    """A formula that measures each channel by a metric for grey images, and takes the mean.

    An image without colour stands beside each channel of the others. If one channel has no value, neither has
    the image.
    """

    def mean_over_channels(fused: MeasuredImage, sources: SourceImages) -> float:
        if metric.card.compares == "fused":
            values = [metric.measure(channel, sources) for channel in channels(fused)]
        else:
            split = [channels(image) for image in (fused, sources.visible, sources.infrared)]
            number = max(map(len, split))
            together = zip(*(each * (number // len(each)) for each in split), strict=True)
            values = [
                metric.measure(channel, SourceImages(visible, infrared))
                for channel, visible, infrared in together
            ]
        return sum(values) / len(values)

    return mean_over_channels
