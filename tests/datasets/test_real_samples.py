"""The readers on real files of every dataset, against counts taken from the files another way."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionbench.datasets import open_dataset


@pytest.mark.parametrize(
    ("name", "split", "count"),
    [
        ("llvip", "test", 6),
        ("llvip", "train", 32),
        ("llvip", "all", 38),
        ("m3fd", None, 13),
        ("msrs", "test", 100),
        ("msrs", "train", 4),
        ("roadscene", None, 86),
    ],
)
def test_every_pair_is_found_and_usable(shared: Path, name: str, split: str | None, count: int) -> None:
    samples = open_dataset(name, shared / "data", split).samples
    assert len(samples) == count
    assert [sample.problem for sample in samples] == [None] * count


@pytest.mark.parametrize(
    ("name", "horizon"), [("llvip", 0.02), ("m3fd", 0.45), ("msrs", 0.45), ("roadscene", 0.45)]
)
def test_a_real_pair_holds_the_pixels_of_its_files(shared: Path, name: str, horizon: float) -> None:
    dataset = open_dataset(name, shared / "data")
    sample = dataset.samples[-1]
    pair = dataset.load(sample)
    with Image.open(sample.visible) as visible, Image.open(sample.infrared) as infrared:
        assert np.array_equal(pair.visible, np.asarray(visible))
        assert np.array_equal(pair.infrared, np.asarray(infrared).reshape(*pair.size, -1)[..., 0])
    assert pair.horizon == horizon


def test_real_llvip_infrared_has_three_channels_and_is_read_as_one(shared: Path) -> None:
    dataset = open_dataset("llvip", shared / "data")
    with Image.open(dataset.samples[0].infrared) as file:
        assert file.mode == "RGB"
    assert dataset.load(dataset.samples[0]).infrared.shape == (1024, 1280)


def test_real_roadscene_pairs_all_differ_in_size_and_load(shared: Path) -> None:
    dataset = open_dataset("roadscene", shared / "data")
    sizes = {dataset.load(sample).size for sample in dataset.samples}
    assert len(sizes) > 80
    assert any(height % 2 or width % 2 for height, width in sizes)


def test_real_m3fd_boxes_agree_with_the_published_index(shared: Path) -> None:
    dataset = open_dataset("m3fd", shared / "data")
    with (shared / "data/splits/m3fd_index.csv").open() as stream:
        index = {row["file"].removesuffix(".png"): row for row in csv.DictReader(stream)}
    for sample in dataset.samples:
        counts = Counter(box.label for box in dataset.labels(sample).boxes)
        row = index[sample.id]
        assert {name: counts[name] for name in dataset.card.box_classes} == {
            name: int(row[name]) for name in dataset.card.box_classes
        }


def test_real_m3fd_boxes_lie_inside_their_images(shared: Path) -> None:
    dataset = open_dataset("m3fd", shared / "data")
    for sample in dataset.samples:
        height, width = dataset.load(sample).size
        for box in dataset.labels(sample).boxes:
            assert 0 <= box.x_min < box.x_max <= width
            assert 0 <= box.y_min < box.y_max <= height


@pytest.mark.parametrize("kind", ["fusion", "visible", "infrared"])
def test_real_msrs_boxes_agree_with_the_lines_of_their_files(shared: Path, kind: str) -> None:
    dataset = open_dataset("msrs", shared / "data", options={"labels": kind})
    for sample in dataset.samples:
        text = (shared / f"data/MSRS-detection-label/{kind}/test/{sample.id}.txt").read_text()
        ids = [int(match) for match in re.findall(r"^\s*(\d+)\s", text, flags=re.MULTILINE)]
        assert [dataset.card.box_classes.index(box.label) for box in dataset.labels(sample).boxes] == ids


def test_real_msrs_day_and_night_are_the_whole(shared: Path) -> None:
    def ids(options: dict[str, str]) -> set[str]:
        return {sample.id for sample in open_dataset("msrs", shared / "data", "all", options).samples}

    day, night = ids({"light": "day"}), ids({"light": "night"})
    assert day | night == ids({})
    assert not day & night


def test_fingerprints_of_real_pairs_are_all_different(shared: Path) -> None:
    dataset = open_dataset("msrs", shared / "data", "all")
    assert len({dataset.fingerprint(sample) for sample in dataset.samples}) == 104
