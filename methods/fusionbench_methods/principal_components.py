"""Two layers fused by the first principal component of the details: the second half of ADF and of FPDE."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fusionbench_methods.overshoot import limited
from fusionbench_methods.per_image import Array

SMALLEST = 1e-9
"""Deviations below it are rounding, and a sum of components below it shares out nothing."""


class Weights(NamedTuple):
    """Of two images; they sum to one, and one is negative where the images vary against each other."""

    visible: float
    infrared: float


def fuse_layers(visible: Array, infrared: Array, visible_base: Array, infrared_base: Array) -> Array:
    """Mean of the bases, and the details by their weights.

    Args:
        visible: `(H, W)` in [0, 1].
        infrared: `(H, W)` in [0, 1].
        visible_base: `(H, W)`, the smooth part of the visible image; its detail is the rest.
        infrared_base: `(H, W)`.

    Returns:
        `(H, W)`, beyond [0, 1] beside strong edges.
    """
    details = visible - visible_base, infrared - infrared_base
    weights = component_weights(*details)
    detail = weights.visible * details[0] + weights.infrared * details[1]
    return limited((visible_base + infrared_base) / 2 + detail)


def component_weights(visible: Array, infrared: Array) -> Weights:
    """The first principal component of two images as weights.

    Args:
        visible: `(H, W)`.
        infrared: `(H, W)`.

    Returns:
        The eigenvector of the larger eigenvalue of their covariance, divided by its sum; equal weights for
        images that do not vary or whose components cancel.
    """
    pixels = np.stack([image.ravel() for image in (visible, infrared)])
    centred = pixels - pixels.mean(axis=1, keepdims=True)
    component = np.linalg.eigh(centred @ centred.T)[1][:, -1]
    total = component.sum()
    if np.abs(centred).max() < SMALLEST or abs(total) < SMALLEST:
        return Weights(0.5, 0.5)
    return Weights(*(component / total).tolist())
