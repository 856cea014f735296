"""Who remembers what a run told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest


class Listener:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.began_at: dict[str, int] = {}
        self.steps: list[tuple[str, int]] = []
        self.reports: dict[str, Any] = {}

    def began(self, stage: str, done: int, steps: int) -> None:
        self.began_at[stage] = done

    def stepped(self, stage: str, done: int, steps: int, losses: Mapping[str, float]) -> None:
        self.steps.append((stage, done))

    def ended(self, stage: str, report: Mapping[str, Any]) -> None:
        self.reports[stage] = report


@pytest.fixture
def listener() -> Listener:
    return Listener()
