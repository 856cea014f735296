"""The degradations in torch, for training on the fly: the same formulas, many images at once, on any device.

Equal to the canonical path within half a level where the random fields are the same; not to the bit. What is
a property of a whole frame (depth, airlight, mean) is estimated once a pair by the canonical path
(`Surroundings`), never in a training step.
"""

from fusionbench_degradations.batched.degrade import (
    DegradedBatch,
    degrade_batch,
    parameters_at,
    parameters_of,
)
from fusionbench_degradations.batched.fields import CanonicalFields, DrawnFields, Fields
from fusionbench_degradations.batched.surroundings import Surroundings, collate

__all__ = [
    "CanonicalFields",
    "DegradedBatch",
    "DrawnFields",
    "Fields",
    "Surroundings",
    "collate",
    "degrade_batch",
    "parameters_at",
    "parameters_of",
]
