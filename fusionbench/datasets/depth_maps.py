"""A user's own depth maps, one a pair: measured, or estimated by whatever the user trusts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from fusionbench.contracts import FloatImage
from fusionbench.datasets.fingerprint import content_digest
from fusionbench.errors import InputError

DEPTH_OPTION = "depth"
DEPTH_HELP = "folder of depth maps ID.png (16-bit, 256 a metre, 65535 is sky) or ID.npy (float32 metres)"

UNITS_PER_METRE = 256
"""Of a 16-bit PNG: 1/256 m to 256 m, as road datasets store depth."""

_SKY = 65535


@dataclass(frozen=True)
class DepthMaps:
    """A folder of depth maps by image id."""

    folder: Path

    @classmethod
    def open(cls, folder: Path) -> DepthMaps:
        """Find the folder.

        Raises:
            InputError: If there is none.
        """
        if not folder.expanduser().is_dir():
            raise InputError(f"{folder}: no such folder of depth maps; check the option {DEPTH_OPTION}")
        return cls(folder.expanduser())

    def file(self, image_id: str) -> Path:
        """The map of an image.

        Raises:
            InputError: If the folder has none, or two.
        """
        found = [
            path for suffix in (".png", ".npy") if (path := self.folder / f"{image_id}{suffix}").is_file()
        ]
        if len(found) != 1:
            what = "has two maps for" if found else "has no depth map for"
            raise InputError(f"{self.folder}: {what} {image_id}; give one {image_id}.png or {image_id}.npy")
        return found[0]

    def fingerprint(self, image_id: str) -> str:
        """Hash of the map's content.

        Raises:
            InputError: As `file`, and if it cannot be read.
        """
        return content_digest(self.file(image_id))

    def read(self, image_id: str, size: tuple[int, int]) -> FloatImage:
        """Read a map.

        Args:
            image_id: Whose.
            size: Height and width of the pair.

        Returns:
            `(H, W)` float32 in metres, infinity is sky.

        Raises:
            InputError: If it is missing, unreadable, of another size or type, or holds what is no distance.
        """
        path = self.file(image_id)
        depth = _read_array(path) if path.suffix == ".npy" else _read_png(path)
        if depth.shape != size:
            found = "x".join(str(length) for length in reversed(depth.shape))
            raise InputError(f"{path}: is {found} but its pair is {size[1]}x{size[0]}; resize the map")
        if not (depth > 0).all():
            raise InputError(f"{path}: has values that are no distance (0, negative or NaN); fill the holes")
        return depth


def _read_png(path: Path) -> FloatImage:
    try:
        with Image.open(path) as image:
            image.load()
            counts = np.asarray(image)
            mode = image.mode
    except UnidentifiedImageError:
        raise InputError(f"{path}: is not an image (or damaged); copy it again") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: cannot be decoded ({error}); copy it again") from error
    if not mode.startswith("I"):
        raise InputError(f"{path}: has mode {mode}, expected 16-bit grey; give {UNITS_PER_METRE} a metre")
    metres: FloatImage = counts.astype(np.float32) / np.float32(UNITS_PER_METRE)
    metres[counts >= _SKY] = np.inf
    return metres


def _read_array(path: Path) -> FloatImage:
    try:
        array = np.load(path, allow_pickle=False)
    except Exception as error:
        raise InputError(f"{path}: cannot be read as an array ({error}); save float32 metres") from error
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind != "f":
        raise InputError(f"{path}: expected a float array (H, W) of metres; save it so")
    with np.errstate(over="ignore"):  # farther than float32 can say is infinitely far
        return array.astype(np.float32)
