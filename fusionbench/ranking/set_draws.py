"""Figures of one cell's set and of sets drawn from it scene by scene, kept beside the results.

Images of one scene are no independent witnesses: drawing images instead of scenes calls 45 of 100 differences
that are none significant where 5 are promised. So sets are drawn scene by scene, the same for every method.
A thousand sets of a large dataset take seconds a cell: they are kept in the store, in `.draws`, may be
deleted at any time, and are when nobody read them for long.
"""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fusionbench.downstream import ONE_RUN
from fusionbench.evaluation.provenance import code_hash, content_hash, package_versions
from fusionbench.observing import read_record
from fusionbench.ranking.set_records import CellRecords

if TYPE_CHECKING:
    from fusionbench.contracts import SetMetric, SetSummary

DRAWS = 1000
"""Sets drawn for an interval."""

FEWEST_SCENES = 5
"""Below, nothing can be said of the spread between scenes, and no sets are drawn."""

FOLDER = ".draws"
"""In the store."""

KEPT_DAYS = 60
"""Scores that nobody read for so long, as those of cells that were computed again, are removed."""

DRAWING_VERSION = 2
"""Raised whenever other sets are drawn, or their figures are made otherwise."""

Scores = Mapping[str, float]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SetScores:
    """The figures of one method under one condition, with those of drawn sets."""

    images: frozenset[str]
    figures: Scores
    """By name; those of one run of several are called `map seed0`."""
    drawn: Mapping[str, NDArray[np.float64]]
    """By name, `(draws,)`; none where there are too few scenes. NaN for a set that lacks a class."""
    scenes: Mapping[str, int]
    """In how many scenes a class occurs, by the name of its figure."""
    known: int
    """Scenes sets were drawn from."""
    runs: int = 0
    """Networks trained for the method that the figures are means over; none where one judges every method."""

    def rests_on(self, name: str) -> int:
        """Scenes a figure rests on: those of its class, or of the rarest class of a mean."""
        if name in self.scenes:
            return self.scenes[name]
        return min([self.known, *(count for count in self.scenes.values() if count)])


@dataclass(frozen=True)
class Scorer:
    """Scores cells of one metric, or reads what it made of them before.

    Args:
        metric: Its name.
        plugin: Its class.
        columns: Figures that are shown for each run of several.
        scenes: Which scene each image is of.
        store: Folder whose `.draws` keeps scores.
        scored: Called for each cell that had to be scored.
    """

    metric: str
    plugin: type[SetMetric]
    columns: tuple[str, ...]
    scenes: Mapping[str, int]
    store: Path
    scored: Callable[[], None]

    def scores(self, records: CellRecords) -> SetScores:
        """The figures of a cell and of sets drawn from it."""
        ids = tuple(sorted(records.by_image))
        path = self.store / FOLDER / f"{self._key(records, ids)}.npz"
        found = _read(path, ids)
        if found is None:
            found = self._scored(records, ids)
            _write(path, found)
            _forget_unread(path.parent)
            self.scored()
        return found

    def _key(self, records: CellRecords, ids: tuple[str, ...]) -> str:
        """Hash of everything that decides the scores."""
        scenes = [self.scenes[image] for image in ids]
        drawn_from = [DRAWING_VERSION, DRAWS, sorted(set(self.scenes.values())), scenes]
        made_of = [self.metric, code_hash(self.plugin), self.columns, records.made_of, ids]
        return content_hash([drawn_from, made_of, dict(package_versions())])

    def _scored(self, records: CellRecords, ids: tuple[str, ...]) -> SetScores:
        by_run = [read_record(records.by_image[image].text)[0] for image in ids]
        runs = sorted({run for of_image in by_run for run in of_image})
        summaries = [self.plugin.summarise([of_image[run] for of_image in by_run]) for run in runs]
        scores = [summary.scores() for summary in summaries]
        figures = {name: float(np.mean([of_run[name] for of_run in scores])) for name in scores[0]}
        places = np.array([self.scenes[image] for image in ids])
        known = sorted(set(self.scenes.values()))
        drawn = drawn_scores(summaries, drawn_counts(places, known))
        if len(runs) > 1:
            figures |= {
                f"{name} {run}": of_run[name]
                for name in self.columns
                for run, of_run in zip(runs, scores, strict=True)
            }
        occurring = scenes_with(summaries[0], places)
        trained = 0 if runs == [ONE_RUN] else len(runs)
        return SetScores(frozenset(ids), figures, drawn, occurring, len(known), trained)


