"""What `fixed` learns from: structure of both sources, the stronger gradient, and the clean visible image.

All compare with the *clean* visible image. SSIM is a metric of the benchmark, and training on it is usual in
the field; it is said here so that nobody is surprised. VIF is trained on only by the recipe `vif`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import conv2d, l1_loss

from fusionbench_methods.sgafusion.fixed.light import chroma, luminance
from fusionbench_methods.sgafusion.losses import SOBEL

WINDOW, SIGMA = 11, 1.5
SSIM_CONSTANTS = (0.01**2, 0.03**2)
"""Of SSIM (Z. Wang et al., IEEE TIP 13(4), 2004), for images in [0, 1]."""

SOBEL_GAIN = 8.0
"""A Sobel kernel's response to a ramp of one a pixel."""


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms."""

    similarity: float = 1.5
    """1 minus the mean SSIM to both sources."""
    gradient: float = 16.0
    """L1 to the signed gradient of the source in which it is stronger."""
    brightness: float = 0.1
    """L1 to the brighter source."""
    colour: float = 3.0
    """L1 of Cb and Cr to the clean visible image's."""
    restoration: float = 3.0
    """L1 of the restored visible image, and 0.3 of 1 minus its SSIM."""
    fidelity: float = 0.0
    """1 minus the mean VIF to both sources: training on a metric of the benchmark, never the default."""


def fixed_loss_terms(
    visible: torch.Tensor,
    infrared: torch.Tensor,
    fused: torch.Tensor,
    restored: torch.Tensor,
    weights: LossWeights | None = None,
) -> dict[str, torch.Tensor]:
    """The terms without their weights, and `total` with them.

    Args:
        visible: Clean RGB `(N, 3, H, W)` in [0, 1].
        infrared: Clean `(N, 1, H, W)` in [0, 1].
        fused: RGB `(N, 3, H, W)`.
        restored: RGB `(N, 3, H, W)`.
        weights: Of the terms.
    """
    weights = weights or LossWeights()
    wanted, luma, of_restored = luminance(visible), luminance(fused), luminance(restored)
    similarity = 0.5 * (ssim(luma, wanted) + ssim(luma, infrared))
    terms = {
        "similarity": 1.0 - similarity,
        "gradient": gradient_loss(luma, wanted, infrared),
        "brightness": l1_loss(luma, torch.maximum(wanted, infrared)),
        "colour": 2.0 * l1_loss(chroma(fused, luma), chroma(visible, wanted)),
        "restoration": l1_loss(restored, visible) + 0.3 * (1.0 - ssim(of_restored, wanted)),
    }
    if weights.fidelity:
        fidelity = 0.5 * (visual_fidelity(wanted, luma) + visual_fidelity(infrared, luma))
        terms["fidelity"] = 1.0 - fidelity
    total = torch.stack([getattr(weights, name) * term for name, term in terms.items()]).sum()
    return {**terms, "total": total}


def gradient_loss(fused: torch.Tensor, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
    """L1 of signed Sobel gradients to those of the source with the larger magnitude at the pixel."""
    ours, theirs, got = signed_gradients(visible), signed_gradients(infrared), signed_gradients(fused)
    stronger = ours.square().sum(dim=1, keepdim=True) >= theirs.square().sum(dim=1, keepdim=True)
    return 2.0 * l1_loss(got, torch.where(stronger, ours, theirs))


def signed_gradients(grey: torch.Tensor) -> torch.Tensor:
    """Along rows and columns, in grey values a pixel, `(N, 2, H - 2, W - 2)` of `(N, 1, H, W)`."""
    along_rows = torch.tensor(SOBEL, dtype=grey.dtype, device=grey.device)
    return conv2d(grey, torch.stack([along_rows, along_rows.T])[:, None]) / SOBEL_GAIN


def ssim(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Mean structural similarity of `(N, 1, H, W)`, over the places where the window fits."""
    means, products = _window_moments(first, second)
    mean_product = means[0] * means[1]
    squares = means[0].square(), means[1].square()
    variances = products[0] - squares[0] + products[1] - squares[1]
    steady_mean, steady_variance = SSIM_CONSTANTS
    brightness = (2 * mean_product + steady_mean) / (squares[0] + squares[1] + steady_mean)
    structure = (2 * (products[2] - mean_product) + steady_variance) / (variances + steady_variance)
    return (brightness * structure).mean()


def visual_fidelity(reference: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """Visual information fidelity in the pixel domain, its finest two scales, of `(N, 1, H, W)`.

    H. R. Sheikh, A. C. Bovik: "Image Information and Visual Quality", IEEE TIP 15(2), 2006, with images in
    [0, 255] and a noise variance of 2.
    """
    steady, noise = 1e-6, 2.0
    reference, image = 255.0 * reference, 255.0 * image
    kept, given = reference.new_zeros(()), reference.new_zeros(())
    for scale in range(2):
        if scale:
            reference, image = (_smoothed(each)[:, :, ::2, ::2] for each in (reference, image))
        means, products = _window_moments(reference, image)
        variance, other = (products[index] - means[index].square() for index in (0, 1))
        covariance = products[2] - means[0] * means[1]
        variance, other = variance.clamp(min=0.0), other.clamp(min=0.0)
        gain = (covariance / (variance + steady)).clamp(min=0.0)
        lost = (other - gain * covariance).clamp(min=steady)
        kept = kept + torch.log1p(gain.square() * variance / (lost + noise)).sum()
        given = given + torch.log1p(variance / noise).sum()
    return kept / (given + steady)


def _window_moments(
    first: torch.Tensor, second: torch.Tensor
) -> tuple[tuple[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Window means of two images; and of the first's square, the second's, and their product."""
    stacked = torch.cat([first, second, first.square(), second.square(), first * second], dim=1)
    means = _smoothed(stacked).chunk(5, dim=1)
    return (means[0], means[1]), (means[2], means[3], means[4])


def _smoothed(images: torch.Tensor) -> torch.Tensor:
    """Gaussian means of every channel where the window fits."""
    channels = images.shape[1]
    positions = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    gaussian = torch.exp(-(positions**2) / (2 * SIGMA**2))
    kernel = (gaussian / gaussian.sum()).to(images).expand(channels, 1, WINDOW)
    along = conv2d(images, kernel[:, :, None, :], groups=channels)
    return conv2d(along, kernel[:, :, :, None], groups=channels)
