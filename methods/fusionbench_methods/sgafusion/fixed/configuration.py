"""What the network `fixed` is made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

FIXED = "fixed"
"""Name of the variant."""


@dataclass(frozen=True)
class FixedConfiguration:
    """Everything that decides the network's tensors and its function.

    Raises:
        ValueError: If the numbers do not fit together.
    """

    variant: Literal["fixed"] = "fixed"

    widths: tuple[int, int, int, int] = (16, 32, 48, 64)
    """Channels after the four convolutions of the encoder, at half the image's size."""

    experts: int = 2
    """Experts of a common mixture adapter (figure 2). 0 is the ablation without experts: no adapter, and
    neither dehaze nor low-light expert, so the visible image enters as it is."""

    reduction: int = 8
    """A common expert narrows its channels by this factor."""

    transmission_width: int = 32
    """Channels of the dehaze expert's network on the thumbnail."""

    semantics: bool = True
    """False is the ablation without semantics: the network is told nothing of the visible image."""

    embedding_width: int = 512
    """Length of the embedding."""

    segmentation_classes: int = 9
    """Classes of the segmentation head; 0 leaves it out."""

    def __post_init__(self) -> None:
        if len(self.widths) != 4 or min(self.widths) < 1:
            raise ValueError(f"widths are {self.widths}; the encoder has four, each 1 or more")
        if self.experts not in (0, 2):
            raise ValueError(f"experts is {self.experts}; `fixed` has 2, or 0 for the ablation")
        if self.experts and any(width % self.reduction for width in self.widths[1:]):
            raise ValueError(f"widths {self.widths[1:]} must be multiples of reduction={self.reduction}")
        for name in ("reduction", "transmission_width", "embedding_width"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be 1 or more")
        if self.segmentation_classes < 0:
            raise ValueError("segmentation_classes must be 0 or more")

    def as_json(self) -> dict[str, Any]:
        """The configuration as plain values, for a checkpoint's header."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> FixedConfiguration:
        """Read `as_json` back.

        Raises:
            TypeError: If a name is not one of a configuration's.
            ValueError: If the numbers do not fit together.
        """
        return cls(**{**values, "widths": tuple(values["widths"])})