def drawn_counts(scenes: NDArray[np.int64], known: Sequence[int]) -> list[Counts]:
    """How often each image is in each drawn set: as often as its scene was drawn.

    Args:
        scenes: `(images,)`, the scene of each.
        known: Every scene to draw from, also those of images that only other methods have.

    Returns:
        `DRAWS` arrays `(images,)`; none where there are too few scenes.
    """
    if len(known) < FEWEST_SCENES:
        return []
    generator = np.random.default_rng(0)
    places = np.searchsorted(known, scenes)
    draws = generator.multinomial(len(known), np.full(len(known), 1.0 / len(known)), size=DRAWS)
    return [np.ascontiguousarray(counts[places]) for counts in draws.astype(np.int64)]


def drawn_scores(summaries: Sequence[SetSummary], counts: Sequence[Counts]) -> dict[str, NDArray[np.float64]]:
    """Figures of drawn sets, each the mean over runs that are drawn as well.

    Args:
        summaries: One a run.
        counts: How often each image is in each set.

    Returns:
        By name, `(draws,)`. Figures that are means over classes (without a `/`) are NaN for a set without a
        class that the whole set has: they would be means of another quantity.
    """
    if not counts:
        return {}
    generator = np.random.default_rng(1)
    shares = np.full(len(summaries), 1.0 / len(summaries))
    chosen = generator.multinomial(len(summaries), shares, size=len(counts))
    sets = [_drawn_set(summaries, images, times) for images, times in zip(counts, chosen, strict=True)]
    drawn = {name: np.array([scores[name] for scores in sets]) for name in sets[0]}
    whole = summaries[0].scores(np.ones_like(counts[0]))
    classes = [name for name in drawn if "/" in name and math.isfinite(whole[name])]
    lacking = np.any([np.isnan(drawn[name]) for name in classes], axis=0) if classes else False
    return {
        name: values if "/" in name else np.where(lacking, np.nan, values) for name, values in drawn.items()
    }


def scenes_with(summary: SetSummary, places: NDArray[np.int64]) -> dict[str, int]:
    """In how many scenes each class occurs, by the name of its figure: it has one of such a scene alone."""
    found: dict[str, int] = {}
    for scene in np.unique(places):
        for name, value in summary.scores((places == scene).astype(np.int64)).items():
            if "/" in name:
                found[name] = found.get(name, 0) + math.isfinite(value)
    return found


def _drawn_set(summaries: Sequence[SetSummary], images: Counts, times: Counts) -> Scores:
    picked = [(summaries[int(run)].scores(images), times[run]) for run in np.flatnonzero(times)]
    return {
        name: sum(scores[name] * often for scores, often in picked) / len(summaries) for name in picked[0][0]
    }


def _read(path: Path, ids: tuple[str, ...]) -> SetScores | None:
    """Scores that were kept; None where there are none, or they cannot be read."""
    if not path.is_file():
        return None
    try:
        # numpy leaves a file open that is no archive.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
            scores = _scores_in(kept, ids)
    except Exception:  # whatever zip, zlib and numpy make of a damaged file
        return None
    with contextlib.suppress(OSError):
        os.utime(path)
    return scores


def _scores_in(kept: Mapping[str, NDArray[np.generic]], ids: tuple[str, ...]) -> SetScores:
    drawn_names, drawn = kept["drawn"].tolist(), np.asarray(kept["drawn_values"], dtype=np.float64)
    if drawn.shape != ((len(drawn_names), DRAWS) if drawn_names else (0,)):
        raise ValueError("drawn sets are not as many as they should be")
    known, runs = (int(value) for value in kept["counts"].tolist())
    return SetScores(
        frozenset(ids),
        _by_name(kept["figures"], kept["figure_values"]),
        dict(zip(drawn_names, drawn, strict=True)),
        {name: int(count) for name, count in _by_name(kept["classes"], kept["scenes"]).items()},
        known,
        runs,
    )


def _by_name(names: NDArray[np.generic], values: NDArray[np.generic]) -> dict[str, float]:
    numbers = np.asarray(values, dtype=np.float64)
    return {str(name): value for name, value in zip(names.tolist(), numbers.tolist(), strict=True)}


def _write(path: Path, scores: SetScores) -> None:
    """Keep scores; a store that cannot be written is read all the same."""
    temporary = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(3)}.writing")
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        try:
            with temporary.open("wb") as stream:
                np.savez_compressed(
                    stream,
                    figures=np.array(list(scores.figures), dtype=np.str_),
                    figure_values=np.array(list(scores.figures.values()), dtype=np.float64),
                    drawn=np.array(list(scores.drawn), dtype=np.str_),
                    drawn_values=np.array(list(scores.drawn.values()), dtype=np.float64),
                    classes=np.array(list(scores.scenes), dtype=np.str_),
                    scenes=np.array(list(scores.scenes.values()), dtype=np.float64),
                    counts=np.array([scores.known, scores.runs]),
                )
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _forget_unread(folder: Path) -> None:
    oldest = time.time() - KEPT_DAYS * 86400
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)
