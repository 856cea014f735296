"""The generated scenes: contract, determinism, ground truth that agrees with the pixels, plain physics."""

from __future__ import annotations

import hashlib
import inspect
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionbench.contracts import DatasetRequest, ImagePair, Labels, Sample
from fusionbench.datasets.scenes import Scenes
from fusionbench.errors import InputError
from fusionbench.images import luminance, read_visible

SMALL = {"size": "320x240", "count": "12"}
MASK_CLASSES = (
    "unlabelled", "car", "person", "bike", "curve", "car_stop", "guardrail", "color_cone", "bump",
)  # fmt: skip


def scenes(split: str | None = None, **options: str) -> Scenes:
    return Scenes.open(DatasetRequest(split=split, options=options))


def digest(pair: ImagePair, labels: Labels) -> str:
    found = hashlib.sha256()
    for array in (pair.visible, pair.infrared, pair.depth, labels.mask):
        assert array is not None
        found.update(array.tobytes())
    found.update(repr(labels.boxes).encode())
    return found.hexdigest()


def inside(array: np.ndarray, box: object) -> np.ndarray:
    return array[int(box.y_min) : int(box.y_max), int(box.x_min) : int(box.x_max)]


@pytest.fixture(scope="module")
def rendered() -> list[tuple[Sample, ImagePair, Labels]]:
    """Twelve small scenes, day and night in turn."""
    dataset = scenes(**SMALL)
    return [(sample, dataset.load(sample), dataset.labels(sample)) for sample in dataset.samples]


# --------------------------------------------------------------------------------------- the contract


def test_twelve_pairs_of_640_by_480_are_the_default() -> None:
    dataset = scenes()
    assert len(dataset.samples) == 12
    assert dataset.load(dataset.samples[0]).size == (480, 640)


def test_the_card_says_that_it_is_synthetic_and_names_the_classes() -> None:
    card = Scenes.card
    assert card.synthetic
    assert "never for a scientific claim" in card.source
    assert set(card.box_classes) == {"People", "Car", "Bus", "Motorcycle", "Lamp", "Truck"}
    assert card.mask_classes == MASK_CLASSES


def test_sample_ids_are_sorted_unique_and_say_day_or_night() -> None:
    ids = [sample.id for sample in scenes(count="30").samples]
    assert ids == sorted(set(ids))
    assert ids[:4] == ["00000D", "00001N", "00002D", "00003N"]


@pytest.mark.parametrize(("light", "letters"), [("day", {"D"}), ("night", {"N"}), ("mixed", {"D", "N"})])
def test_the_light_option_decides_between_day_and_night(light: str, letters: set[str]) -> None:
    assert {sample.id[-1] for sample in scenes(light=light).samples} == letters


def test_the_splits_share_no_sample() -> None:
    test, train = (
        {sample.id for sample in scenes(split, count="50000").samples} for split in ("test", "train")
    )
    assert not test & train


def test_a_root_is_refused() -> None:
    with pytest.raises(InputError, match="takes no root"):
        Scenes.open(DatasetRequest(root=Path("somewhere")))


def test_an_unknown_split_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'val'.*test, train"):
        scenes("val")


def test_an_unknown_option_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'colour'.*count, size, seed, light"):
        scenes(colour="red")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", "0"), ("count", "50001"), ("count", "-3"), ("count", "many"), ("count", "1.5"),
        ("count", ""),
        ("size", "640"), ("size", "0x10"), ("size", "640X480"), ("size", "9000x10"), ("size", "-1x5"),
        ("size", "640x480\n"), ("seed", "-1"), ("seed", "x"), ("seed", "1e3"),
        ("seed", "99999999999999999999"),
        ("light", "dusk"), ("light", ""), ("light", "Day"),
    ],
)  # fmt: skip
def test_a_bad_option_value_is_refused_naming_the_option(name: str, value: str) -> None:
    with pytest.raises(InputError, match=f"option {name}="):
        scenes(**{name: value})


