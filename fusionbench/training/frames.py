"""Frames to learn from: pairs under conditions, made once by the very code that evaluation uses, and kept.

A frame is kept as plain arrays, so that a crop of it costs a few pages of a file. It appears whole or not at
all, under the hash of everything that decides it: several processes may make the same one, and an
interrupted run makes none twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import (
    Dataset,
    ImagePair,
    Sample,
    TrainingFrame,
    Uint8Image,
    named_generator,
)
from fusionbench.degrading import Condition, parse_condition
from fusionbench.degrading.compose import DegradedPair, degrade_pair
from fusionbench.degrading.compose import planned as planned_steps
from fusionbench.degrading.native_choice import natives_unsuited_to
from fusionbench.errors import InputError
from fusionbench.evaluation.provenance import code_hash, content_hash
from fusionbench.training.checkpoints import write_json
from fusionbench.whole_files import appearing

FORMAT = "1"
"""Of a kept frame."""

CLEAN = "clean"


@dataclass(frozen=True)
class FrameSettings:
    """What frames are made of each pair."""

    conditions: tuple[str, ...]
    """Without levels, such as `haze+low_light`."""
    severities: tuple[float, float]
    """Least and greatest severity; each term of a condition draws its own."""
    variants: int
    """Frames of each pair under each condition; a clean pair is there once."""
    longest_side: int
    """Larger pairs are reduced to it."""
    seed: int


@dataclass(frozen=True)
class _Planned:
    """A frame that may not have been made yet."""

    dataset: Dataset
    sample: Sample
    kind: str
    condition: Condition
    seed: int

    @property
    def name(self) -> str:
        return f"{self.dataset.card.name}/{self.sample.id} {self.condition.name}"


class KeptFrames:
    """Frames of some datasets' samples.

    Args:
        sources: Datasets, each with the samples to take.
        settings: What is made of each pair.
        folder: Where frames are kept.
        with_masks: Whether masks are read.
    """

    def __init__(
        self,
        sources: Sequence[tuple[Dataset, Sequence[Sample]]],
        settings: FrameSettings,
        folder: Path,
        *,
        with_masks: bool = False,
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._with_masks = with_masks
        self._planned = [
            planned
            for dataset, samples in sources
            for sample in samples
            for planned in _planned_of(dataset, sample, settings)
        ]
        self._fingerprints: dict[str, str] = {}

    @property
    def conditions(self) -> list[str]:
        """The condition of every frame, without levels."""
        return [planned.kind for planned in self._planned]

    @property
    def names(self) -> list[str]:
        """The name of every frame, with levels."""
        return [planned.name for planned in self._planned]

    def frame(self, index: int) -> TrainingFrame:
        """Read a frame, making it first if it is not kept yet.

        Raises:
            InputError: If the pair cannot be read, or the frame cannot be kept.
        """
        planned = self._planned[index]
        clean = self._kept(planned, parse_condition(CLEAN))
        damaged = clean if planned.kind == CLEAN else self._kept(planned, planned.condition)
        described = damaged["described"]
        return TrainingFrame(
            name=planned.name,
            condition=planned.kind,
            visible=damaged["images"][..., :3],
            infrared=damaged["images"][..., 3],
            clean_visible=clean["images"][..., :3],
            clean_infrared=clean["images"][..., 3],
            transmission=damaged.get("transmission"),
            airlight=None if described["airlight"] is None else tuple(described["airlight"]),
            exposure=described["exposure"],
            mask=self._mask(planned, clean["images"].shape[:2]),
        )

    def _kept(self, planned: _Planned, condition: Condition) -> dict[str, Any]:
        path = self._folder / self._key(planned, condition)
        described = path / "frame.json"
        if not described.is_file():
            self._make(planned, condition, path)
        found: dict[str, Any] = {"described": json.loads(described.read_text(encoding="utf-8"))}
        for name in found["described"]["arrays"]:
            found[name] = np.load(path / f"{name}.npy", mmap_mode="r")
        return found

    def _make(self, planned: _Planned, condition: Condition, path: Path) -> None:
        pair = _reduced(planned.dataset.load(planned.sample), self._settings.longest_side)
        made = degrade_pair(pair, condition, planned.seed, planned.dataset.card.name)
        arrays: dict[str, NDArray[Any]] = {
            "images": np.concatenate([made.pair.visible, made.pair.infrared[..., None]], axis=2)
        }
        if "transmission" in made.maps:
            arrays["transmission"] = made.maps["transmission"].astype(np.float16)
        for name, values in arrays.items():
            _keep_array(path / f"{name}.npy", values)
        # Last, since a frame is there when its description is.
        write_json(path / "frame.json", _description(made, list(arrays)))

    def _key(self, planned: _Planned, condition: Condition) -> str:
        sample = planned.sample.id
        label = f"{planned.dataset.card.name}/{planned.dataset.split}/{sample}"
        if label not in self._fingerprints:
            self._fingerprints[label] = planned.dataset.fingerprint(planned.sample)
        seed = 0 if condition.name == CLEAN else planned.seed
        steps = [
            (step.name, step.value, _code_of(type(step.degradation))) for step in planned_steps(condition)
        ]
        side = self._settings.longest_side
        return content_hash([FORMAT, label, self._fingerprints[label], steps, seed, side])

    def _mask(self, planned: _Planned, size: tuple[int, int]) -> Uint8Image | None:
        """The mask, kept beside the clean frame: reading labels of a generated scene is making it again."""
        if not self._with_masks:
            return None
        path = self._folder / self._key(planned, parse_condition(CLEAN)) / "mask.npy"
        if not path.is_file():
            mask = planned.dataset.labels(planned.sample).mask
            if mask is None:
                return None
            rows, columns = (np.arange(new) * old // new for new, old in zip(size, mask.shape, strict=True))
            _keep_array(path, mask[rows[:, None], columns[None]])
        kept: Uint8Image = np.load(path, mmap_mode="r")
        return kept


@cache
def _code_of(degradation: type) -> str:
    return code_hash(degradation)


def _planned_of(dataset: Dataset, sample: Sample, settings: FrameSettings) -> list[_Planned]:
    """The frames of one pair: under every condition that suits what it was taken in."""
    found = []
    for kind in settings.conditions:
        condition = parse_condition(kind)
        if sample.native in natives_unsuited_to(condition):
            continue
        for variant in range(1 if kind == CLEAN else settings.variants):
            random = named_generator(settings.seed, dataset.card.name, sample.id, kind, variant)
            drawn = _with_levels(kind, random, settings.severities)
            found.append(_Planned(dataset, sample, kind, drawn, settings.seed + variant))
    return found


def _with_levels(kind: str, random: np.random.Generator, severities: tuple[float, float]) -> Condition:
    """The condition with a severity drawn for each of its terms."""
    if kind == CLEAN:
        return parse_condition(kind)
    terms = [f"{name}@{random.uniform(*severities):.2f}" for name in kind.split("+")]
    return parse_condition("+".join(terms))


def _reduced(pair: ImagePair, longest_side: int) -> ImagePair:
    """The pair, made smaller if a side is longer than allowed; without depth, which was not measured so."""
    longest = max(pair.size)
    if longest <= longest_side:
        return pair
    from PIL import Image

    height, width = (max(1, round(side * longest_side / longest)) for side in pair.size)
    visible, infrared = (
        np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))
        for image in (pair.visible, pair.infrared)
    )
    return ImagePair(pair.id, visible, infrared, horizon=pair.horizon)


def _keep_array(path: Path, values: NDArray[Any]) -> None:
    try:
        with appearing(path) as temporary, temporary.open("wb") as file:
            np.save(file, values)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}); free some space, or give another --out"
        ) from error


def _description(made: DegradedPair, arrays: list[str]) -> Mapping[str, Any]:
    airlight = made.maps.get("airlight")
    return {
        "arrays": arrays,
        "airlight": None if airlight is None else [float(value) for value in airlight],
        "exposure": float(made.maps.get("exposure", 1.0)),
    }
