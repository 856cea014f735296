"""What an enhancement is: a front end that improves the visible image before a method fuses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from fusionbench.contracts.pairs import Uint8Image


@dataclass(frozen=True)
class EnhancementCard:
    """What a person should know about an enhancement."""

    name: str
    title: str
    against: str
    """What it is meant to undo: `haze`, `darkness`, `noise`."""
    year: int | None = None
    paper: str = ""
    licence: str = ""
    summary: str = ""


@runtime_checkable
class Enhancement(Protocol):
    """An enhancement, applied whether the image needs it or not: what it does to clean images counts."""

    card: EnhancementCard

    def enhance(self, visible: Uint8Image) -> Uint8Image:
        """Improve one image.

        Args:
            visible: RGB `(H, W, 3)` uint8, any size from 1x1.

        Returns:
            RGB `(H, W, 3)` uint8 of the same size.
        """
        ...
