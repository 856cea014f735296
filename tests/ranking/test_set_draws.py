"""Sets drawn scene by scene, and how their scores are kept."""

from __future__ import annotations

import io
import os
import time
from dataclasses import replace

import numpy as np
import pytest

from fusionbench.observing import read_hashes, read_record
from fusionbench.ranking import set_draws
from fusionbench.ranking.set_draws import DRAWS, Scorer, drawn_counts, drawn_scores, scenes_with
from fusionbench.ranking.set_records import CellRecords, Kept


class Mean:
    """Figures of a set: the mean of numbers, and of those of a rare class."""

    def __init__(self, records) -> None:
        self.values = np.array([record["value"] for record in records], dtype=float)
        self.rare = np.array([record.get("rare", np.nan) for record in records], dtype=float)

    def scores(self, counts=None):
        counts = np.ones(len(self.values), dtype=np.int64) if counts is None else counts
        there = (counts > 0) & ~np.isnan(self.rare)
        rare = np.average(self.rare[there], weights=counts[there]) if there.any() else np.nan
        return {"mean": np.average(self.values, weights=counts), "mean/common": 1.0, "mean/rare": rare}


class Metric:
    @classmethod
    def summarise(cls, records):
        return Mean(records)


def kept(values):
    hashes = '{"hashes":["0000000000000001","0000000000000002"]'
    texts = [f'{hashes},"records":{{"":{{"value":{value}}}}}}}' for value in values]
    return CellRecords({f"{place}": Kept(text, (1, 2)) for place, text in enumerate(texts)}, ("file",))


def scorer(store, scored):
    scenes = {f"{place}": place for place in range(6)}
    return Scorer("mean", Metric, ("mean",), scenes, store, scored)


def test_images_of_a_scene_are_drawn_together() -> None:
    drawn = drawn_counts(np.array([9, 3, 9, 4, 5, 7]), [3, 4, 5, 7, 9])
    assert len(drawn) == DRAWS
    for counts in drawn:
        assert counts[0] == counts[2]
        assert counts.sum() - counts[2] == 5


def test_a_scene_only_other_methods_have_images_of_is_drawn_all_the_same() -> None:
    counts = np.array(drawn_counts(np.array([0, 1]), list(range(5))))
    assert counts.shape == (DRAWS, 2)
    # Of five scenes two are there: each set has two images of five on average.
    assert counts.sum(axis=1).mean() == pytest.approx(2.0, abs=0.15)


def test_of_fewer_than_five_scenes_no_sets_are_drawn() -> None:
    assert drawn_counts(np.arange(4), list(range(4))) == []
    assert drawn_scores([Mean([{"value": 1.0}])], []) == {}


def test_a_set_without_a_class_has_no_mean_but_figures_of_its_other_classes() -> None:
    summary = Mean([{"value": 1.0, "rare": 0.5}, *({"value": float(place)} for place in range(4))])
    drawn = drawn_scores([summary], drawn_counts(np.arange(5), list(range(5))))
    lacking = np.isnan(drawn["mean/rare"])
    # Absent with a chance of (4/5)^5.
    assert lacking.mean() == pytest.approx(0.8**5, abs=0.05)
    assert np.array_equal(np.isnan(drawn["mean"]), lacking)
    assert not np.isnan(drawn["mean/common"]).any()


def test_scenes_are_counted_by_class() -> None:
    summary = Mean([{"value": 1.0, "rare": 0.5}, {"value": 2.0, "rare": 0.5}, {"value": 3.0}])
    assert scenes_with(summary, np.array([0, 0, 1])) == {"mean/common": 2, "mean/rare": 1}


def test_scores_are_made_once_and_read_to_the_bit(tmp_path) -> None:
    scored = []
    first = scorer(tmp_path, lambda: scored.append(1)).scores(kept([0.1, 0.2, 0.3, 0.7, 0.8, 0.9]))
    second = scorer(tmp_path, lambda: scored.append(1)).scores(kept([0.1, 0.2, 0.3, 0.7, 0.8, 0.9]))
    assert scored == [1]
    assert (second.images, second.scenes) == (first.images, first.scenes)
    assert second.figures["mean"] == first.figures["mean"] and np.isnan(second.figures["mean/rare"])
    assert np.array_equal(second.drawn["mean"], first.drawn["mean"])


