"""Frames and requests small enough for a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from fusionbench.contracts import StageData, StageRequest, TrainingFrame
from fusionbench.datasets import open_dataset
from fusionbench.training.frames import FrameSettings, KeptFrames
from fusionbench_methods.sgafusion.training.recipe import SGAFusionRecipe

CONDITIONS = ("clean", "haze", "low_light")


@pytest.fixture(scope="session")
def frames(tmp_path_factory) -> KeptFrames:
    """Four scenes, clean, in haze and in low light, with their masks."""
    scenes = open_dataset("scenes")
    days = [sample for sample in scenes.samples if sample.native == "day"][:4]
    settings = FrameSettings(CONDITIONS, (3.0, 4.0), 1, 320, 0)
    return KeptFrames([(scenes, days)], settings, tmp_path_factory.mktemp("frames"), with_masks=True)


@pytest.fixture
def request_for(frames) -> Callable[..., StageRequest]:
    """A request for a stage, with its default options but for those given."""

    def make(
        name: str,
        batch: int = 4,
        earlier: dict[str, Path] | None = None,
        mask_classes: Sequence[str] = tuple("abcdefghi"),
        **options: Any,
    ) -> StageRequest:
        card = next(card for card in SGAFusionRecipe.card.stages if card.name == name)
        unknown = options.keys() - card.options.keys()
        assert not unknown, unknown
        data = StageData(frames, frames, tuple(mask_classes))
        return StageRequest(name, {**card.options, **options}, batch, data, earlier or {})

    return make


class FewFrames:
    """Some frames, from memory."""

    def __init__(self, frames: Sequence[TrainingFrame]) -> None:
        self._frames = list(frames)

    @property
    def conditions(self) -> list[str]:
        return [frame.condition for frame in self._frames]

    def frame(self, index: int) -> TrainingFrame:
        return self._frames[index]
