"""Chen-Blum quality (Qcb): how much of the contrast the eye sees in the sources is in the fused image.

Reference:
    Y. Chen, R. S. Blum: "A new automated quality assessment algorithm for image fusion", Image and Vision
    Computing 27(10), 2009, sections 3.1 to 3.4.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.contrast_sensitivity import Array, cycles_per_degree, filtered, stretched
from fusionbench_metrics.gaussian_window import row_bands
from fusionbench_metrics.grey_images import check_grey

VISUAL_ANGLE = 15.0
"""Degrees under which the eye sees the width, and the height, of the image."""

CENTRE_FREQUENCY, SURROUND_FREQUENCY, SURROUND_SHARE = 15.3870, 1.3456, 0.7622
"""The contrast sensitivity, a difference of Gaussians `exp(-(r / f0)^2) - a exp(-(r / f1)^2)` of the
frequency r in cycles per degree."""

SIGMAS = (2.0, 4.0)
"""Standard deviations in pixels of the Gaussians whose ratio is the local contrast."""

REACH = 15
"""Pixels from the middle of a Gaussian's window to its end."""

MASKING_POWER, SELF_MASKING_POWER, SATURATION = 3, 2, 1e-4
"""Contrast masking `c^p / (c^q + Z)`."""

DARK = 1e-6
"""Grey level below which the surround is black, and nothing stands out from it."""

MINIMUM_SIZE = 3


def chen_blum(fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image) -> float:
    """Preserved contrast, weighted by the sources' contrast, averaged over all pixels.

    Each image is stretched to 0..255, filtered by the contrast sensitivity (`masked_contrast`), and turned
    into local, masked contrast C. Then

        quality(S) = min(C_S, C_F) / max(C_S, C_F), weight(S) = C_S^2 / (C_A^2 + C_B^2)

    and the value is the mean over all pixels of the two qualities so weighted. Where source and fused image
    both have no contrast, 0 / 0 has no value: the quality counts as 1, because nothing is lost; where neither
    source has any, both weigh 1/2. A constant image has no contrast anywhere.

    Args:
        fused: `(H, W)` grey uint8, at least 3x3.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.

    Returns:
        From 0 (among others, a constant fused image) to 1 (among others, three equal images).

    Raises:
        ValueError: If an image is not grey uint8, is smaller than 3x3, or the sizes differ.
    """
    check_grey(MINIMUM_SIZE, fused=fused, visible=visible, infrared=infrared)
    return preserved_contrast(*(masked_contrast(stretched(image)) for image in (fused, visible, infrared)))


def masked_contrast(image: NDArray[np.uint8] | Array, visual_angle: float = VISUAL_ANGLE) -> Array:
    """Local contrast as the eye perceives it.

    The image is filtered by the contrast sensitivity, periodically. Its local contrast is
    `|G2 * I / G4 * I - 1|` with Gaussian windows of 31x31 pixels, not normalised after cutting, and zeros
    beyond the border; masking turns it into `c^3 / (c^2 + Z)`.

    Args:
        image: `(H, W)` grey, 0..255.
        visual_angle: Degrees under which each side of the image is seen.

    Returns:
        `(H, W)`, from 0.
    """
    seen = filtered(image, _sensitivity(image.shape[0], image.shape[1], visual_angle))
    centre, surround = _blurred(seen)
    for band in row_bands(*seen.shape):
        dark = np.abs(surround[band]) < DARK
        contrast = np.where(dark, 1.0, centre[band])
        contrast /= np.where(dark, 1.0, surround[band])
        contrast -= 1
        np.abs(contrast, out=contrast)
        squared = contrast * contrast
        contrast *= squared
        squared += SATURATION
        np.divide(contrast, squared, out=seen[band])
    return seen


