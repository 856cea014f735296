"""`fusionbench detections`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fusionbench import registry
from fusionbench.contracts import Detections, DetectorCard, ImagePair
from fusionbench.degrading import degrade_pair, parse_condition
from fusionbench.detection_pictures import STYLES, Verdict

VISIBLE, INFRARED = (150, 160, 170), 45
SIZE = (160, 200)

CAR = ("Car", 60, 60, 140, 120)
LAMP = ("Lamp", 150, 20, 190, 50)


class FindsWhatIsBright:
    """Knows people and cars; its file of weights says where it looks, and brightness whether it finds."""

    card = DetectorCard(name="bright", title="Brightness", licence="none", notice="look out")
    classes = ("person", "car")

    def __init__(self, weights: Path, device: str) -> None:
        self._looked_at = json.loads(weights.read_text())

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        return [self._found(image) for image in images]

    def _found(self, image: np.ndarray) -> Detections:
        entries = [
            (self.classes.index(name), score, corners)
            for name, score, *corners in self._looked_at
            if image[corners[1] : corners[3], corners[0] : corners[2]].mean() > 100
        ]
        return Detections(
            boxes=np.array([corners for *_, corners in entries], np.float64).reshape(-1, 4),
            scores=np.array([score for _, score, _ in entries], np.float64),
            classes=np.array([place for place, *_ in entries], np.int64),
        )


@pytest.fixture(autouse=True)
def bright(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the detector."""
    load, names = registry.load, registry.names

    def load_too(kind: registry.Kind, name: str) -> Any:
        return FindsWhatIsBright if (kind, name) == ("detector", "bright") else load(kind, name)

    def names_too(kind: registry.Kind) -> list[str]:
        return sorted([*names(kind), "bright"]) if kind == "detector" else names(kind)

    monkeypatch.setattr(registry, "load", load_too)
    monkeypatch.setattr(registry, "names", names_too)


