"""Average precision against pycocotools: what faster-coco-eval gives and our own matching for intervals."""

from __future__ import annotations

import contextlib
import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionbench_metrics.average_precision import AveragePrecision, ImageObjects

CLASSES = ("car", "person", "bus")

PARITY = 1e-9

SIZES = ("map_small", "map_medium", "map_large")


def random_set(seed: int, images: int, boxes: int, classes: tuple[str, ...] = CLASSES) -> list[ImageObjects]:
    """Objects, most of them found somewhere near, some as another class, and some that are not there."""
    generator = np.random.default_rng(seed)

    def box() -> list[float]:
        x, y = generator.uniform(0, 500, 2)
        width, height = np.exp(generator.uniform(1.5, 5.5, 2))
        return [x, y, x + width, y + height]

    found_set = []
    for _ in range(images):
        truth, found = [], []
        for _ in range(generator.integers(0, 2 * boxes + 1)):
            name = classes[min(int(generator.exponential(1.0)), len(classes) - 1)]
            corners = box()
            truth.append((name, *corners))
            if generator.random() < 0.85:
                size = np.subtract(corners[2:], corners[:2])
                moved = np.array(corners) + np.tile(generator.normal(0, 0.1, 2) * size, 2)
                other = classes[generator.integers(len(classes))]
                # Two decimals: equal scores are common.
                score = round(float(generator.random()), 2)
                found.append((name if generator.random() < 0.9 else other, score, *map(float, moved)))
        found += [
            (classes[generator.integers(len(classes))], round(float(generator.random()), 2), *box())
            for _ in range(generator.integers(0, boxes + 1))
        ]
        found_set.append(ImageObjects(truth, found))
    return found_set


def untied(images: list[ImageObjects]) -> list[ImageObjects]:
    """Images without two equal scores."""
    return [
        ImageObjects(
            each.truth,
            [
                (name, score + 1e-4 * place + 1e-7 * number, *corners)
                for number, (name, score, *corners) in enumerate(each.found)
            ],
        )
        for place, each in enumerate(images)
    ]


