"""The metric `miou` against cases worked by hand, SciPy's Jaccard distance, and laws."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jaccard

from fusionbench.contracts import DatasetCard, Labels, SegmenterCard
from fusionbench.datasets.fmb import FMB
from fusionbench.datasets.msrs import MASK_CLASSES, MSRS
from fusionbench.datasets.roadscene import RoadScene
from fusionbench.errors import FusionbenchError, InputError
from fusionbench_metrics.mean_iou import MeanIoU

CLASSES = ("unlabelled", "car", "person")
STREET = DatasetCard("street", "Street", ("all",), "", "", mask_classes=CLASSES)


class Painter:
    """A segmenter that reads the class off the image's red channel."""

    card = SegmenterCard(name="painter", title="Painter", licence="none", settings="none")

    def __init__(self, classes: tuple[str, ...] = CLASSES) -> None:
        self.classes = classes

    def segment(self, images):
        return [image[..., 0].copy() for image in images]


def painted(ids: np.ndarray) -> np.ndarray:
    """An image that `Painter` takes for these ids."""
    return np.repeat(np.asarray(ids, np.uint8)[..., None], 3, axis=2)


def record(truth, found, classes=CLASSES, dataset=STREET):
    truth = np.asarray(truth, np.uint8)
    kept = MeanIoU(Painter(classes)).observe(painted(found), Labels(mask=truth), dataset)
    return json.loads(json.dumps(kept))


def random_images(seed: int, count: int, classes: int = 3) -> list[tuple[np.ndarray, np.ndarray]]:
    """True and found ids; two thirds of the found ones are right."""
    generator = np.random.default_rng(seed)
    pairs = []
    for _ in range(count):
        size = tuple(generator.integers(1, 9, 2))
        truth = np.minimum(generator.poisson(0.7, size), classes - 1).astype(np.uint8)
        guess = generator.integers(0, classes, size).astype(np.uint8)
        pairs.append((truth, np.where(generator.random(size) < 0.66, truth, guess)))
    return pairs


def summary(pairs):
    return MeanIoU.summarise([record(truth, found) for truth, found in pairs])


def same(first, second) -> bool:
    return first.keys() == second.keys() and all(
        first[name] == second[name] or (math.isnan(first[name]) and math.isnan(second[name]))
        for name in first
    )


def test_a_case_worked_by_hand():
    truth = [[0, 0, 0, 1], [0, 0, 1, 1]]
    found = [[0, 0, 1, 1], [0, 0, 0, 1]]
    # Background: 4 of 4 + 1 missed + 1 wrong; cars: 2 of 2 + 1 + 1; there are no people.
    scores = MeanIoU.summarise([record(truth, found)]).scores()
    assert scores["iou/unlabelled"] == pytest.approx(4 / 6)
    assert scores["iou/car"] == pytest.approx(2 / 4)
    assert math.isnan(scores["iou/person"])
    assert scores["miou"] == pytest.approx((4 / 6 + 2 / 4) / 2)
    assert scores["miou_objects"] == pytest.approx(2 / 4)


@given(st.integers(0, 2**32))
def test_each_class_is_its_jaccard_index_over_all_pixels(seed):
    pairs = random_images(seed, 3)
    truth, found = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
    scores = summary(pairs).scores()
    there = [place for place in range(3) if (truth == place).any()]
    # SciPy's is a distance between two sets.
    expected = [1.0 - jaccard(truth == place, found == place) for place in there]
    assert [scores[f"iou/{CLASSES[place]}"] for place in there] == pytest.approx(expected, abs=1e-12)
    assert scores["miou"] == pytest.approx(np.mean(expected), abs=1e-12)


def test_a_perfect_segmentation_is_one():
    scores = summary([(truth, truth) for truth, _ in random_images(0, 5)]).scores()
    assert set(scores.values()) == {1.0}


@given(st.integers(0, 2**32), st.permutations(range(4)))
def test_the_order_of_images_does_not_matter(seed, order):
    pairs = random_images(seed, 4)
    assert same(summary(pairs).scores(), summary([pairs[place] for place in order]).scores())


@given(st.integers(0, 2**32), st.lists(st.integers(0, 3), min_size=4, max_size=4))
def test_an_image_that_counts_three_times_is_three_copies_of_it(seed, counts):
    pairs = random_images(seed, 4)
    copies = [pair for pair, count in zip(pairs, counts, strict=True) for _ in range(count)]
    drawn = summary(pairs).scores(np.array(counts))
    if copies:
        assert same(drawn, summary(copies).scores())
    else:
        assert all(math.isnan(value) for value in drawn.values())


def test_the_mean_of_images_is_another_number():
    # A car of one pixel that is missed, and one of nine that is found.
    small = (np.array([[0, 0, 0, 1]]), np.zeros((1, 4)))
    large = (np.array([[0] + [1] * 9]), np.array([[0] + [1] * 9]))
    assert summary([small, large]).scores()["iou/car"] == pytest.approx(9 / 10)
    assert np.mean([summary([each]).scores()["iou/car"] for each in (small, large)]) == 0.5


