"""BRISQUE: how far the fused image's local statistics are from those of undistorted photographs.

Reference:
    A. Mittal, A. K. Moorthy, A. C. Bovik: "No-reference image quality assessment in the spatial domain",
    IEEE Transactions on Image Processing 21(12), 2012, with the model and the ranges of the authors' release.
"""

from __future__ import annotations

import math
from functools import reduce
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench.errors import InputError
from fusionbench_metrics.gaussian_window import Array, row_bands
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.scene_statistics import (
    NEIGHBOURS,
    Grey,
    Moments,
    fit_asymmetric,
    fit_symmetric,
    half_size,
    moments,
    normalised,
)

MINIMUM_SIZE = 14
"""One window at the second scale, which has half the size."""

FEATURES = 36
"""18 of each of two scales."""

GAMMA, RHO, SUPPORT_VECTORS = 0.05, -153.591, 774
"""Kernel width, offset and size of the authors' model, by which a file is recognised as it."""

LOWEST = (
    *(0.338, 0.017204, 0.236, -0.123884, 0.000155, 0.001122, 0.244, -0.123586, 0.000152),
    *(0.000975, 0.249, -0.135687, 0.000174, 0.000913, 0.258, -0.143408, 0.000179, 0.000888),
    *(0.471, 0.012809, 0.218, -0.094876, 0.000015, 0.001272, 0.222, -0.115772, 0.000016),
    *(0.001374, 0.227, -0.117188, 0.00003, 0.001122, 0.228, -0.12243, 0.000028, 0.001118),
)
"""Smallest value of each feature over the images the model was trained on (`allrange` of the release)."""

HIGHEST = (
    *(10, 0.806612, 1.642, 0.20293, 0.712298, 0.470257, 1.641, 0.179083, 0.710456),
    *(0.470984, 1.555, 0.100858, 0.684173, 0.534174, 1.561, 0.100486, 0.685696, 0.536508),
    *(3.264, 0.703171, 1.046, 0.187459, 0.442057, 0.40803, 1.042, 0.162604, 0.444362),
    *(0.40243, 0.996, 0.098323, 0.531903, 0.369589, 0.99, 0.098658, 0.530092, 0.370399),
)
"""Largest value of each."""

SOURCE = (
    "the file `allmodel` of the authors' BRISQUE release "
    "(https://live.ece.utexas.edu/research/Quality/index_algorithms.htm)"
)


class Model(NamedTuple):
    """A support vector regression with a Gaussian kernel."""

    weights: Array
    """`(774,)`."""
    vectors: Array
    """`(774, 36)`, on features scaled to -1..1."""


def brisque(fused: Uint8Image, model: Model) -> float:
    """Predicted opinion of the image's distortion: about 0 for undistorted, about 100 for very distorted.

    At full and half size, luminance is normalised by its local mean and deviation (7x7 Gaussian, zeros beyond
    the border). A generalised Gaussian is fitted to the normalised values and an asymmetric one to the
    products of neighbours in four directions, around the edge of the image; shape, mean and squared widths
    are 36 features. Scaled to -1..1 by the ranges of the training images, they go into the authors' support
    vector regression. Values of exactly 0, as in flat areas, count to neither side of a fit.

    Slight noise makes a smooth image score better, strong noise worse.

    Args:
        fused: `(H, W)` grey uint8, at least 14x14.
        model: The authors' model.

    Returns:
        The score, lower is better, not bounded; NaN for a constant image, and where some product of
        neighbours never has one of the two signs: no distribution can be fitted.

    Raises:
        ValueError: If the image is not grey uint8 or is smaller than 14x14.
    """
    check_grey(MINIMUM_SIZE, fused=fused)
    if fused.min() == fused.max():
        return math.nan
    lowest, highest = np.array(LOWEST), np.array(HIGHEST)
    scaled = 2 * (features(fused) - lowest) / (highest - lowest) - 1
    squared_distances = ((model.vectors - scaled) ** 2).sum(axis=1)
    return float((model.weights * np.exp(-GAMMA * squared_distances)).sum()) - RHO


def features(image: Uint8Image) -> Array:
    """The 36 features of a grey image, not yet scaled."""
    return np.concatenate([_features(image), _features(half_size(image))])


def _features(image: Grey) -> Array:
    values = normalised(image, border="zero")
    of_values = fit_symmetric(moments(values))
    found = [float(of_values.shape), float(of_values.variance)]
    for shift in NEIGHBOURS:
        fit = fit_asymmetric(_moments_of_products(values, shift))
        found += [float(fit.shape), float(fit.mean), float(fit.left) ** 2, float(fit.right) ** 2]
    return np.array(found)


def _moments_of_products(values: Array, shift: tuple[int, int]) -> Moments:
    """Moments of every value times its neighbour; the last row and column have the first as theirs."""
    rows = np.arange(values.shape[0])

    def of_band(band: slice) -> Moments:
        products = np.roll(values[(rows[band] - shift[0]) % len(rows)], shift[1], axis=1)
        products *= values[band]
        return moments(products)

    return reduce(Moments.plus, map(of_band, row_bands(*values.shape)))


def read_model(path: Path) -> Model:
    """Read the authors' model, a text file in the format of LIBSVM.

    Raises:
        InputError: If the file cannot be read or is not that model.
    """
    try:
        header, _, body = path.read_text(encoding="ascii", errors="replace").partition("SV\n")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); metric brisque needs {SOURCE}"
        ) from error
    try:
        model = _support_vectors(body)
        entries = dict(line.split(maxsplit=1) for line in header.splitlines())
        is_known = (float(entries["gamma"]), float(entries["rho"])) == (GAMMA, RHO)
    except (ValueError, KeyError, IndexError):
        is_known = False
    if not is_known or len(model.weights) != SUPPORT_VECTORS:
        raise InputError(f"{path}: is not the model metric brisque is defined by; it needs {SOURCE}")
    return model


def _support_vectors(body: str) -> Model:
    """Parse lines of a weight and the entries of its vector, `index:value` from 1; those left out are 0."""
    lines = body.splitlines()
    model = Model(np.empty(len(lines)), np.zeros((len(lines), FEATURES)))
    for row, line in enumerate(lines):
        weight, *entries = line.split()
        model.weights[row] = float(weight)
        for entry in entries:
            index, value = entry.split(":")
            model.vectors[row, int(index) - 1] = float(value)
    return model


class Brisque:
    """BRISQUE of the fused image.

    Args:
        weights: The authors' model file `allmodel`.

    Raises:
        InputError: If it is not given, or is another file.
    """

    card = MetricCard(
        name="brisque",
        title="Blind/referenceless image spatial quality evaluator",
        label="BRISQUE",
        direction="lower",
        compares="fused",
        value_range=(-math.inf, math.inf),
        minimum_size=MINIMUM_SIZE,
        summary="support vector regression on 36 scene statistics at two scales, the authors' model (LIVE)",
        reference="Mittal, Moorthy & Bovik, IEEE TIP 2012, as the authors' release",
        version="1",
        border="zeros beyond the border; neighbours around the edge",
        flat="no value: nothing can be fitted to a constant image",
        needs=f"--weights brisque=FILE: {SOURCE}",
        example=21.5659,
    )

    def __init__(self, weights: Path | None = None) -> None:
        if weights is None:
            raise InputError(f"metric brisque needs {SOURCE}; give it as --weights brisque=FILE")
        self._model = read_model(weights)

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:  # noqa: ARG002
        """Measure one image, in grey; see `brisque`."""
        return brisque(fused.grey, self._model)
