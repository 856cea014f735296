"""Networks that look at fused images for a task (detectors, segmenters): which one judges which method.

One file of weights judges every method alike. A folder holds networks trained for each method, each seed a
run, as `fusionbench train-detector` writes it (`trained_networks`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from fusionbench import registry
from fusionbench.errors import InputError
from fusionbench.trained_networks import TrainedNetworks

DownstreamKind = Literal["detector", "segmenter"]
"""Kinds of plugins that look at fused images."""

KINDS: tuple[DownstreamKind, ...] = get_args(DownstreamKind)

ONE_RUN = ""
"""Name of the only run where one file judges every method."""


@dataclass(frozen=True)
class DownstreamRequest:
    """What looks at fused images, for the metrics that use it. Small and picklable."""

    kind: DownstreamKind
    name: str
    weights: Path
    """A file, or a folder of networks trained for each method."""

    @property
    def trained_for_methods(self) -> bool:
        """Whether each method has networks of its own."""
        return self.weights.is_dir()

    @property
    def training(self) -> Mapping[str, Any]:
        """How the networks of a folder were trained; empty for a file.

        Raises:
            InputError: If the folder does not say.
        """
        return TrainedNetworks(self.weights).training if self.trained_for_methods else {}

    def runs(self, method: str) -> dict[str, Path]:
        """Weights that judge a method, by run.

        Raises:
            InputError: If there are none, or one was trained otherwise than the folder says.
        """
        if not self.trained_for_methods:
            return {ONE_RUN: self.weights}
        found = TrainedNetworks(self.weights).of(method)
        if not found:
            raise InputError(
                f"{self.weights}: holds no {self.kind} trained for {method}; train one with "
                f"fusionbench train-{self.kind} --method {method}"
            )
        return found


def requests_in(weights: Mapping[str, Path]) -> tuple[DownstreamRequest, ...]:
    """What weights are given for.

    Args:
        weights: By name of a method, metric or network.

    Raises:
        InputError: If two of a kind are named, or a path is not there.
    """
    found = []
    for kind in KINDS:
        named = [name for name in weights if name in registry.names(kind)]
        if len(named) > 1:
            raise InputError(f"weights for {' and '.join(named)}: one {kind} at a time; leave one out")
        found += [DownstreamRequest(kind, name, weights[name]) for name in named]
    for request in found:
        if not request.weights.exists():
            raise InputError(
                f"{request.weights}: no such file of weights for the {request.kind} {request.name}"
            )
    return tuple(found)
