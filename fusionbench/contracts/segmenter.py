"""What a segmenter is: it names the class of every pixel of an image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

from fusionbench.contracts.downstream import DownstreamCard, DownstreamTraining
from fusionbench.contracts.pairs import Uint8Image


@dataclass(frozen=True)
class SegmenterCard(DownstreamCard):
    """What a person should know about a segmenter."""


class Segmenter(Protocol):
    """A trained segmenter. Its class takes `weights: Path` and `device` in its constructor.

    What it gives depends on the image alone: not on others segmented with it.
    """

    card: ClassVar[SegmenterCard]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes its weights know, the background included."""
        ...

    def segment(self, images: Sequence[Uint8Image]) -> list[Uint8Image]:
        """Name the class of every pixel.

        Args:
            images: RGB `(H, W, 3)`, of any sizes.

        Returns:
            For each image `(H, W)`: places in the segmenter's `classes`.
        """
        ...


@dataclass(frozen=True, eq=False)
class SegmentedImage:
    """An image to train a segmenter on."""

    id: str
    image: Uint8Image
    """RGB `(H, W, 3)`."""
    mask: Uint8Image
    """`(H, W)`: places in the classes of the training; whatever is beyond them (255) is not learnt from."""


@dataclass(frozen=True)
class SegmenterTraining(DownstreamTraining):
    """How to train a segmenter."""


@runtime_checkable
class TrainableSegmenter(Protocol):
    """A segmenter that can be trained; the last epoch counts, so that no image decides when to stop."""

    @classmethod
    def check_training(cls, training: SegmenterTraining) -> None:
        """Check what can be checked before there are images: options, start, device.

        Args:
            training: As `train` will get it, but for the seed.

        Raises:
            InputError: If something does not fit, or the package it needs is not installed.
        """
        ...

    @classmethod
    def train(cls, images: Iterable[SegmentedImage], training: SegmenterTraining, out: Path) -> Path:
        """Train.

        Args:
            images: To learn from; read once, one by one.
            training: How.
            out: Folder for what it writes.

        Returns:
            The file of trained weights, which the segmenter's constructor takes.

        Raises:
            InputError: If there is nothing to learn from, or the start cannot be read.
        """
        ...
