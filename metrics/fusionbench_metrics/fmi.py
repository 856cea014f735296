"""Feature mutual information (FMI): how much the features of the fused image tell of those of the sources.

Three metrics of one definition, by what counts as a feature: the grey levels themselves (`fmi_pixel`), their
horizontal derivative (`fmi_gradient`), and the discrete cosine transform of the whole image (`fmi_dct`).

References:
    M. Haghighat, M. A. Razian: "Fast-FMI: non-reference image fusion metric", 8th International Conference on
    Application of Information and Communication Technologies (AICT), 2014.
    M. B. A. Haghighat, A. Aghagolzadeh, H. Seyedarabi: "A non-reference image fusion metric based on mutual
    information of image features", Computers and Electrical Engineering 37(5), 2011.
    R. B. Nelsen: "Discrete bivariate distributions with given marginals and correlation", Communications in
    Statistics - Simulation and Computation 16(1), 1987 (the joint distribution).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.gradients import central_differences
from fusionbench_metrics.grey_images import check_grey

WINDOW = 3
"""Side of the window in pixels."""

PLACES = WINDOW * WINDOW
"""Values in a window: the levels of the random variable whose probabilities they are."""

NO_COEFFICIENT = 1e-8
"""Cosine coefficients below this are rounding errors of a zero."""

MINIMUM_SIZE = WINDOW
"""One window."""

_WINDOWS_AT_ONCE = 1 << 12
"""Windows worked on together, but at least a row of them: their values stay in a processor's cache."""

_TINY = 1e-300
"""Takes the place of a probability of 0, whose logarithm is multiplied by it: 0 log 0 = 0."""

Array = NDArray[np.float64]
Feature = Literal["pixel", "gradient", "dct"]


class Windows(NamedTuple):
    """Some windows of a feature image as distributions, each value `(9, n)` or `(n,)` for n windows."""

    values: Array
    """The features as they are, each window column by column."""
    probability: Array
    """The normalised features."""
    cumulated: Array
    entropy: Array
    """In nats."""
    spread: Array
    """Standard deviation of the place in the window, under these probabilities."""
    deviation: Array
    """Probabilities minus their mean."""
    norm: Array
    """Root of the summed squares of the deviations; 0 for a constant window."""


def feature_mutual_information(
    fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image, feature: Feature
) -> float:
    """Mutual information of fused and source features in 3x3 windows, relative to their mean entropy.

    For every window that lies inside the image, the nine features (read column by column) are normalised:
    minimum to 0, and divided by their sum, or all 1/9 if they are equal. The result p is taken as the
    distribution of a place in the window, q for the fused image likewise. Their joint distribution is not
    known; it is modelled by Nelsen's, which has the marginals p and q and moves with their correlation c (of
    the nine pairs of values) from independence to the most dependent one there is:

        joint = phi * bound + (1 - phi) * p q,    phi = c / rho

    The bound is the Frechet bound, for c >= 0 the upper, `min(P, Q)` in terms of the distribution functions,
    else the lower, `max(P + Q - 1, 0)`, and rho is the correlation of the places under it. The window's value
    is `2 (H(p) + H(q) - H(joint)) / (H(p) + H(q))`, and FMI the mean over all windows and both sources.

    c is a correlation of features and not of places, so it can exceed rho, in up to a third of the windows of
    a real image; some joint "probabilities" are negative then. Published values include such windows, and so
    does this: `p log |p|`, the real part of `p log p`, is what a negative one contributes to the entropy.
    (Keeping phi within 0..1 would lower FMI by up to 2 %; without it a few windows leave 0..1.)

    Two windows with equal features count 1. Otherwise a window of equal values correlates with nothing: it
    counts as independent, 0. So do two windows without entropy, all of it in one place, unless equal. (The
    authors' program tests the second source for equality with fused features that it has already normalised
    for the first; here both are tested as they are.)

    A mere copy of a source has `(1 + s) / 2`, s being what the sources share, and few fused images have more.

    Args:
        fused: `(H, W)` grey uint8, at least 3x3.
        visible: `(H, W)` grey uint8.
        infrared: `(H, W)` grey uint8.
        feature: `pixel`: grey levels; `gradient`: the horizontal derivative, by central differences,
            one-sided at the border (what the authors' program takes: MATLAB's `gradient` with one output);
            `dct`: the orthonormal two-dimensional cosine transform (type II) of the whole image.

    Returns:
        0 for a constant fused image and sources without constant windows, 1 for three equal images; real
        images lie between.

    Raises:
        ValueError: If an image is not grey uint8, is smaller than 3x3, or the sizes differ.
    """
    check_grey(MINIMUM_SIZE, fused=fused, visible=visible, infrared=infrared)
    extract = FEATURES[feature]
    return _information(extract(fused), (extract(visible), extract(infrared)))


