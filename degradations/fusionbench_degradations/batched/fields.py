"""Random fields of a batch: drawn by torch in training, or those of the canonical path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from fusionbench.contracts import RandomStreams
from fusionbench.degrading import NamedStreams


class Fields(Protocol):
    """Random fields by sample of a batch, degradation and stream."""

    def normal(self, sample: int, degradation: str, stream: str, shape: tuple[int, ...]) -> torch.Tensor:
        """Standard normal values, float32, on the CPU or where they are needed."""
        ...

    def streams(self, sample: int, degradation: str) -> RandomStreams:
        """The sample's fields as arrays, for what is drawn outside torch."""
        ...


@dataclass(frozen=True)
class CanonicalFields:
    """The fields that `degrade_pair` uses, for comparison with it and for sets that must be repeatable.

    Args:
        image_ids: Of the samples.
        seed: As of `degrade_pair`.
        dataset: As of `degrade_pair`.
    """

    image_ids: Sequence[str]
    seed: int = 0
    dataset: str = ""

    def normal(self, sample: int, degradation: str, stream: str, shape: tuple[int, ...]) -> torch.Tensor:
        """The named field."""
        return torch.from_numpy(self.streams(sample, degradation).normal(stream, shape))

    def streams(self, sample: int, degradation: str) -> NamedStreams:
        """The named fields."""
        return NamedStreams(self.dataset, self.image_ids[sample], degradation, self.seed)


@dataclass(frozen=True)
class _ArrayStreams:
    """Fields as arrays from a generator of numpy."""

    generator: np.random.Generator

    def normal(self, stream: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Standard normal values; the name of the stream plays no part."""
        del stream
        return self.generator.standard_normal(shape, dtype=np.float32)

    def uniform(self, stream: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Uniform values in [0, 1); the name of the stream plays no part."""
        del stream
        return self.generator.random(shape)


class DrawnFields:
    """Fresh fields for a training step, a function of the generator's state alone.

    Args:
        generator: Seeded by the caller, say from (seed, step); on the device where values are needed.
    """

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator
        seed = torch.randint(2**62, (1,), generator=generator, device=generator.device)
        self._arrays = np.random.default_rng(int(seed.item()))

    def normal(self, sample: int, degradation: str, stream: str, shape: tuple[int, ...]) -> torch.Tensor:
        """Fresh values; the names play no part."""
        del sample, degradation, stream
        return torch.randn(shape, generator=self._generator, device=self._generator.device)

    def streams(self, sample: int, degradation: str) -> _ArrayStreams:
        """Fresh fields; the names play no part."""
        del sample, degradation
        return _ArrayStreams(self._arrays)