@pytest.fixture
def streets(tmp_path: Path) -> Path:
    """A set of three uniform pairs in the layout of M3FD; the third has no annotation."""
    root = tmp_path / "M3FD_Detection"
    for number in range(3):
        for folder, image in (
            ("Vis", np.full((*SIZE, 3), VISIBLE, np.uint8)),
            ("Ir", np.full(SIZE, INFRARED, np.uint8)),
        ):
            (root / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(root / folder / f"{number:05d}.png")
    (root / "Annotation").mkdir()
    for number in range(2):
        objects = "".join(
            f"<object><name>{name}</name><bndbox><xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax>"
            f"<ymax>{bottom}</ymax></bndbox></object>"
            for name, left, top, right, bottom in (CAR, LAMP)
        )
        (root / "Annotation" / f"{number:05d}.xml").write_text(f"<annotation>{objects}</annotation>")
    return root


@pytest.fixture
def draws(command, streets: Path, tmp_path: Path):
    """Run the command on the set with a detector that looks at some boxes."""

    def run(*arguments: object, looked_at: Sequence[object] = (("car", 0.9, 60, 60, 140, 120),)):
        weights = tmp_path / "bright.json"
        weights.write_text(json.dumps(looked_at))
        given = ("--dataset", "m3fd", "--root", streets, "--weights", f"bright={weights}")
        return command("detections", *given, "--device", "cpu", *arguments)

    return run


def picture(path: Path) -> np.ndarray:
    with Image.open(path) as opened:
        return np.asarray(opened)


def panels_of(
    path: Path, first: tuple[int, int, int] = VISIBLE, second: int = INFRARED
) -> Mapping[str, np.ndarray]:
    """The visible and the infrared panel of a picture, found by the colour of their corners."""
    drawn = picture(path)
    top, left = np.argwhere((drawn == first).all(axis=-1))[0]
    beside = np.flatnonzero((drawn[top, left + SIZE[1] :] == second).all(axis=-1))[0] + left + SIZE[1]
    corners = {"visible": left, "infrared": beside}
    return {name: drawn[top : top + SIZE[0], x : x + SIZE[1]] for name, x in corners.items()}


def line_around(panel: np.ndarray, verdict: Verdict, box: tuple[object, ...] = CAR) -> float:
    """How much of the line below a box has the colour of a verdict."""
    _, left, _, right, bottom = box
    return float((panel[bottom, left:right] == STYLES[verdict].colour).all(axis=-1).mean())


def test_what_is_found_in_one_image_and_missed_in_the_other_has_their_colours(draws, tmp_path: Path) -> None:
    done = draws("--method", "average", "--id", "00000")
    assert done.returncode == 0, done.stderr
    assert "drawn: detections/00000-clean.png" in done.stdout
    panels = panels_of(tmp_path / "detections" / "00000-clean.png")
    assert line_around(panels["visible"], "found") == 1
    assert line_around(panels["infrared"], "found") == 0
    assert 0.4 < line_around(panels["infrared"], "missed") < 0.8
    for panel in panels.values():
        assert line_around(panel, "unknown", LAMP) > 0.2


def test_a_detection_of_nothing_is_orange_and_one_of_a_low_score_is_not_drawn(draws, tmp_path: Path) -> None:
    nowhere = ("car", 0.3, 10, 10, 50, 40)
    for score, drawn in (("0.2", 1.0), ("0.4", 0.0)):
        draws("--method", "average", "--id", "00000", "--score", score, looked_at=[nowhere])
        panels = panels_of(tmp_path / "detections" / "00000-clean.png")
        assert line_around(panels["visible"], "false", nowhere[:1] + nowhere[2:]) == drawn


def test_panels_show_what_the_methods_were_given(draws, tmp_path: Path) -> None:
    done = draws(
        "--method", "average", "--id", "00001", "-x", "physical:low_light", "-s", "1", "--out", "dark"
    )
    assert done.returncode == 0, done.stderr
    (file,) = (tmp_path / "dark").iterdir()
    assert file.name == "00001-physical_low_light@1.png"
    pair = ImagePair("00001", np.full((*SIZE, 3), VISIBLE, np.uint8), np.full(SIZE, INFRARED, np.uint8))
    given = degrade_pair(pair, parse_condition("physical:low_light@1"), 0, "m3fd").pair.visible
    panel = panels_of(file, tuple(given[0, 0]))["visible"]
    np.testing.assert_array_equal(panel[140:], given[140:])


def test_each_method_has_its_panel_after_the_two_images(draws, tmp_path: Path) -> None:
    draws("--method", "max,average,visible", "--id", "00000")
    drawn = picture(tmp_path / "detections" / "00000-clean.png")
    top, left = np.argwhere((drawn == VISIBLE).all(axis=-1))[0]
    row = drawn[top]
    seen = [tuple(map(int, row[x])) for x in range(left, len(row)) if (row[x] != 255).any()]
    assert len(seen) == 4 * SIZE[1]
    colours = [seen[place * SIZE[1]] for place in range(4)]
    assert colours[:3] == [VISIBLE, (INFRARED,) * 3, VISIBLE]
    assert INFRARED < colours[3][1] < VISIBLE[1]


def test_pairs_without_labels_are_named_and_the_others_drawn(draws, tmp_path: Path) -> None:
    done = draws("--method", "average")
    assert done.returncode == 1
    assert "skipped: 00002: has no labels" in done.stderr
    assert sorted(path.name for path in (tmp_path / "detections").iterdir()) == [
        "00000-clean.png",
        "00001-clean.png",
    ]


def test_a_method_that_fails_is_named_with_the_pair(draws, write_method, tmp_path: Path) -> None:
    broken = write_method("raise ValueError('no')")
    done = draws("--method", broken, "--id", "00000")
    assert done.returncode == 1
    assert "skipped: 00000: method Mine raised ValueError: no" in done.stderr
    assert not (tmp_path / "detections").exists()


def test_the_notice_of_the_detector_is_given(draws) -> None:
    done = draws("--method", "average", "--limit", "1", "--quiet")
    assert done.returncode == 0
    assert "notice: look out" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--id", "00009"), "no image '00009' in m3fd, split 'all'; the nearest: 0000"),
        (("--id", "00000", "--limit", "2"), "--id says which pairs to draw"),
        (("--limit", "0"), "--limit 0: expected 1 or more"),
        (("--score", "25"), "--score 25: expected 0 to 1"),
        (("--weights", "nobody=x.pt"), "weights for 'nobody'"),
        (("-x", "smog"), "no degradation is called 'smog'"),
    ],
)
def test_a_wrong_argument_is_one_line(draws, arguments: tuple[str, ...], message: str) -> None:
    done = draws("--method", "average", *arguments)
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_detector_without_weights_is_one_line(command, streets: Path) -> None:
    done = command("detections", "--dataset", "m3fd", "--root", streets, "--method", "average")
    assert done.returncode == 1
    assert "no weights of a detector are given: --weights bright=FILE" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_dataset_without_boxes_is_one_line(command, pair_folders) -> None:
    folders = [
        part for name, folder in pair_folders.items() for part in ("--dataset-option", f"{name}={folder}")
    ]
    done = command("detections", "--dataset", "folder", *folders, "--method", "average")
    assert done.returncode == 1
    assert "dataset folder: has no boxes" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_real_images_and_weights_give_a_picture(command, shared: Path, tmp_path: Path) -> None:
    weights = shared / "weights" / "detectors" / "yolov8n_from_int8.pt"
    if not weights.is_file():
        pytest.skip(f"needs {weights}, a checkpoint of ultralytics")
    given = (
        "--dataset",
        "m3fd",
        "--root",
        shared / "data" / "M3FD_Detection",
        "--weights",
        f"yolo={weights}",
    )
    done = command("detections", *given, "-m", "average", "--id", "00349", "-x", "haze@4", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    drawn = picture(tmp_path / "detections" / "00349-haze@4.png")
    # A man walks alone before a wall; his box is solid in both columns of panels.
    green = (drawn == STYLES["found"].colour).all(axis=-1)
    assert sum(green[:, columns].sum(axis=1).max() > 60 for columns in np.s_[:1032, 1032:]) == 2
    assert not (drawn[:-40] == STYLES["missed"].colour).all(axis=-1).any()