@pytest.mark.parametrize("name", ["00000N", "00012D", "50000D", "0000D", "", "00000D ", "../00000D"])
def test_a_sample_of_another_dataset_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="has no sample"):
        scenes().load(Sample(name))


def test_changing_a_loaded_pair_does_not_change_the_next_load() -> None:
    dataset = scenes(size="64x48")
    pair = dataset.load(dataset.samples[0])
    before = pair.visible.copy()
    pair.visible[:] = 0
    assert np.array_equal(dataset.load(dataset.samples[0]).visible, before)


# ---------------------------------------------------------------------------------------- determinism


def test_another_process_renders_the_same_bytes_in_another_order(rendered: list) -> None:
    script = f"""
import hashlib
from fusionbench.contracts import DatasetRequest
from fusionbench.datasets.scenes import Scenes
{inspect.getsource(digest).replace("pair: ImagePair, labels: Labels", "pair, labels")}
dataset = Scenes.open(DatasetRequest(options={SMALL!r}))
for number in (7, 2):
    labels = dataset.labels(dataset.samples[number])
    print(digest(dataset.load(dataset.samples[number]), labels))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    expected = [digest(rendered[number][1], rendered[number][2]) for number in (7, 2)]
    assert done.stdout.split() == expected


def test_a_pickled_dataset_renders_the_same_bytes(rendered: list) -> None:
    dataset = pickle.loads(pickle.dumps(scenes(**SMALL)))  # noqa: S301
    sample, pair, labels = rendered[5]
    assert digest(dataset.load(sample), dataset.labels(sample)) == digest(pair, labels)


def test_another_seed_gives_other_scenes() -> None:
    first, second = (scenes(size="64x48", seed=seed) for seed in ("0", "1"))
    assert not np.array_equal(first.load(first.samples[0]).visible, second.load(second.samples[0]).visible)


def test_every_scene_of_a_split_is_a_different_place(rendered: list) -> None:
    assert len({pair.depth.tobytes() for _, pair, _ in rendered}) == len(rendered)


def test_a_scene_is_the_same_place_at_every_size() -> None:
    large, small = (scenes(size=size, count="12") for size in ("640x480", "320x240"))
    for number in (3, 8):
        depth = np.minimum(large.load(large.samples[number]).depth, 500.0)
        halved = np.median(np.stack([depth[dy::2, dx::2] for dy in (0, 1) for dx in (0, 1)]), axis=0)

        def agreement(other: Sample, halved: np.ndarray = halved) -> float:
            quarter = np.minimum(small.load(other).depth, 500.0)
            return float(np.mean(np.abs(np.log(halved / quarter)) < 0.1))

        assert agreement(small.samples[number]) > 0.95
        assert agreement(small.samples[number - 1]) < 0.8


def test_the_fingerprint_changes_with_everything_that_changes_pixels() -> None:
    base = scenes(count="4")
    prints = {base.fingerprint(sample) for sample in base.samples}
    for options in ({"seed": "1"}, {"size": "640x482"}, {"size": "482x640"}, {"light": "night"}):
        other = scenes(count="4", **options)
        prints.add(other.fingerprint(other.samples[0]))
    train = scenes("train", count="4")
    prints.add(train.fingerprint(train.samples[0]))
    assert len(prints) == 4 + 5


def test_the_fingerprint_ignores_how_many_scenes_are_asked_for() -> None:
    few, many = scenes(count="2"), scenes(count="40")
    assert few.fingerprint(few.samples[1]) == many.fingerprint(many.samples[1])


# ------------------------------------------------------------------------------------------- any size


@settings(max_examples=25, deadline=None)
@given(width=st.integers(1, 150), height=st.integers(1, 150), number=st.integers(0, 11))
def test_any_size_gives_a_pair_and_labels_of_that_size(width: int, height: int, number: int) -> None:
    dataset = scenes(size=f"{width}x{height}")
    sample = dataset.samples[number]
    pair, labels = dataset.load(sample), dataset.labels(sample)
    assert pair.size == (height, width)
    assert pair.depth is not None and pair.depth.shape == (height, width)
    assert labels.mask is not None and labels.mask.shape == (height, width)
    assert not np.isnan(pair.depth).any() and (pair.depth > 0).all()


@pytest.mark.parametrize("size", ["16x12", "641x479", "1920x300", "200x900"])
def test_odd_sizes_and_shapes_show_ground_sky_or_walls_with_finite_depth(size: str) -> None:
    dataset = scenes(size=size)
    pair = dataset.load(dataset.samples[0])
    assert pair.depth is not None
    assert np.isfinite(pair.depth[-1]).all()
    assert pair.visible.std() > 5 and pair.infrared.std() > 2


# ------------------------------------------------------------------------------------------- geometry


def test_depth_of_the_road_follows_the_pinhole_law(rendered: list) -> None:
    """A flat road seen from height h: depth times the distance below the horizon is constant (f h)."""
    for _, pair, labels in rendered:
        height, width = pair.size
        rows = np.arange(height)[:, None] + 0.5 - pair.horizon * height
        product = (pair.depth * rows)[int(0.93 * height) :, int(0.45 * width) : int(0.55 * width)]
        on_road = unoccupied(labels, product.shape, pair.size)
        assert np.ptp(product[on_road]) < 1e-3 * np.median(product[on_road])


def unoccupied(labels: Labels, shape: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """Pixels of the bottom middle of the image that show no labelled object."""
    height, width = size
    mask = labels.mask[height - shape[0] :, int(0.45 * width) : int(0.45 * width) + shape[1]]
    return np.isin(mask, [0, MASK_CLASSES.index("curve"), MASK_CLASSES.index("bump")])


def test_sky_is_infinitely_far_and_above_the_horizon(rendered: list) -> None:
    for _, pair, _ in rendered:
        rows = np.nonzero(np.isinf(pair.depth))[0]
        assert rows.size > 0
        assert rows.max() <= pair.horizon * pair.size[0] + 1


# --------------------------------------------------------------------------------------------- labels


def test_boxes_lie_inside_the_image_and_carry_classes_of_the_card(rendered: list) -> None:
    for _, pair, labels in rendered:
        height, width = pair.size
        for box in labels.boxes:
            assert box.label in Scenes.card.box_classes
            assert 0 <= box.x_min < box.x_max <= width and 0 <= box.y_min < box.y_max <= height
            assert min(box.x_max - box.x_min, box.y_max - box.y_min) >= 4


def test_boxes_touch_their_class_in_the_mask_on_all_four_sides(rendered: list) -> None:
    """A box is tight around what is visible, so its outer rows and columns hold pixels of its class."""
    classes = {"People": "person", "Car": "car", "Bus": "car", "Truck": "car", "Motorcycle": "bike"}
    checked = 0
    for _, _, labels in rendered:
        for box in labels.boxes:
            if box.label == "Lamp":
                continue
            part = inside(labels.mask, box) == MASK_CLASSES.index(classes[box.label])
            assert part[0].any() and part[-1].any() and part[:, 0].any() and part[:, -1].any()
            checked += 1
    assert checked > 50


def test_a_persons_box_and_depth_give_a_human_height(rendered: list) -> None:
    """Box height times depth over the focal length, which the road's depth gives up to the eye height."""
    for _, pair, labels in rendered:
        height, width = pair.size
        rows = np.arange(height)[:, None] + 0.5 - pair.horizon * height
        road = (pair.depth * rows)[-1, width // 2]
        longest_focal = road / 1.35
        for box in labels.boxes:
            if box.label != "People":
                continue
            person = inside(labels.mask, box) == MASK_CLASSES.index("person")
            depth = np.median(inside(pair.depth, box)[person])
            assert np.isfinite(depth)
            assert (box.y_max - box.y_min - 2) * depth / longest_focal < 2.2


def test_most_classes_occur_within_sixty_scenes() -> None:
    dataset = scenes(size="320x240", count="60")
    boxes: set[str] = set()
    ids: set[int] = set()
    for sample in dataset.samples:
        labels = dataset.labels(sample)
        boxes |= {box.label for box in labels.boxes}
        ids |= set(np.unique(labels.mask).tolist())
    assert boxes == set(Scenes.card.box_classes)
    assert ids == set(range(len(MASK_CLASSES)))


# ----------------------------------------------------------------------------------------- two cameras


def test_the_sky_is_the_coldest_part_of_the_infrared_image_by_day_and_night(rendered: list) -> None:
    for _, pair, _ in rendered:
        sky = np.isinf(pair.depth)
        height = pair.size[0]
        upper = sky & (np.arange(height)[:, None] < 0.6 * pair.horizon * height)
        assert upper.any()
        assert pair.infrared[upper].mean() < pair.infrared[~sky].mean() - 10
        assert np.median(pair.infrared[upper]) <= np.quantile(pair.infrared[~sky], 0.25)


def test_people_are_warmer_than_the_road_at_night(rendered: list) -> None:
    checked = 0
    for sample, pair, labels in rendered:
        person = labels.mask == MASK_CLASSES.index("person")
        if not sample.id.endswith("N") or person.sum() < 40:
            continue
        road = pair.infrared[int(0.9 * pair.size[0]) :][labels.mask[int(0.9 * pair.size[0]) :] == 0]
        assert np.median(pair.infrared[person]) > np.median(road) + 15
        checked += 1
    assert checked >= 3


def test_night_is_darker_than_day_to_the_visible_camera_alone(rendered: list) -> None:
    visible = {letter: [] for letter in "DN"}
    infrared = {letter: [] for letter in "DN"}
    for sample, pair, _ in rendered:
        visible[sample.id[-1]].append(pair.visible.mean())
        infrared[sample.id[-1]].append(pair.infrared.mean())
    assert max(visible["N"]) < min(visible["D"])
    assert np.mean(infrared["N"]) > 0.5 * np.mean(infrared["D"])


def test_infrared_is_not_a_function_of_the_visible_grey_level(rendered: list) -> None:
    """The best function of the grey level (its conditional mean) explains little of the infrared image."""
    explained = []
    for _, pair, _ in rendered:
        grey = luminance(pair.visible).astype(int).ravel()
        infrared = pair.infrared.astype(float).ravel()
        counts = np.bincount(grey, minlength=256)
        means = np.bincount(grey, infrared, 256) / np.maximum(counts, 1)
        explained.append(1.0 - np.var(infrared - means[grey]) / np.var(infrared))
    assert max(explained) < 0.9
    assert np.mean(explained) < 0.6


def test_both_images_are_noisy_like_a_sensor_but_not_more_than_a_picture_is(rendered: list) -> None:
    """Neighbouring pixels correlate strongly, never perfectly."""
    for _, pair, _ in rendered:
        for image in (luminance(pair.visible), pair.infrared.astype(float)):
            correlation = np.corrcoef(image[:, 1:].ravel(), image[:, :-1].ravel())[0, 1]
            assert 0.8 < correlation < 0.9999


@pytest.mark.parametrize(("folder", "letter"), [("MSRS", "D"), ("MSRS", "N")])
def test_contrast_and_sharpness_are_of_the_order_of_real_road_scenes(
    shared: Path, folder: str, letter: str
) -> None:
    """Median grey mean, deviation and gradient are within a factor of 2.5 of the real ones."""
    files = sorted((shared / "data" / folder / "test" / "vi").glob(f"*{letter}.png"))[:12]
    dataset = scenes(light="day" if letter == "D" else "night", count="8")
    ours = np.median([_statistics(dataset.load(sample).visible) for sample in dataset.samples], axis=0)
    real = np.median([_statistics(read_visible(file)) for file in files], axis=0)
    assert (np.abs(np.log(ours / real)) < np.log(2.5)).all(), (ours, real)


def _statistics(visible: np.ndarray) -> tuple[float, float, float]:
    grey = luminance(visible)
    gradient = np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean()
    return float(grey.mean()), float(grey.std()), float(gradient)
