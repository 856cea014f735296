"""VIF of every image of a batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch

from fusionbench.contracts import MeasuredBatch, SourceBatch
from fusionbench_metrics.batched.grey_batches import check_batch
from fusionbench_metrics.batched.reduction import sum_of_each
from fusionbench_metrics.batched.windows import LocalMoments, local_covariance, local_mean, local_moments
from fusionbench_metrics.gaussian_window import Array
from fusionbench_metrics.vif import FLAT, MINIMUM_SIZE, NOISE_VARIANCE, PIXEL_DOMAIN


class Scale(NamedTuple):
    """A batch at one scale; see `vif.SourceScale`."""

    images: torch.Tensor
    """`(N, h, w)`; 8-bit at scale 1, to save memory."""
    moments: LocalMoments
    """Variances are zero where they are below `FLAT`."""


def visual_information_fidelity(fused: MeasuredBatch, sources: SourceBatch) -> torch.Tensor:
    """VIF of each image, see `vif.visual_information_fidelity`."""
    check_batch(MINIMUM_SIZE, fused, sources)
    both = sources.visible, sources.infrared
    passed = torch.zeros(len(both), len(fused.grey), dtype=torch.float64, device=fused.grey.device)
    for scale, taps, *of_sources in zip(
        _scales(fused), PIXEL_DOMAIN.taps, *map(_kept_scales, both), strict=True
    ):
        for index, of_source in enumerate(of_sources):
            passed[index] += sum_of_each(torch.log(_ratio(of_source, scale, taps).add_(1)))
    contained = torch.stack([_kept_information(source) for source in both])
    fidelity = torch.where(contained > 0, passed / contained, 1.0)
    return fidelity[0] + fidelity[1]


def _scales(batch: MeasuredBatch) -> Iterator[Scale]:
    images = batch.grey
    for index, taps in enumerate(PIXEL_DOMAIN.taps):
        if index > 0:
            images = local_mean(images.to(torch.float64), taps, step=2)
        mean, variance = local_moments(images, taps)
        yield Scale(images, LocalMoments(mean, torch.where(variance < FLAT, 0.0, variance)))


def _kept_scales(source: MeasuredBatch) -> tuple[Scale, ...]:
    return source.once("vif.source_scales", lambda: tuple(_scales(source)))


def _kept_information(source: MeasuredBatch) -> torch.Tensor:
    """Information in each source: the sum of `log(1 + variance / noise)` over all positions and scales."""

    def compute() -> torch.Tensor:
        variances = [scale.moments.variance for scale in _kept_scales(source)]
        of_scales = [sum_of_each(torch.log((each / NOISE_VARIANCE).add_(1))) for each in variances]
        return sum_of_each(torch.stack(of_scales, dim=1))

    return source.once("vif.information", compute)


def _ratio(source: Scale, fused: Scale, taps: Array) -> torch.Tensor:
    """`gain^2 source_variance / (noise + distortion)`, see `vif.gain_and_ratio`."""
    source_variance, fused_variance = source.moments.variance, fused.moments.variance
    covariance = local_covariance(source.images, fused.images, source.moments.mean, fused.moments.mean, taps)
    gain = (covariance / (source_variance + FLAT)).clamp_(min=0.0)
    gain.masked_fill_((source_variance == 0) | (fused_variance == 0), 0.0)
    noise = (fused_variance - covariance.mul_(gain)).clamp_(min=FLAT).add_(NOISE_VARIANCE)
    return gain.square_().mul_(source_variance).div_(noise)
