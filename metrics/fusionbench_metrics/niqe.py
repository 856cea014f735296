"""NIQE: how far the fused image's local statistics are from those of good photographs, without opinions.

Reference:
    A. Mittal, R. Soundararajan, A. C. Bovik: "Making a 'completely blind' image quality analyzer", IEEE
    Signal Processing Letters 20(3), 2013, with the parameters of the authors' release.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench.errors import InputError
from fusionbench_metrics.gaussian_window import Array
from fusionbench_metrics.grey_images import check_grey
from fusionbench_metrics.scene_statistics import (
    NEIGHBOURS,
    AsymmetricFit,
    Grey,
    fit_asymmetric,
    half_size,
    moments,
    normalised,
)

BLOCK = 96
"""Side of a block in pixels at full size, half of it at the second scale."""

FEATURES = 36
"""18 of each of two scales."""

MINIMUM_SIZE = 2 * BLOCK
"""Two rows and columns of blocks: a covariance needs several."""

NAMES = (("mu_prisparam", "cov_prisparam"), ("mu_pris_param", "cov_pris_param"))
"""What files of parameters call the mean and the covariance: the authors' `.mat`, its copies as `.npz`."""

SOURCE = (
    "the file `modelparameters.mat` of the authors' NIQE release "
    "(https://live.ece.utexas.edu/research/Quality/index_algorithms.htm)"
)


class Pristine(NamedTuple):
    """Distribution of the features of blocks of good photographs."""

    mean: Array
    """`(36,)`."""
    covariance: Array
    """`(36, 36)`."""


def niqe(fused: Uint8Image, pristine: Pristine) -> float:
    """Distance of the features of the image's blocks from those of good photographs.

    The image is cut to whole blocks of 96x96 from its upper left. At full and half size, luminance is
    normalised by its local mean and deviation (7x7 Gaussian, edge repeated). For every block, an asymmetric
    generalised Gaussian is fitted to the normalised values and to the products of neighbours in four
    directions, around the edge of the block: 36 features. With m and C their mean and covariance (n - 1) over
    the blocks, M and D those of good photographs, the score is `sqrt((m - M)' ((C + D) / 2)^-1 (m - M))`.

    Blocks to which nothing can be fitted (constant ones, or where some product of neighbours never has one of
    the two signs) count in neither m nor C.

    Args:
        fused: `(H, W)` grey uint8, at least 192x192.
        pristine: The authors' parameters.

    Returns:
        The score from 0, lower is better, good photographs have 2 to 5; NaN where fewer than two blocks can
        be fitted, as in a constant image.

    Raises:
        ValueError: If the image is not grey uint8 or is smaller than 192x192.
    """
    check_grey(MINIMUM_SIZE, fused=fused)
    of_blocks = features(fused)
    of_blocks = of_blocks[np.isfinite(of_blocks).all(axis=1)]
    if len(of_blocks) < 2:
        return math.nan
    centred = of_blocks - of_blocks.mean(axis=0)
    # Sums of products, not a matrix product, whose rounding may differ with the number of threads.
    covariance = (centred[:, :, None] * centred[:, None, :]).sum(axis=0) / (len(of_blocks) - 1)
    distance = of_blocks.mean(axis=0) - pristine.mean
    inverse = np.linalg.pinv((covariance + pristine.covariance) / 2, hermitian=True)
    return math.sqrt(float((distance[:, None] * inverse * distance).sum()))


def features(image: Uint8Image) -> Array:
    """The 36 features of every whole block of a grey image, `(blocks, 36)`."""
    rows, columns = (side // BLOCK * BLOCK for side in image.shape)
    whole = image[:rows, :columns]
    return np.concatenate([_features(whole, BLOCK), _features(half_size(whole), BLOCK // 2)], axis=1)


def _features(image: Grey, block: int) -> Array:
    values = normalised(image, border="edge")
    # (block row, row in it, block column, column in it)
    blocks = values.reshape(values.shape[0] // block, block, -1, block)
    of_values = fit_asymmetric(moments(blocks, axis=(1, 3)))
    left, right = _scales(of_values)
    found = [of_values.shape, (left + right) / 2]
    for shift in NEIGHBOURS:
        fit = fit_asymmetric(moments(blocks * np.roll(blocks, shift, axis=(1, 3)), axis=(1, 3)))
        found += [fit.shape, fit.mean, *_scales(fit)]
    return np.stack([feature.ravel() for feature in found], axis=1)


def _scales(fit: AsymmetricFit) -> tuple[Array, Array]:
    """Scales `b` of `exp(-(|x| / b)^shape)`, from the standard deviations."""
    factor = np.exp((gammaln(1 / fit.shape) - gammaln(3 / fit.shape)) / 2)
    return fit.left * factor, fit.right * factor


def read_pristine(path: Path) -> Pristine:
    """Read the authors' parameters, `.mat` or `.npz`.

    Raises:
        InputError: If the file cannot be read or holds something else.
    """
    from scipy.io import loadmat

    try:
        with path.open("rb") as stream:
            content = dict(np.load(stream)) if path.suffix == ".npz" else loadmat(stream)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); metric niqe needs {SOURCE}") from error
    except Exception as error:  # whatever the two readers make of a file of another kind
        raise InputError(f"{path}: is neither .mat nor .npz; metric niqe needs {SOURCE}") from error
    for mean, covariance in NAMES:
        if mean in content and covariance in content:
            found = Pristine(np.ravel(content[mean]), np.asarray(content[covariance]))
            if found.mean.shape == (FEATURES,) and found.covariance.shape == (FEATURES, FEATURES):
                return found
    raise InputError(f"{path}: has no parameters of good photographs; metric niqe needs {SOURCE}")


class Niqe:
    """NIQE of the fused image.

    Args:
        weights: The authors' file `modelparameters.mat`, or a copy of it as `.npz`.

    Raises:
        InputError: If it is not given, or is another file.
    """

    card = MetricCard(
        name="niqe",
        title="Natural image quality evaluator",
        label="NIQE",
        direction="lower",
        compares="fused",
        value_range=(0.0, math.inf),
        minimum_size=MINIMUM_SIZE,
        summary="distance of 36 scene statistics of 96x96 blocks from those of good photographs (LIVE)",
        reference="Mittal, Soundararajan & Bovik, IEEE SPL 2013, as the authors' release",
        version="1",
        border="the window repeats the edge; pixels beyond whole blocks are left out",
        flat="no value: nothing can be fitted to a constant image; constant blocks are left out",
        needs=f"--weights niqe=FILE: {SOURCE}",
        example=3.11968,
    )

    def __init__(self, weights: Path | None = None) -> None:
        if weights is None:
            raise InputError(f"metric niqe needs {SOURCE}; give it as --weights niqe=FILE")
        self._pristine = read_pristine(weights)

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:  # noqa: ARG002
        """Measure one image, in grey; see `niqe`."""
        return niqe(fused.grey, self._pristine)