def preserved_contrast(fused: Array, first: Array, second: Array) -> float:
    """Mean of `min / max` of fused and source contrast, weighted by the squared contrast of the source.

    Args:
        fused: Masked contrast `(H, W)`.
        first: That of one source.
        second: That of the other one.
    """
    total = 0.0
    for band in row_bands(*fused.shape):
        weight = first[band] * first[band]
        other_weight = second[band] * second[band]
        quality = weight * _kept(first[band], fused[band]) + other_weight * _kept(second[band], fused[band])
        weight += other_weight
        neither = weight == 0
        np.divide(quality, weight, out=quality, where=~neither)
        # Nothing is kept of two sources without contrast if the fused image has some, everything if not.
        quality[neither] = fused[band][neither] == 0
        total += float(quality.sum())
    return total / fused.size


def _kept(source: Array, fused: Array) -> Array:
    weaker, stronger = np.minimum(source, fused), np.maximum(source, fused)
    kept = np.ones_like(weaker)
    np.divide(weaker, stronger, out=kept, where=stronger > 0)
    return kept


def _sensitivity(rows: int, columns: int, visual_angle: float) -> Array:
    vertical = cycles_per_degree(rows, visual_angle)
    horizontal = cycles_per_degree(columns, visual_angle)[: columns // 2 + 1]

    # A Gaussian of both frequencies is the product of two.
    def gaussian(frequency: float) -> Array:
        by_row, by_column = (np.exp(-((axis / frequency) ** 2)) for axis in (vertical, horizontal))
        return np.multiply.outer(by_row, by_column)

    sensitivity = gaussian(CENTRE_FREQUENCY)
    sensitivity -= SURROUND_SHARE * gaussian(SURROUND_FREQUENCY)
    return sensitivity


def _blurred(image: Array) -> list[Array]:
    """The image under each Gaussian window, with zeros beyond its border, by way of the spectrum."""
    rows, columns = image.shape
    # The spectrum's periodic image has a margin of zeros as wide as a window reaches.
    height, width = (fft.next_fast_len(side + REACH, real=True) for side in image.shape)
    spectrum = fft.rfft2(image, s=(height, width))
    blurred = []
    for sigma in SIGMAS:
        by_row, by_column = _spectrum(sigma, height), _spectrum(sigma, width)[: width // 2 + 1]
        whole = fft.irfft2(spectrum * by_column * by_row[:, None], s=(height, width))
        blurred.append(whole[:rows, :columns])
    return blurred


def _spectrum(sigma: float, length: int) -> Array:
    """Spectrum of a Gaussian window along one axis, not normalised after cutting."""
    offset = np.arange(1, REACH + 1)
    taps = np.exp(-(offset**2) / (2 * sigma**2))
    phase = np.multiply.outer(np.arange(length), offset) * (2 * math.pi / length)
    spectrum: Array = (1 + 2 * (np.cos(phase) * taps).sum(axis=1)) / (math.sqrt(2 * math.pi) * sigma)
    return spectrum


def _kept_contrast(image: MeasuredImage) -> Array:
    return image.once("qcb.contrast", lambda: masked_contrast(stretched(image.grey)))


class ChenBlum:
    """Qcb of the fused image with both sources."""

    card = MetricCard(
        name="qcb",
        title="Chen-Blum quality",
        label="Qcb",
        direction="higher",
        compares="sources",
        value_range=(0.0, 1.0),
        minimum_size=MINIMUM_SIZE,
        summary="kept local contrast after contrast sensitivity and masking (p 3, q 2, Z 1e-4), weighted by "
        "the sources'; levels stretched to 0..255",
        reference="Chen & Blum, Image and Vision Computing 2009",
        version="1",
        border="zeros beyond it for the Gaussians, repeated for the sensitivity",
        flat="a constant fused image 0; a constant source has no weight",
        elsewhere="0.492154 and 0.494715 from another frequency grid and no stretch (two ports)",
        example=0.497173,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `chen_blum`."""
        visible, infrared = sources.visible, sources.infrared
        check_grey(MINIMUM_SIZE, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
        return preserved_contrast(*(_kept_contrast(image) for image in (fused, visible, infrared)))
