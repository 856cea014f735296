"""What degradations must know of a whole frame, estimated once a pair, as tensors that can be cropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from fusionbench.contracts import ImagePair
from fusionbench_degradations.scattering import surroundings_of


@dataclass(frozen=True)
class Surroundings:
    """Depth, airlights and height of the frames of a batch."""

    depth: torch.Tensor
    """`(N, 1, H, W)` relative depth."""
    airlight: torch.Tensor
    """`(N, 3, 1, 1)` in linear light."""
    infrared_airlight: torch.Tensor
    """`(N, 1, 1, 1)`, the mean of the infrared frame."""
    frame_height: torch.Tensor
    """`(N,)` height of the whole frame, with which sizes in pixels grow."""

    @classmethod
    def of(cls, pair: ImagePair) -> Surroundings:
        """Estimate those of a pair by the canonical path, as a batch of one."""
        found = surroundings_of(pair)
        return cls(
            depth=torch.from_numpy(found.depth.depth.copy())[None, None],
            airlight=torch.from_numpy(found.visible_airlight.copy()).reshape(1, 3, 1, 1),
            infrared_airlight=torch.full((1, 1, 1, 1), float(found.infrared_airlight)),
            frame_height=torch.tensor([float(pair.size[0])]),
        )

    def crop(self, top: int, left: int, height: int, width: int) -> Surroundings:
        """Those of a part of the frame; airlight and frame height stay the whole frame's."""
        return replace(self, depth=self.depth[..., top : top + height, left : left + width])

    def to(self, device: torch.device | str) -> Surroundings:
        """A copy on a device."""
        return Surroundings(
            self.depth.to(device),
            self.airlight.to(device),
            self.infrared_airlight.to(device),
            self.frame_height.to(device),
        )


def collate(samples: Sequence[Surroundings]) -> Surroundings:
    """Join those of several samples of one size into a batch."""
    return Surroundings(
        torch.cat([sample.depth for sample in samples]),
        torch.cat([sample.airlight for sample in samples]),
        torch.cat([sample.infrared_airlight for sample in samples]),
        torch.cat([sample.frame_height for sample in samples]),
    )
