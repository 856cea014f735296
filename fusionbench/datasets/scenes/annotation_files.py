"""Annotations of a scene as the content of files that other tools read."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from fusionbench.contracts import Box, FloatImage, Uint8Image


def yolo_line(box: Box, classes: Sequence[str], width: int, height: int) -> str:
    """One box as `class x_centre y_centre width height`, in image sizes."""
    x, y = (box.x_min + box.x_max) / 2 / width, (box.y_min + box.y_max) / 2 / height
    w, h = (box.x_max - box.x_min) / width, (box.y_max - box.y_min) / height
    return f"{classes.index(box.label)} {x:.6f} {y:.6f} {w:.6f} {h:.6f}\n"


def png_bytes(mask: Uint8Image) -> bytes:
    """A class mask `(H, W)` as a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(mask).save(stream, format="PNG")
    return stream.getvalue()


def npy_bytes(depth: FloatImage) -> bytes:
    """Depth `(H, W)` in metres as an NPY file."""
    stream = io.BytesIO()
    np.save(stream, depth, allow_pickle=False)
    return stream.getvalue()