def test_a_class_that_is_found_where_it_is_not_is_undefined_and_counts_against_what_is_there():
    scores = MeanIoU.summarise([record([[0, 0, 0, 1]], [[0, 0, 2, 1]])]).scores()
    assert math.isnan(scores["iou/person"])
    assert scores["miou"] == pytest.approx((2 / 3 + 1) / 2)


def test_a_drawn_set_without_a_class_has_no_figure_for_it():
    drawn = summary([(np.array([[0, 1]]), np.array([[0, 1]])), (np.array([[0, 2]]), np.array([[0, 0]]))])
    assert drawn.scores(np.array([1, 0]))["miou"] == 1.0
    assert drawn.scores(np.array([0, 1]))["iou/person"] == 0.0
    assert math.isnan(drawn.scores(np.array([1, 0]))["iou/person"])


@pytest.mark.parametrize("beyond", [255, 3])
def test_pixels_of_no_class_of_the_dataset_do_not_count(beyond):
    kept = record([[0, 1, beyond, beyond]], [[0, 1, 1, 2]])
    assert kept["pixels"] == [[0, 0, 1], [1, 1, 1]]


def test_what_is_kept_of_an_image_has_no_zeros():
    kept = record([[0, 0, 1]], [[0, 2, 1]])
    assert kept == {
        "classes": list(CLASSES),
        "known": list(CLASSES),
        "pixels": [[0, 0, 1], [0, 2, 1], [1, 1, 1]],
    }


def test_classes_are_matched_by_name_and_not_by_place():
    kept = record([[0, 1, 2]], [[2, 1, 0]], classes=("Person", "car", "UNLABELLED"))
    assert MeanIoU.summarise([kept]).scores()["miou"] == 1.0


def test_a_class_the_segmenter_does_not_know_has_no_figure_but_counts_against_what_it_was_taken_for():
    # The person is taken for a car; the segmenter says `rider` of a pixel of a car.
    kept = record([[0, 1, 1, 2]], [[0, 1, 2, 1]], classes=("unlabelled", "car", "rider"))
    scores = MeanIoU.summarise([kept]).scores()
    assert "iou/person" not in scores
    assert scores["iou/car"] == pytest.approx(1 / 3)
    assert scores["miou"] == pytest.approx((1 + 1 / 3) / 2)


def test_ids_that_the_segmenter_has_no_name_for_are_misses():
    assert record([[0, 1]], [[0, 255]])["pixels"] == [[0, 0, 1], [1, 3, 1]]


def test_each_figure_says_which_classes_it_should_cover():
    shown = MeanIoU(Painter(MASK_CLASSES[:-1])).display(MSRS.card)
    assert shown["every"] == {"miou": list(MASK_CLASSES), "miou_objects": list(MASK_CLASSES[1:])}
    assert shown["missing"] == ["bump"]
    assert any("does not know bump" in note for note in shown["notes"])


def test_without_a_background_there_is_one_figure():
    assert MeanIoU(Painter(FMB.card.mask_classes)).display(FMB.card)["columns"] == {"miou": "mIoU"}


def test_no_image_gives_no_figure():
    assert all(math.isnan(value) for value in MeanIoU.summarise([]).scores().values())


def test_counts_of_large_sets_stay_exact():
    kept = {
        "classes": ["unlabelled", "car"],
        "known": ["unlabelled", "car"],
        "pixels": [[0, 0, 2**31], [1, 1, 1]],
    }
    wrong = {**kept, "pixels": [[1, 0, 1]]}
    scores = MeanIoU.summarise([kept, wrong]).scores(np.array([10_000, 1]))
    assert scores["iou/car"] == 10_000 / 10_001
    assert scores["iou/unlabelled"] == 2**31 * 10_000 / (2**31 * 10_000 + 1)


def test_an_image_without_mask_or_with_one_of_another_size_is_an_error():
    metric = MeanIoU(Painter())
    with pytest.raises(InputError, match=r"^has no mask to compare with; "):
        metric.observe(painted(np.zeros((4, 6))), Labels(), STREET)
    with pytest.raises(InputError, match=r"^is 6x4 but its mask is 4x6; "):
        metric.observe(painted(np.zeros((4, 6))), Labels(mask=np.zeros((6, 4), np.uint8)), STREET)


def test_a_segmenter_that_gives_something_else_is_named():
    painter = Painter()
    painter.segment = lambda images: [np.zeros((2, 2), np.int64) for _ in images]
    with pytest.raises(FusionbenchError, match=r"segmenter painter: gave int64 \(2, 2\), expected uint8"):
        MeanIoU(painter).observe(painted(np.zeros((2, 2))), Labels(mask=np.zeros((2, 2), np.uint8)), STREET)


def test_a_dataset_without_masks_and_a_segmenter_of_other_things_are_refused():
    with pytest.raises(InputError, match="dataset roadscene has no masks; leave the metric out"):
        MeanIoU(Painter()).display(RoadScene.card)
    with pytest.raises(InputError, match="painter knows none of the classes of msrs"):
        MeanIoU(Painter(("road", "sky"))).display(MSRS.card)