def by_pycocotools(images: list[ImageObjects], classes: tuple[str, ...] = CLASSES) -> dict[str, float]:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def sized(corners: list[float]) -> list[float]:
        return [corners[0], corners[1], corners[2] - corners[0], corners[3] - corners[1]]

    objects = [
        (image, classes.index(name), sized(corners))
        for image, each in enumerate(images)
        for name, *corners in each.truth
    ]
    detections = [
        {"image_id": image, "category_id": classes.index(name), "score": score, "bbox": sized(corners)}
        for image, each in enumerate(images)
        for name, score, *corners in each.found
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        whole = COCO()
        whole.dataset = {
            "images": [{"id": image} for image in range(len(images))],
            "categories": [{"id": place, "name": name} for place, name in enumerate(classes)],
            "annotations": [
                {"id": 1 + i, "image_id": image, "category_id": place, "bbox": box, "iscrowd": 0}
                | {"area": box[2] * box[3]}
                for i, (image, place, box) in enumerate(objects)
            ],
        }
        whole.createIndex()
        evaluation = COCOeval(whole, whole.loadRes(detections), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    names = ("map", "map50", "map75", "map_small", "map_medium", "map_large")
    return {name: math.nan if v < 0 else v for name, v in zip(names, evaluation.stats, strict=False)}


def assert_equal(ours: dict[str, float], theirs: dict[str, float]) -> None:
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, abs=PARITY, nan_ok=True), name


@pytest.mark.parametrize("seed", range(8))
def test_figures_are_those_of_pycocotools(seed: int) -> None:
    images = random_set(seed, 12, 5)
    assert_equal(AveragePrecision(images, CLASSES).scores(), by_pycocotools(images))


def test_crowded_images_keep_a_hundred_detections_a_class() -> None:
    images = random_set(1, 3, 150, ("car",))
    assert max(len(each.found) for each in images) > 100
    assert_equal(AveragePrecision(images, ("car",)).scores(), by_pycocotools(images, ("car",)))


@pytest.mark.parametrize("seed", range(12))
def test_a_drawn_set_of_every_image_once_is_the_whole_set(seed: int) -> None:
    images = random_set(seed, 15, 6)
    scorer = AveragePrecision(images, CLASSES)
    drawn = scorer.scores(np.ones(len(images), dtype=np.int64))
    assert_equal(scorer.scores(), drawn)


@given(st.integers(0, 10**6), st.lists(st.integers(0, 3), min_size=6, max_size=6))
@settings(max_examples=25, deadline=None)
def test_a_drawn_set_is_the_set_with_copies_of_its_images(seed: int, counts: list[int]) -> None:
    images = random_set(seed, len(counts), 3)
    # Copies tie with each other alone.
    images = untied(images)
    copied = [each for each, count in zip(images, counts, strict=True) for _ in range(count)]
    drawn = AveragePrecision(images, CLASSES).scores(np.array(counts, dtype=np.int64))
    if copied:
        whole = AveragePrecision(copied, CLASSES).scores(np.ones(len(copied), dtype=np.int64))
        for name, value in drawn.items():
            # By size a set is none of the whole where a class of it lacks such objects.
            if name in SIZES and math.isnan(value):
                continue
            assert value == pytest.approx(whole[name], abs=PARITY, nan_ok=True), name
    else:
        assert math.isnan(drawn["map"])


def test_a_drawn_set_has_figures_by_size() -> None:
    # No two scores are equal: which of equals comes first is not told.
    images = untied(random_set(5, 30, 6))
    counts = np.random.default_rng(0).integers(1, 4, len(images))
    copied = [each for each, count in zip(images, counts, strict=True) for _ in range(count)]
    drawn, theirs = AveragePrecision(images, CLASSES).scores(counts), by_pycocotools(copied)
    for name in SIZES:
        assert drawn[name] == pytest.approx(theirs[name], abs=PARITY)


def test_a_drawn_set_in_which_a_class_lacks_a_size_has_no_figure_of_it() -> None:
    small, large = (0.0, 0.0, 10.0, 10.0), (0.0, 0.0, 100.0, 100.0)
    first = ImageObjects([("car", *small), ("bus", *large)], [("car", 0.9, *small)])
    second = ImageObjects([("bus", *small), ("car", *large)], [("car", 0.9, *large)])
    scorer = AveragePrecision([first, second], ("car", "bus"))
    assert scorer.scores()["map_small"] == 0.5
    alone = scorer.scores(np.array([1, 0]))
    assert alone["map"] == 0.5
    assert math.isnan(alone["map_small"])


def test_what_is_found_exactly_scores_one_and_the_rest_nothing() -> None:
    truth = [("car", 0.0, 0.0, 10.0, 10.0)]
    perfect = ImageObjects(truth, [("car", 0.9, 0.0, 0.0, 10.0, 10.0)])
    missed = ImageObjects(truth, [])
    assert AveragePrecision([perfect], ("car",)).scores()["map"] == 1.0
    assert AveragePrecision([missed], ("car",)).scores()["map"] == 0.0
    # Recalls 0 to .50 are reached with precision 1: 51 of 101.
    assert AveragePrecision([perfect, missed], ("car",)).scores()["map"] == pytest.approx(51 / 101)


def test_a_class_without_objects_is_undefined_and_not_zero() -> None:
    image = ImageObjects([("car", 0.0, 0.0, 10.0, 10.0)], [("car", 0.9, 0.0, 0.0, 10.0, 10.0)])
    scores = AveragePrecision([image], CLASSES).scores()
    assert math.isnan(scores["map/bus"])
    assert scores["map"] == 1.0


def test_images_without_objects_lower_precision_by_what_is_found_there() -> None:
    image = ImageObjects([("car", 0.0, 0.0, 10.0, 10.0)], [("car", 0.5, 0.0, 0.0, 10.0, 10.0)])
    empty = ImageObjects([], [("car", 0.9, 0.0, 0.0, 10.0, 10.0)])
    assert AveragePrecision([image, empty], ("car",)).scores()["map"] == pytest.approx(0.5)


def test_nothing_there_and_nothing_found_has_no_figure() -> None:
    assert math.isnan(AveragePrecision([ImageObjects([], [])], CLASSES).scores()["map"])
