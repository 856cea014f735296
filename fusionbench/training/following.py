"""Who is told how a run goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Follower(Protocol):
    """Is told how a run goes on."""

    def began(self, stage: str, done: int, steps: int) -> None:
        """A stage begins, or goes on after `done` steps."""
        ...

    def stepped(self, stage: str, done: int, steps: int, losses: Mapping[str, float]) -> None:
        """One step was done."""
        ...

    def ended(self, stage: str, report: Mapping[str, Any]) -> None:
        """A stage ended, with what its report says; or had been done before."""
        ...


class Silent:
    """Says nothing."""

    def began(self, stage: str, done: int, steps: int) -> None:
        """Nothing."""

    def stepped(self, stage: str, done: int, steps: int, losses: Mapping[str, float]) -> None:
        """Nothing."""

    def ended(self, stage: str, report: Mapping[str, Any]) -> None:
        """Nothing."""
