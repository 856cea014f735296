"""Pieces of frames as tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from fusionbench.contracts import Draw, TrainingFrame, TrainingFrames
from fusionbench.errors import InputError


@dataclass(frozen=True)
class Box:
    """A part of a frame, in pixels."""

    top: int
    left: int
    height: int
    width: int

    def grown(self, margin: int, size: tuple[int, int]) -> Box:
        """With a margin around it, as far as the frame goes."""
        top, left = max(self.top - margin, 0), max(self.left - margin, 0)
        bottom = min(self.top + self.height + margin, size[0])
        right = min(self.left + self.width + margin, size[1])
        return Box(top, left, bottom - top, right - left)

    def inside(self, outer: Box) -> Box:
        """The same part, counted from the corner of one that holds it."""
        return Box(self.top - outer.top, self.left - outer.left, self.height, self.width)

    def of(self, image: torch.Tensor) -> torch.Tensor:
        """This part of `(..., H, W)`."""
        return image[..., self.top : self.top + self.height, self.left : self.left + self.width]


def random_box(size: tuple[int, int], side: int, random: np.random.Generator) -> Box:
    """A square somewhere in a frame.

    Raises:
        InputError: If the frame is smaller.
    """
    if min(size) < side:
        raise InputError(
            f"crops of {side} pixels do not fit into an image of {size[1]}x{size[0]}; take smaller ones "
            "(--set crop=64) or larger images"
        )
    top, left = (int(random.integers(length - side + 1)) for length in size)
    return Box(top, left, side, side)


def as_tensor(image: NDArray[np.generic], box: Box | None = None) -> torch.Tensor:
    """An image `(H, W)` or `(H, W, C)`, or a part of it, as `(C, H, W)` float32; 8 bits become [0, 1]."""
    if box is not None:
        image = image[box.top : box.top + box.height, box.left : box.left + box.width]
    values = np.ascontiguousarray(image)
    scale = 255.0 if values.dtype == np.uint8 else 1.0
    tensor = torch.from_numpy(values.astype(np.float32)) / scale
    return tensor[None] if tensor.ndim == 2 else tensor.permute(2, 0, 1).contiguous()


def flipped(tensor: torch.Tensor, flip: bool) -> torch.Tensor:
    """Left for right, or as it is."""
    return tensor.flip(-1) if flip else tensor


class Mixture:
    """Picks frames so that conditions come in given shares.

    Args:
        frames: To pick from.
        shares: Of conditions; those no frame has are left out, those not named are not picked.

    Raises:
        InputError: If no frame has any of them.
    """

    def __init__(self, frames: TrainingFrames, shares: Mapping[str, float]) -> None:
        self._places: dict[str, list[int]] = {}
        for index, condition in enumerate(frames.conditions):
            if shares.get(condition, 0.0) > 0:
                self._places.setdefault(condition, []).append(index)
        if not self._places:
            raise InputError(
                f"the mixture names {', '.join(shares) or 'nothing'}, and no frame is under any of these "
                "conditions; name them in conditions too"
            )
        weights = np.array([shares[condition] for condition in self._places])
        self._conditions = list(self._places)
        self._weights = weights / weights.sum()

    def picks(self, draw: Draw, count: int) -> list[int]:
        """The frames of a step."""
        random = draw.generator("mixture")
        chosen = random.choice(len(self._conditions), size=count, p=self._weights)
        return [
            self._places[self._conditions[each]][
                int(random.integers(len(self._places[self._conditions[each]])))
            ]
            for each in chosen
        ]


def spread(places: Sequence[int], count: int) -> list[int]:
    """At most so many of some places, spread over them."""
    if len(places) <= count:
        return list(places)
    return [places[position * len(places) // count] for position in range(count)]


def by_condition(frames: TrainingFrames) -> dict[str, list[int]]:
    """Places of frames by their condition."""
    places: dict[str, list[int]] = {}
    for index, condition in enumerate(frames.conditions):
        places.setdefault(condition, []).append(index)
    return places


def true_gates(frame: TrainingFrame) -> tuple[float, float, float]:
    """What the gates haze, low_light and damaged should be."""
    return float(frame.transmission is not None), float(frame.exposure < 1), float(frame.condition != "clean")
