"""Tileable noise, made once a process and looked up in world coordinates.

The tiles depend on the generator version alone, never on which scene asks first.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fusionbench.contracts import FloatImage
from fusionbench.datasets.scenes.streams import stream

TILE = 512
"""Side of every tile in texels, a power of two so that wrapping is a bit mask."""

_SHARED = -1
"""Scene index under which everything that all scenes share is drawn."""


@cache
def grain() -> FloatImage:
    """Uncorrelated texels, uniform in [-1, 1]."""
    values = stream(0, _SHARED, "grain").random((TILE, TILE), dtype=np.float32)
    grain_tile: FloatImage = values * 2.0 - 1.0
    return grain_tile


@cache
def smooth() -> FloatImage:
    """Cloud-like fractal noise in [-1, 1], amplitude halving with each octave."""
    return _fractal("smooth", first=4, octaves=6, gain=0.5)


@cache
def leafy() -> FloatImage:
    """Fractal noise in [-1, 1] with as much energy in clumps as in single leaves."""
    return _fractal("leafy", first=16, octaves=5, gain=0.8)


def texels(coordinate: NDArray[np.floating]) -> NDArray[np.intp]:
    """Indices into a tile for coordinates in texels, wrapped around."""
    wrapped: NDArray[np.intp] = np.floor(coordinate).astype(np.intp) & (TILE - 1)
    return wrapped


def look_up(tile: FloatImage, row: NDArray[np.floating], column: NDArray[np.floating]) -> FloatImage:
    """Read a tile at texel coordinates; rows `(h, 1)` with columns `(1, w)` are read as a grid."""
    rows, columns = texels(row), texels(column)
    if rows.shape[-1] == 1 and columns.shape[0] == 1:
        grid: FloatImage = tile[rows[:, 0]][:, columns[0]]
        return grid
    scattered: FloatImage = tile.ravel().take(rows * TILE + columns, mode="clip")
    return scattered


def _fractal(name: str, first: int, octaves: int, gain: float) -> FloatImage:
    generator = stream(0, _SHARED, name)
    total = np.zeros((TILE, TILE), dtype=np.float32)
    amplitude = 1.0
    for octave in range(octaves):
        total += amplitude * _enlarged(generator.random((first << octave,) * 2, dtype=np.float32) * 2.0 - 1.0)
        amplitude *= gain
    tile: FloatImage = total / np.abs(total).max()
    return tile


def _enlarged(lattice: FloatImage) -> FloatImage:
    """Enlarge a periodic lattice to a tile, bicubically, keeping it periodic."""
    cells = lattice.shape[0]
    margin = 2
    padded = np.pad(lattice, margin, mode="wrap")
    box = (margin, margin, margin + cells, margin + cells)
    enlarged = Image.fromarray(padded).resize((TILE, TILE), Image.Resampling.BICUBIC, box=box)
    return np.asarray(enlarged, dtype=np.float32)