def test_other_scenes_are_other_sets(tmp_path) -> None:
    values = [0.1, 0.2, 0.3, 0.7, 0.8, 0.9]
    alone = scorer(tmp_path, lambda: None).scores(kept(values))
    scenes = {f"{place}": max(place, 1) for place in range(6)}
    together = Scorer("mean", Metric, ("mean",), scenes, tmp_path, lambda: None).scores(kept(values))
    assert (alone.known, together.known) == (6, 5)
    assert not np.array_equal(alone.drawn["mean"], together.drawn["mean"])


def flipped(content: bytes) -> bytes:
    """With one bit in a hundred bytes wrong."""
    damaged = bytearray(content)
    damaged[::100] = bytes(byte ^ 8 for byte in damaged[::100])
    return bytes(damaged)


def with_fewer_draws(content: bytes) -> bytes:
    with np.load(io.BytesIO(content)) as kept:
        arrays = {**kept, "drawn_values": kept["drawn_values"][:, :5]}
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


@pytest.mark.parametrize(
    "damage",
    [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"no archive", flipped, with_fewer_draws],
)
def test_damaged_scores_are_made_again(tmp_path, damage) -> None:
    first = scorer(tmp_path, lambda: None).scores(kept([0.1, 0.2, 0.3, 0.7, 0.8, 0.9]))
    (path,) = (tmp_path / ".draws").iterdir()
    path.write_bytes(damage(path.read_bytes()))
    again = scorer(tmp_path, lambda: None).scores(kept([0.1, 0.2, 0.3, 0.7, 0.8, 0.9]))
    assert again.figures["mean"] == first.figures["mean"]


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.setattr(set_draws, "code_hash", lambda plugin: "another"),
        lambda patch: patch.setattr(set_draws, "package_versions", lambda: {"numpy": "99"}),
        lambda patch: patch.setattr(set_draws, "DRAWS", 10),
        lambda patch: patch.setattr(set_draws, "DRAWING_VERSION", 99),
    ],
)
def test_scores_by_other_code_are_made_anew(tmp_path, monkeypatch, change) -> None:
    scored = []
    scorer(tmp_path, lambda: scored.append(1)).scores(kept([0.1, 0.2, 0.3, 0.7, 0.8, 0.9]))
    change(monkeypatch)
    scorer(tmp_path, lambda: scored.append(1)).scores(kept([0.1, 0.2, 0.3, 0.7, 0.8, 0.9]))
    assert scored == [1, 1]


def test_scores_that_nobody_reads_are_removed_after_a_while(tmp_path) -> None:
    long_ago = time.time() - 61 * 86400
    values, scored = [1, 2, 3, 4, 5, 3], []

    def score(file):
        records = replace(kept(values), made_of=(file,))
        scorer(tmp_path, lambda: scored.append(file)).scores(records)

    score("old")
    score("used")
    for path in (tmp_path / ".draws").iterdir():
        os.utime(path, (long_ago, long_ago))
    for file in ("used", "new", "used", "new", "old"):
        score(file)
    assert scored == ["old", "used", "new", "old"]


def test_a_store_that_cannot_be_written_is_read_all_the_same(tmp_path) -> None:
    (tmp_path / ".draws").write_text("in the way")
    assert scorer(tmp_path, lambda: None).scores(kept([1, 2, 3, 4, 5, 3])).figures["mean"] == 3.0


def test_hashes_are_read_without_the_record() -> None:
    text = '{"hashes":["00000000000000ff","8000000000000000"],"records":{"":{"value":1}}}'
    assert read_hashes(text) == read_record(text)[1] == (255, 1 << 63)
    # However it was written.
    assert read_hashes(text.replace(":", ": ")) == (255, 1 << 63)
