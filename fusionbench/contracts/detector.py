"""What a detector is: found objects in an image, in its own pixels, by class name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts.downstream import DownstreamCard, DownstreamTraining
from fusionbench.contracts.pairs import Box, Uint8Image


@dataclass(frozen=True)
class DetectorCard(DownstreamCard):
    """What a person should know about a detector."""


@dataclass(frozen=True, eq=False)
class Detections:
    """What was found in one image."""

    boxes: NDArray[np.float64]
    """`(N, 4)`: x_min, y_min, x_max, y_max in pixels of the image as it was given."""
    scores: NDArray[np.float64]
    """`(N,)` in [0, 1]."""
    classes: NDArray[np.int64]
    """`(N,)`, places in the detector's `classes`."""


class Detector(Protocol):
    """A trained detector. Its class takes `weights: Path` and `device` in its constructor.

    What it gives depends on the image alone: not on others detected with it.
    """

    card: ClassVar[DetectorCard]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes its weights know."""
        ...

    def detect(self, images: Sequence[Uint8Image]) -> list[Detections]:
        """Find objects.

        Args:
            images: RGB `(H, W, 3)`, of any sizes.

        Returns:
            For each image what was found, the highest score first, down to scores that a precision-recall
            curve needs (.001) and not only to those worth drawing.
        """
        ...


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """An image to train a detector on."""

    id: str
    image: Uint8Image
    """RGB `(H, W, 3)`."""
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class DetectorTraining(DownstreamTraining):
    """How to train a detector."""


@runtime_checkable
class TrainableDetector(Protocol):
    """A detector that can be trained; the last epoch counts, so that no image decides when to stop."""

    @classmethod
    def check_training(cls, training: DetectorTraining) -> None:
        """Check what can be checked before there are images: options, start, device.

        Args:
            training: As `train` will get it, but for the seed.

        Raises:
            InputError: If something does not fit, or the package it needs is not installed.
        """
        ...

    @classmethod
    def train(cls, images: Iterable[LabelledImage], training: DetectorTraining, out: Path) -> Path:
        """Train.

        Args:
            images: To learn from; read once, one by one.
            training: How.
            out: Folder for what it writes.

        Returns:
            The file of trained weights, which the detector's constructor takes.

        Raises:
            InputError: If there is no image with a box, or the start cannot be read.
        """
        ...
