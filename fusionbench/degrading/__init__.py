"""Physically composed, reproducible degradations of image pairs, with their ground truth."""

from fusionbench.degrading.compose import (
    DEPTH_SOURCE,
    DegradedPair,
    degrade_pair,
    with_noise_sigma,
)
from fusionbench.degrading.condition import Condition, Quantity, parse_condition, parse_severities
from fusionbench.degrading.light import (
    decode_visible,
    encode_visible,
    is_monochrome,
    srgb_to_linear,
)
from fusionbench.degrading.randomness import SPECIFICATION, NamedStreams

__all__ = [
    "DEPTH_SOURCE",
    "SPECIFICATION",
    "Condition",
    "DegradedPair",
    "NamedStreams",
    "Quantity",
    "decode_visible",
    "degrade_pair",
    "encode_visible",
    "is_monochrome",
    "parse_condition",
    "parse_severities",
    "srgb_to_linear",
    "with_noise_sigma",
]
