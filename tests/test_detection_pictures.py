"""What a picture of detections says of each box, and where: looked up in its pixels."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from fusionbench.contracts import Box, Labels
from fusionbench.detection_pictures import (
    STYLES,
    WIDEST,
    Panel,
    ShownObject,
    Verdict,
    draw_objects,
    draw_picture,
    judged,
    matched,
)

GROUND = (40, 60, 90)
BOX = Box("Car", 60, 50, 140, 110)


def ground(height: int = 160, width: int = 200) -> np.ndarray:
    return np.full((height, width, 3), GROUND, np.uint8)


def has_colour(image: np.ndarray, verdict: Verdict) -> np.ndarray:
    """Where the picture has the colour of a verdict."""
    return (image == STYLES[verdict].colour).all(axis=-1)


def drawn(verdict: Verdict, box: Box = BOX, scale: float = 1.0, score: float | None = None) -> np.ndarray:
    return has_colour(draw_objects(ground(), [ShownObject(verdict, box, score)], scale), verdict)


def verdicts(objects: list[ShownObject]) -> list[str]:
    return [shown.verdict for shown in objects]


def test_a_found_object_has_a_solid_green_line_around_it() -> None:
    line = drawn("found")
    assert line[49, 60:140].all()
    assert line[110, 60:140].all()
    assert line[50:110, 59].all()
    assert line[50:110, 140].all()


def test_a_missed_object_has_dashes_with_one_at_each_corner() -> None:
    line = drawn("missed")
    for row, column in itertools.product((49, 110), (59, 140)):
        assert line[row, column]
    for side in (line[49, 60:140], line[110, 60:140], line[50:110, 59], line[50:110, 140]):
        assert 0.4 < side.mean() < 0.8
        assert np.count_nonzero(np.diff(side.astype(int)) == 1) >= 3


def test_a_false_detection_has_a_line_of_one_pixel() -> None:
    line = drawn("false")
    assert line[49, 60:140].all()
    assert not line[48, 60:140].any()
    assert not line[50, 60:140].any()


def test_an_object_of_an_unknown_class_has_dots() -> None:
    side = drawn("unknown")[49, 60:140]
    assert np.count_nonzero(np.diff(side.astype(int)) == 1) >= 10


def test_nothing_of_the_object_is_hidden_but_its_edge() -> None:
    image = draw_objects(ground(), [ShownObject("found", BOX, 0.9)])
    assert (image[51:109, 61:139] == GROUND).all()


def test_a_box_at_the_edge_of_the_image_is_drawn_inside_it() -> None:
    line = drawn("found", Box("Car", 0, 0, 200, 160))
    written = 60  # at the corner, where class and score stand
    assert line[0, written:].all()
    assert line[-1].all()
    assert line[written:, 0].all()
    assert line[:, -1].all()


def test_a_box_outside_the_image_is_left_out() -> None:
    image = draw_objects(ground(), [ShownObject("unknown", Box("Lamp", 300, 10, 320, 30))])
    assert (image == GROUND).all()


def test_a_reduced_image_has_its_boxes_where_they_belong() -> None:
    line = drawn("found", scale=0.5)
    assert line.shape == (80, 100)
    assert line[24, 30:70].all()
    assert line[25:55, 70].all()


def test_an_object_larger_than_its_text_and_image_is_drawn() -> None:
    image = draw_objects(ground(8, 8), [ShownObject("missed", Box("Motorcycle", 0, 0, 8, 8))])
    assert has_colour(image, "missed").any()


def test_class_and_score_stand_at_the_box_in_its_colour() -> None:
    with_score, without = drawn("found", score=0.75), drawn("found")
    above = np.s_[30:46, 50:160]
    assert with_score[above].sum() > without[above].sum() > 10


def test_text_of_two_objects_stands_apart() -> None:
    two = [ShownObject("missed", BOX), ShownObject("missed", Box("Car", 62, 52, 142, 112))]
    alone = has_colour(draw_objects(ground(), two[:1]), "missed")[:46].sum()
    both = has_colour(draw_objects(ground(), two), "missed")[:46].sum()
    assert alone == both > 10


def test_the_highest_score_takes_the_object() -> None:
    near = Box("Car", 62, 50, 140, 110)
    objects = matched([BOX], [(near, 0.4), (BOX, 0.8)])
    assert objects == [ShownObject("found", BOX, 0.8), ShownObject("false", near, 0.4)]


def test_a_detection_takes_the_object_it_overlaps_most() -> None:
    near = Box("Car", 70, 50, 150, 110)
    assert verdicts(matched([near, BOX], [(BOX, 0.8)])) == ["missed", "found"]


def test_another_class_finds_nothing() -> None:
    assert verdicts(matched([BOX], [(Box("Truck", 60, 50, 140, 110), 0.8)])) == ["missed", "false"]


@pytest.mark.parametrize(("x_max", "verdict"), [(100.0, "found"), (99.0, "missed")])
def test_half_an_overlap_is_enough(x_max: float, verdict: str) -> None:
    assert verdicts(matched([BOX], [(Box("Car", 60, 50, x_max, 110), 0.8)]))[0] == verdict


def test_a_detection_below_the_score_counts_for_nothing() -> None:
    assert verdicts(matched([BOX], [(BOX, 0.24)], 0.25)) == ["missed"]
    assert verdicts(matched([BOX], [(BOX, 0.25)], 0.25)) == ["found"]


@pytest.mark.parametrize("seed", range(20))
def test_objects_are_given_away_as_pycocotools_does(seed: int) -> None:
    generator = np.random.default_rng(seed)
    truth = [Box("Car", *corners) for corners in random_corners(generator, 12)]
    found = [
        (Box("Car", *corners), score)
        for corners, score in zip(
            random_corners(generator, 30), generator.permutation(30) / 30 + 0.01, strict=True
        )
    ]
    objects = matched(truth, found)
    expected = by_pycocotools(truth, found)
    assert {place for place, shown in enumerate(objects[:12]) if shown.verdict == "found"} == set(expected)
    assert [objects[place].score for place in expected] == pytest.approx(list(expected.values()))
    assert len(objects) == 12 + 30 - len(expected)


def random_corners(generator: np.random.Generator, count: int) -> list[tuple[float, float, float, float]]:
    """Boxes so close that many overlap by half."""
    corners = generator.uniform((0, 0), (40, 30), (count, 2))
    sizes = generator.uniform(25, 45, (count, 2))
    return [(x, y, x + w, y + h) for (x, y), (w, h) in zip(corners.tolist(), sizes.tolist(), strict=True)]


def by_pycocotools(truth: list[Box], found: list[tuple[Box, float]]) -> dict[int, float]:
    """Places of found objects with the score each was found with."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def entry(number: int, box: Box) -> dict[str, object]:
        width, height = box.x_max - box.x_min, box.y_max - box.y_min
        corners = [box.x_min, box.y_min, width, height]
        return {"id": number, "image_id": 1, "category_id": 1, "bbox": corners, "area": width * height}

    there = COCO()
    there.dataset = {
        "info": {},
        "images": [{"id": 1}],
        "categories": [{"id": 1}],
        "annotations": [entry(place + 1, box) | {"iscrowd": 0} for place, box in enumerate(truth)],
    }
    there.createIndex()
    results = there.loadRes([entry(0, box) | {"score": score} for box, score in found])
    evaluation = COCOeval(there, results, "bbox")
    evaluation.params.iouThrs = np.array([0.5])
    evaluation.evaluate()
    (image,) = (each for each in evaluation.evalImgs if each and each["aRng"] == [0, 1e10])
    scores = dict(zip(image["dtIds"], image["dtScores"], strict=True))
    return {
        int(number) - 1: float(scores[detection])
        for number, detection in zip(image["gtIds"], image["gtMatches"][0], strict=True)
        if detection
    }


