"""SD, CC, SCD, MSE and PSNR: power sums of the grey levels of every image of a batch.

The sums are exact integers, as in `fusionbench_metrics.moments`. There, products of two of them are too,
because Python's integers have no limit; here they would leave 64 bits from some 10 megapixels on, and
variances are taken around the integer nearest to the mean instead (`_centred`).
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from fusionbench.contracts import MeasuredBatch, SourceBatch
from fusionbench_metrics.batched.grey_batches import check_batch
from fusionbench_metrics.batched.histograms import kept_histogram, kept_joint_histogram
from fusionbench_metrics.histogram import LEVELS


class Sums(NamedTuple):
    """Power sums over the pixels of each image of a batch, `(N,)` int64."""

    total: torch.Tensor
    squares: torch.Tensor


class JointSums(NamedTuple):
    """Power sums over the pixels of each two images."""

    first: Sums
    second: Sums
    products: torch.Tensor

    @property
    def squared_error(self) -> torch.Tensor:
        """Sum of the squared differences."""
        return self.first.squares + self.second.squares - 2 * self.products


def standard_deviation(fused: MeasuredBatch) -> torch.Tensor:
    """SD of each image, see `sd.standard_deviation`."""
    check_batch(1, fused)
    pixels = _pixels(fused)
    total, squares = _sums(kept_histogram(fused))
    return torch.sqrt(_centred(pixels, total, total, squares) / pixels)


def correlation_coefficient(fused: MeasuredBatch, sources: SourceBatch) -> torch.Tensor:
    """CC of each image, see `cc.correlation_coefficient`."""
    check_batch(1, fused, sources)
    pixels = _pixels(fused)
    both = (kept_joint_sums(source, fused) for source in (sources.visible, sources.infrared))
    with_visible, with_infrared = (_correlation(pixels, *sums) for sums in both)
    return (with_visible + with_infrared) / 2


def correlation_of_differences(fused: MeasuredBatch, sources: SourceBatch) -> torch.Tensor:
    """SCD of each image, see `scd.correlation_of_differences`."""
    check_batch(1, fused, sources)
    pixels = _pixels(fused)
    with_visible = kept_joint_sums(sources.visible, fused)
    with_infrared = kept_joint_sums(sources.infrared, fused)
    shared = kept_joint_sums(sources.visible, sources.infrared).products
    return _correlation_left(pixels, with_visible, with_infrared, shared) + _correlation_left(
        pixels, with_infrared, with_visible, shared
    )


def mean_squared_error(fused: MeasuredBatch, sources: SourceBatch) -> torch.Tensor:
    """MSE of each image, see `mse.mean_squared_error`."""
    check_batch(1, fused, sources)
    visible, infrared = (kept_joint_sums(source, fused) for source in (sources.visible, sources.infrared))
    return (visible.squared_error + infrared.squared_error).to(torch.float64) / (2 * _pixels(fused))


def peak_signal_to_noise_ratio(
    fused: MeasuredBatch, sources: SourceBatch, peak: float, ceiling: float
) -> torch.Tensor:
    """PSNR of each image, see `psnr.peak_signal_to_noise_ratio`.

    Args:
        fused: The fused images.
        sources: Their sources.
        peak: The signal, in grey levels.
        ceiling: Decibels of an image without error.
    """
    ratio = peak * peak / mean_squared_error(fused, sources)
    return (10 * torch.log10(ratio)).clamp(max=ceiling)


def kept_joint_sums(first: MeasuredBatch, second: MeasuredBatch) -> JointSums:
    """Power sums of each two images, computed once; the order is that of `kept_joint_histogram`."""

    def compute() -> JointSums:
        joint = kept_joint_histogram(first, second)
        levels = _levels(joint)
        products = (joint * (levels[:, None] * levels)).sum(dim=(1, 2))
        return JointSums(_sums(joint.sum(dim=2)), _sums(joint.sum(dim=1)), products)

    return second.once(("joint_moments", first), compute)


def _sums(counts: torch.Tensor) -> Sums:
    """Power sums from `(N, 256)` histograms."""
    levels = _levels(counts)
    weighted = counts * levels
    return Sums(weighted.sum(dim=1), (weighted * levels).sum(dim=1))


def _levels(counts: torch.Tensor) -> torch.Tensor:
    return torch.arange(LEVELS, device=counts.device)


def _pixels(batch: MeasuredBatch) -> int:
    return batch.grey[0].numel()


def _correlation(pixels: int, first: Sums, second: Sums, products: torch.Tensor) -> torch.Tensor:
    """Pearson correlation of each two images, from -1 to 1; 0 where one is constant."""
    covariance = _centred(pixels, first.total, second.total, products)
    variances = _centred(pixels, first.total, first.total, first.squares)
    variances *= _centred(pixels, second.total, second.total, second.squares)
    return torch.where(variances > 0, covariance / torch.sqrt(variances), 0.0).clamp(-1.0, 1.0)


def _correlation_left(
    pixels: int, source: JointSums, other: JointSums, products_of_sources: torch.Tensor
) -> torch.Tensor:
    """Correlation of a source with the fused image minus the other source."""
    left = Sums(other.second.total - other.first.total, other.squared_error)
    return _correlation(pixels, left, source.first, source.products - products_of_sources)


def _centred(pixels: int, first: torch.Tensor, second: torch.Tensor, products: torch.Tensor) -> torch.Tensor:
    """Sum of `(x - mean x) (y - mean y)` over the pixels of each image, float64.

    The sums are moved to the integers nearest to the means, exactly. What then remains to be subtracted is at
    most half of a variance, so that no digits cancel, and a constant image has exactly 0.

    Args:
        pixels: Pixels of an image.
        first: Sum of x, `(N,)` int64.
        second: Sum of y.
        products: Sum of x y.
    """
    near_first, near_second = ((2 * total + pixels) // (2 * pixels) for total in (first, second))
    rest_first, rest_second = first - pixels * near_first, second - pixels * near_second
    around = products - near_first * second - near_second * rest_first
    return around.to(torch.float64) - (rest_first * rest_second).to(torch.float64) / pixels
