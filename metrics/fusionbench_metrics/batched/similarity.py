"""SSIM of every image of a batch."""

from __future__ import annotations

import torch

from fusionbench.contracts import MeasuredBatch, SourceBatch
from fusionbench_metrics.batched.grey_batches import check_batch
from fusionbench_metrics.batched.reduction import mean_of_each
from fusionbench_metrics.batched.windows import LocalMoments, local_covariance, local_moments
from fusionbench_metrics.local_similarity import WANG


def structural_similarity(fused: MeasuredBatch, sources: SourceBatch) -> torch.Tensor:
    """SSIM of each image, see `ssim.structural_similarity`."""
    check_batch(WANG.minimum_size, fused, sources)
    of_fused = local_moments(fused.grey, WANG.taps)
    with_visible = _similarity(sources.visible, fused, of_fused)
    return (with_visible + _similarity(sources.infrared, fused, of_fused)) / 2


def kept_moments(source: MeasuredBatch) -> LocalMoments:
    """Local moments of a source: the part of SSIM that no fused image changes."""
    return source.once("ssim.local_moments", lambda: local_moments(source.grey, WANG.taps))


def _similarity(source: MeasuredBatch, fused: MeasuredBatch, of_fused: LocalMoments) -> torch.Tensor:
    of_source = kept_moments(source)
    covariance = local_covariance(source.grey, fused.grey, of_source.mean, of_fused.mean, WANG.taps)
    similarity = _ratio(
        of_source.mean * of_fused.mean, of_source.mean**2 + of_fused.mean**2, WANG.luminance_constant
    )
    similarity *= _ratio(covariance, of_source.variance + of_fused.variance, WANG.contrast_constant)
    return mean_of_each(similarity)


def _ratio(product: torch.Tensor, squares: torch.Tensor, constant: float) -> torch.Tensor:
    """`(2 product + constant) / (squares + constant)`, in the place of the product."""
    return product.mul_(2).add_(constant).div_(squares.add_(constant))