def test_objects_of_classes_the_detector_does_not_know_are_neither_found_nor_missed() -> None:
    record = {
        "classes": ["Car"],
        "truth": [["Car", 60.0, 50.0, 140.0, 110.0]],
        "found": [["Car", 0.9, 60.0, 50.0, 141.0, 110.0], ["Car", 0.1, 0.0, 0.0, 9.0, 9.0]],
    }
    lamp = Box("Lamp", 1, 2, 3, 4)
    objects = judged(record, Labels(boxes=(lamp, BOX)), 0.25)
    assert objects == [ShownObject("found", BOX, 0.9), ShownObject("unknown", lamp)]


def test_a_caption_counts() -> None:
    objects = [ShownObject("found", BOX, 0.9), ShownObject("false", BOX, 0.5), ShownObject("unknown", BOX)]
    assert Panel("lp", ground(), objects).caption == "lp: found 1, missed 0, false 1"


@pytest.mark.parametrize("width", [64, 640, 1024, 1280])
def test_panels_stand_side_by_side_in_their_own_pixels(width: int) -> None:
    panels = [Panel(f"method {number}", ground(30, width), []) for number in range(5)]
    picture = draw_picture(panels, "title")
    assert picture.shape[1] <= WIDEST
    rows = (picture == GROUND).all(axis=-1).sum(axis=1)
    assert (picture == GROUND).all(axis=-1).sum() == 5 * 30 * width
    assert rows.max() >= 2 * width


def test_images_too_wide_for_two_are_reduced() -> None:
    picture = draw_picture([Panel(name, ground(40, 3000), []) for name in ("one", "two")], "title")
    assert WIDEST - 10 <= picture.shape[1] <= WIDEST


def test_the_legend_has_grey_where_a_class_is_unknown() -> None:
    panels = [Panel("one", ground(), [])]
    without, named = draw_picture(panels, "title"), draw_picture(panels, "title", ["Lamp"])
    for verdict in ("found", "missed", "false"):
        assert has_colour(without[-30:], verdict).any()
    assert named.shape[1] > without.shape[1]
    assert has_colour(named[-30:, without.shape[1] :], "unknown").any()


def test_each_verdict_has_a_line_of_its_own() -> None:
    assert len({(style.width, style.dash) for style in STYLES.values()}) == len(STYLES)


# Machado, Oliveira, Fernandes: A physiologically-based model for simulation of color vision deficiency,
# IEEE TVCG 15(6), 2009: their matrices for severity 1, by rows, on linear RGB.
DICHROMATS = {
    "protan": (0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998),
    "deutan": (0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881),
    "tritan": (1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900),
}


@pytest.mark.parametrize("kind", DICHROMATS)
def test_colours_differ_for_the_colour_blind(kind: str) -> None:
    encoded = np.array([style.colour for style in STYLES.values()]) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.reshape(DICHROMATS[kind], (3, 3)).T, 0, 1)
    seen = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
    for one, other in itertools.combinations(rgb2lab(seen), 2):
        assert deltaE_ciede2000(one, other) >= 15
