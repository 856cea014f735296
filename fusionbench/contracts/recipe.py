"""What a training recipe is: stages in order, each with its data, its loss, and the artefact it writes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts.pairs import Uint8Image

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Draw:
    """Names one step of one process: everything a batch may depend on, so that a run resumes to the bit."""

    seed: int
    stage: str
    step: int
    """Counts batches, from 0."""
    rank: int = 0
    processes: int = 1

    def generator(self, purpose: str) -> np.random.Generator:
        """Random numbers of this step, for one named purpose."""
        return named_generator(self.seed, self.stage, purpose, self.step, self.rank)

    def picks(self, purpose: str, count: int, population: int) -> list[int]:
        """Which `count` of `population` items this step takes: shuffled anew for each round through them.

        Args:
            purpose: What is picked; each purpose has an order of its own.
            count: Items of this process's batch.
            population: How many there are, 1 or more.
        """
        first = (self.step * self.processes + self.rank) * count
        orders: dict[int, NDArray[np.int64]] = {}
        picked = []
        for position in range(first, first + count):
            round_, place = divmod(position, population)
            if round_ not in orders:
                shuffler = named_generator(self.seed, self.stage, purpose, round_)
                orders[round_] = shuffler.permutation(population)
            picked.append(int(orders[round_][place]))
        return picked


def named_generator(*names: str | int) -> np.random.Generator:
    """A generator that depends on names and numbers alone, on every machine alike."""
    encoded = [str(name).encode() for name in names]
    layout = b"".join(len(field).to_bytes(8, "little") + field for field in encoded)
    digest = hashlib.blake2b(layout, digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))


@dataclass(frozen=True, eq=False)
class TrainingFrame:
    """One pair under one condition, with everything that is known of it."""

    name: str
    """Such as `msrs/00004N haze@2.31`."""
    condition: str
    """The condition's name without levels, such as `haze+low_light`, or `clean`."""
    visible: Uint8Image
    """`(H, W, 3)`, damaged."""
    infrared: Uint8Image
    """`(H, W)`, damaged where the condition damages it."""
    clean_visible: Uint8Image
    clean_infrared: Uint8Image
    transmission: NDArray[np.float16] | None
    """`(H, W)` of the haze that was added; None where there is none."""
    airlight: tuple[float, float, float] | None
    """Linear light, with the haze."""
    exposure: float
    """Factor of light; 1 where the exposure is as it was."""
    mask: Uint8Image | None
    """Class ids `(H, W)`; None where the dataset has none."""


class TrainingFrames(Protocol):
    """Frames by number: pairs times conditions."""

    @property
    def conditions(self) -> Sequence[str]:
        """The condition of every frame, without levels."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """The name of every frame, such as `msrs/00004N haze@2.31`."""
        ...

    def frame(self, index: int) -> TrainingFrame:
        """One frame.

        Raises:
            InputError: If its files cannot be read.
        """
        ...


@dataclass(frozen=True)
class StageData:
    """What a stage has to learn from."""

    train: TrainingFrames
    choose: TrainingFrames
    """Held out: to report on, never to learn from."""
    mask_classes: tuple[str, ...] = ()
    """Of the datasets' masks; empty where not all have the same."""


@dataclass(frozen=True)
class StageRequest:
    """What a recipe is asked to build."""

    name: str
    options: Mapping[str, Any]
    """The stage's own settings, checked against `StageCard.options`."""
    batch: int
    """Items of one process's batch."""
    data: StageData
    earlier: Mapping[str, Path] = field(default_factory=dict)
    """Artefacts of the stages before, by name."""


Batch = Mapping[str, Any]
"""What one step learns from. Tensors are moved to the device; `names` is a list of what is in it."""


class TrainingStage(Protocol):
    """A stage ready to run."""

    @property
    def module(self) -> torch.nn.Module:
        """What is trained; parameters that do not require a gradient stay."""
        ...

    def batch(self, draw: Draw) -> Batch:
        """The batch of a step, on the CPU: a function of the draw alone."""
        ...

    def loss(self, batch: Batch) -> Mapping[str, torch.Tensor]:
        """Scalars by name; `total` is what is minimised, the others are told."""
        ...

    def report(self) -> Mapping[str, Any]:
        """How well the trained module does on held-out frames: plain values for JSON."""
        ...

    def write(self, path: Path, notes: Mapping[str, Any]) -> None:
        """Write the artefact: what later stages, or the method, take."""
        ...


@dataclass(frozen=True)
class StageCard:
    """What a person should know about a stage."""

    name: str
    title: str
    options: Mapping[str, Any]
    """Its own settings with their defaults; a value's type is that of its default."""
    needs_masks: bool = False


@dataclass(frozen=True)
class RecipeCard:
    """What a person should know about a recipe."""

    method: str
    stages: tuple[StageCard, ...]
    """In their order."""
    presets: Mapping[str, Path]
    """TOML files by name; the first is the default."""


class Recipe(Protocol):
    """How a method is trained."""

    @property
    def card(self) -> RecipeCard:
        """Describes it."""
        ...

    def build(self, request: StageRequest) -> TrainingStage:
        """Make a stage.

        Raises:
            InputError: If the options or the data do not suit it.
        """
        ...


@runtime_checkable
class Trainable(Protocol):
    """A method class that offers a recipe."""

    @classmethod
    def recipe(cls) -> Recipe:
        """How it is trained."""
        ...
