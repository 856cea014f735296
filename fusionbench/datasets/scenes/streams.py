"""Random numbers of the generator: one independent stream for each (seed, index, purpose).

Only operations whose result IEEE 754 fixes are used on arrays (add, multiply, divide, square root, compare,
integer work), so that an image has the same bytes on every processor: transcendental functions go through
tables made once with Python's `math` in double precision.
"""

from __future__ import annotations

import hashlib
from functools import cache
from statistics import NormalDist

import numpy as np

from fusionbench.contracts import FloatImage

GENERATOR_VERSION = "1"
"""Raised whenever any pixel or label of any scene changes."""

_NORMAL_LEVELS = 4096
"""Quantiles in the table of normal values; the largest is 3.7 standard deviations."""


def stream(seed: int, index: int, purpose: str) -> np.random.Generator:
    """Open the random stream of one purpose in one scene.

    Args:
        seed: The user's seed.
        index: Number of the scene; negative numbers are free for what all scenes share.
        purpose: What the numbers are for; streams of different purposes are independent.
    """
    name = f"fusionbench scenes {GENERATOR_VERSION}\0{seed}\0{index}\0{purpose}"
    digest = hashlib.blake2b(name.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))


def normal(generator: np.random.Generator, shape: tuple[int, ...]) -> FloatImage:
    """Draw standard normal values, float32, by inverting a table of quantiles."""
    levels = generator.integers(0, 65536, size=shape, dtype=np.uint16) >> 4
    values: FloatImage = _normal_quantiles()[levels]
    return values


@cache
def _normal_quantiles() -> FloatImage:
    distribution = NormalDist()
    quantiles = [distribution.inv_cdf((level + 0.5) / _NORMAL_LEVELS) for level in range(_NORMAL_LEVELS)]
    return np.array(quantiles, dtype=np.float32)
