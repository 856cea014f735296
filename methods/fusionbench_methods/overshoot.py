"""How far outside [0, 1] a method without a bounded last step may go."""

from __future__ import annotations

from fusionbench_methods.per_image import Array

LIMIT = 1.0
"""The harness clamps up to here, as the published scripts do when they write 8 bits; values further outside
it refuses, as those of an output in another range."""


def limited(fused: Array) -> Array:
    """Cut off only what is further outside [0, 1] than sums of detail get on ordinary images."""
    return fused.clip(-LIMIT, 1.0 + LIMIT)
