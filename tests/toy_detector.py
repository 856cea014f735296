"""A detector that finds what is bright, so that tests know beforehand what is found where."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from fusionbench.contracts import Detections, DetectorCard
from fusionbench.errors import InputError

BRIGHT = 150

SIZE = (48, 64)


class Bright:
    """Every bright patch is a car; the larger, the surer."""

    card = DetectorCard(
        name="bright", title="Bright patches", licence="Apache-2.0", settings="grey above 150", notice="a toy"
    )
    classes = ("Car", "People")

    def __init__(self, weights: Path, device: str = "cpu") -> None:
        self.weights = weights.read_bytes()

    def detect(self, images):
        return [self._found(image) for image in images]

    def _found(self, image):
        patches, _ = ndimage.label(image.mean(axis=2) > BRIGHT)
        places = ndimage.find_objects(patches)
        boxes = [[x.start, y.start, x.stop, y.stop] for y, x in places]
        scores = [0.5 + 0.001 * (box[2] - box[0]) for box in boxes]
        return Detections(
            np.array(boxes, dtype=np.float64).reshape(-1, 4), np.array(scores), np.zeros(len(boxes), np.int64)
        )


def write_m3fd(root: Path, scenes: int, copies: int = 1) -> Path:
    """Pairs with a bright car that the visible camera sees, and one that only the infrared camera sees.

    Args:
        root: Where to write.
        scenes: Pairs that look different.
        copies: Of each.
    """
    folder = root / "M3FD_Detection"
    for name in ("Vis", "Ir", "Annotation"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(scenes * copies):
        scene = number % scenes
        generator = np.random.default_rng(scene)
        visible = generator.integers(20, 120, (6, 8)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
        infrared = generator.integers(20, 120, (6, 8)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
        seen, hot = (4, 6 + scene % 5, 16, 20), (40, 20, 52 + scene % 4, 40)
        for image, (x_min, y_min, x_max, y_max) in ((visible, seen), (infrared, hot)):
            image[y_min:y_max, x_min:x_max] = 220
        stem = f"{1000 * scene + number:05}"
        Image.fromarray(np.stack([visible] * 3, axis=2)).save(folder / "Vis" / f"{stem}.png")
        Image.fromarray(infrared).save(folder / "Ir" / f"{stem}.png")
        objects = "".join(_object(box) for box in (seen, hot))
        (folder / "Annotation" / f"{stem}.xml").write_text(f"<annotation>{objects}</annotation>")
    return root


def _object(box: tuple[int, int, int, int]) -> str:
    edges = "".join(
        f"<{name}>{value}</{name}>" for name, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    )
    return f"<object><name>Car</name><bndbox>{edges}</bndbox></object>"


class Taught(Bright):
    """Finds only patches of the largest brightness it was shown in a box, less what the seed says."""

    card = DetectorCard(name="taught", title="Taught", licence="Apache-2.0", settings="none")

    @classmethod
    def check_training(cls, training):
        """It has no options."""
        for name, _ in training.options:
            raise InputError(f"option {name!r} is none of the training")

    @classmethod
    def train(cls, images, training, out):
        """Write down how bright the boxes of the images were."""
        levels = [
            float(each.image[int(box.y_min) : int(box.y_max), int(box.x_min) : int(box.x_max)].mean())
            for each in images
            for box in each.boxes
        ]
        out.mkdir(parents=True, exist_ok=True)
        path = out / "weights.pt"
        path.write_text(json.dumps({"level": min(levels) - 1 + training.seed, "epochs": training.epochs}))
        return path

    def _found(self, image):
        level = json.loads(self.weights)["level"]
        patches, _ = ndimage.label(image.mean(axis=2) > level)
        boxes = [[x.start, y.start, x.stop, y.stop] for y, x in ndimage.find_objects(patches)]
        boxes = [box for box in boxes if box[2] - box[0] < 30]
        return Detections(
            np.array(boxes, dtype=np.float64).reshape(-1, 4),
            np.full(len(boxes), 0.5),
            np.zeros(len(boxes), np.int64),
        )