def horizontal_derivative(image: Uint8Image) -> Array:
    """Horizontal central differences, one-sided at the border, `(H, W)`."""
    return np.concatenate([horizontal / 2 for horizontal, _ in central_differences(image)])


def cosine_transform(image: Uint8Image) -> Array:
    """Coefficients of the orthonormal cosine transform of the whole image, `(H, W)`."""
    coefficients: Array = fft.dctn(image.astype(np.float64), norm="ortho")
    coefficients[np.abs(coefficients) < NO_COEFFICIENT] = 0
    return coefficients


def grey_levels(image: Uint8Image) -> Array:
    """The image itself, `(H, W)`."""
    return image.astype(np.float64)


FEATURES: dict[Feature, Callable[[Uint8Image], Array]] = {
    "pixel": grey_levels,
    "gradient": horizontal_derivative,
    "dct": cosine_transform,
}


def _information(fused: Array, sources: tuple[Array, ...]) -> float:
    rows, columns = fused.shape[0] - WINDOW + 1, fused.shape[1] - WINDOW + 1
    height = max(1, _WINDOWS_AT_ONCE // columns)
    total = 0.0
    for start in range(0, rows, height):
        band = slice(start, min(start + height, rows) + WINDOW - 1)
        of_fused = _windows(fused[band])
        for source in sources:
            total += float(_shared(_windows(source[band]), of_fused).sum())
    windows: int = rows * columns
    return total / (len(sources) * windows)


def _windows(feature: Array) -> Windows:
    rows, columns = (side - WINDOW + 1 for side in feature.shape)
    values = np.stack(
        [
            feature[row : row + rows, column : column + columns].ravel()
            for column in range(WINDOW)
            for row in range(WINDOW)
        ]
    )
    probability = values - values.min(axis=0)
    constant = ~probability.any(axis=0)
    probability[:, constant] = 1
    probability /= probability.sum(axis=0)
    places = np.arange(PLACES, dtype=np.float64)[:, None]
    distance = places - (probability * places).sum(axis=0)
    deviation = probability - 1 / PLACES
    norm = np.sqrt((deviation * deviation).sum(axis=0))
    norm[constant] = 0
    return Windows(
        values,
        probability,
        _cumulated(probability),
        -(probability * np.log(probability + _TINY)).sum(axis=0),
        np.sqrt((probability * distance * distance).sum(axis=0)),
        deviation,
        norm,
    )


def _shared(source: Windows, fused: Windows) -> Array:
    """Value of each window for one source, `(n,)`."""
    norms = source.norm * fused.norm
    correlation = (source.deviation * fused.deviation).sum(axis=0)
    np.divide(correlation, norms, out=correlation, where=norms > 0)
    correlation[norms == 0] = 0
    # The lower bound of two distributions is the upper bound of one and the other turned round.
    turned = np.where(correlation < 0, fused.probability[::-1], fused.probability)
    cumulated = _cumulated(turned)
    covariance = np.abs(correlation) * source.spread * fused.spread
    share = _share_of_bound(covariance, source.cumulated, cumulated)
    entropies = source.entropy + fused.entropy
    value = entropies - _joint_entropy(source, turned, cumulated, share)
    value *= 2
    np.divide(value, entropies, out=value, where=entropies > 0)
    value[entropies == 0] = 0
    value[(source.values == fused.values).all(axis=0)] = 1
    return value


def _share_of_bound(covariance: Array, source: Array, fused: Array) -> Array:
    """Part that the upper Frechet bound has in the joint distribution.

    Args:
        covariance: What the joint distribution's should be, not negative, `(n,)`.
        source: Distribution function, `(9, n)`.
        fused: The other one.
    """
    # Hoeffding: the covariance of the bound is the sum of its distribution function minus the product's.
    largest = -source.sum(axis=0) * fused.sum(axis=0)
    for below in source:
        largest += np.minimum(fused, below).sum(axis=0)
    # Rounding leaves something of the zero covariance with a distribution that is all in one place.
    share = np.zeros_like(covariance)
    np.divide(covariance, largest, out=share, where=largest > 1e-12)
    return share


def _joint_entropy(source: Windows, fused: Array, fused_cumulated: Array, share: Array) -> Array:
    """Entropy of the joint distribution, the bound being the upper one, `(n,)` in nats.

    In terms of the distribution functions, place i of the source is an interval of 0..1, and so is place j of
    the fused image; the bound's probability of (i, j) is the length they have in common.
    """
    independent = (1 - share) * fused
    end = share * fused_cumulated
    start = share * (fused_cumulated - fused)
    source_start = np.zeros_like(share)
    nothing = np.full_like(fused, _TINY)
    negative_entropy = np.zeros_like(fused)
    joint, term = np.empty_like(fused), np.empty_like(fused)
    for probability, source_end in zip(source.probability, share * source.cumulated, strict=True):
        np.minimum(end, source_end, out=joint)
        joint -= np.maximum(start, source_start, out=term)
        np.maximum(joint, nothing, out=joint)
        joint += np.multiply(independent, probability, out=term)
        np.abs(joint, out=term)
        np.maximum(term, nothing, out=term)
        joint *= np.log(term, out=term)
        negative_entropy += joint
        source_start = source_end
    entropy: Array = -negative_entropy.sum(axis=0)
    return entropy


def _cumulated(probability: Array) -> Array:
    # Row by row: NumPy's own cumulation along the first axis takes ten times as long.
    cumulated: Array = probability.copy()
    for place in range(1, PLACES):
        cumulated[place] += cumulated[place - 1]
    return cumulated


class _FeatureMutualInformation:
    """FMI of the fused image with both sources."""

    card: MetricCard
    feature: Feature

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image; see `feature_mutual_information`."""
        visible, infrared = sources.visible, sources.infrared
        check_grey(MINIMUM_SIZE, fused=fused.grey, visible=visible.grey, infrared=infrared.grey)
        return _information(self._kept(fused), (self._kept(visible), self._kept(infrared)))

    def _kept(self, image: MeasuredImage) -> Array:
        return image.once(f"fmi.{self.feature}", lambda: FEATURES[self.feature](image.grey))


_CARD = MetricCard(
    name="fmi_pixel",
    title="Feature mutual information of grey levels",
    label="FMI pixel",
    direction="higher",
    compares="sources",
    value_range=(-math.inf, math.inf),
    minimum_size=MINIMUM_SIZE,
    summary="mutual information of 3x3 windows of grey levels over their mean entropy (Nelsen's joint "
    "distribution), mean over both sources",
    reference="Haghighat & Razian, AICT 2014",
    version="1",
    border="nothing beyond it: whole windows only",
    flat="a constant window counts 0, unless both are equal: 1",
    example=0.448396,
)


class FeatureMutualInformationPixel(_FeatureMutualInformation):
    """FMI of grey levels."""

    card = _CARD
    feature = "pixel"


class FeatureMutualInformationGradient(_FeatureMutualInformation):
    """FMI of the horizontal derivative."""

    card = replace(
        _CARD,
        name="fmi_gradient",
        title="Feature mutual information of horizontal derivatives",
        label="FMI gradient",
        summary=_CARD.summary.replace("grey levels", "horizontal derivatives"),
        border="one-sided differences; whole windows only",
        example=0.407361,
    )
    feature = "gradient"


class FeatureMutualInformationDct(_FeatureMutualInformation):
    """FMI of the cosine transform of the whole image."""

    card = replace(
        _CARD,
        name="fmi_dct",
        title="Feature mutual information of cosine coefficients",
        label="FMI DCT",
        summary=_CARD.summary.replace("grey levels", "cosine coefficients of the whole image"),
        example=0.267452,
    )
    feature = "dct"
