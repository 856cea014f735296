"""What the network is made of: one frozen configuration, three variants, the paper's ablations."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

Variant = Literal["released", "paper", "corrected"]
VARIANTS: tuple[Variant, ...] = ("released", "paper", "corrected")

Semantics = Literal["pixels_ask", "embedding_asks", "vector", "none"]
"""How the embedding of the visible image enters the fusion.

`pixels_ask`: every pixel attends to the one embedding token (the released code). Over one token attention is
a constant, so half of its weights can never learn. `embedding_asks`: the embedding attends to all pixels
(figure 1). `vector`: the constant that `pixels_ask` amounts to, as one linear layer. `none`: the ablation
without semantics.
"""

Curve = Literal["sigmoid", "tanh"]
"""Range of the low-light expert's curve parameter: (0, 1) can only darken, (-1, 1) brightens as well."""


_CHOICES: dict[str, tuple[object, ...]] = {
    "variant": VARIANTS,
    "semantics": get_args(Semantics),
    "curve": get_args(Curve),
    "dehaze_kernel": (1, 3),
    "base_kernel": (1, 3),
}


@dataclass(frozen=True)
class SGAFusionConfiguration:
    """Everything that decides a network's tensors and its function. Figures are those of the paper.

    Raises:
        ValueError: If the numbers do not fit together.
    """

    variant: Variant = "corrected"
    """Where the configuration started from; a name for tables."""

    widths: tuple[int, int, int, int] = (16, 32, 64, 128)
    """Channels after the four convolutions of the encoder (figure 1)."""

    experts: int = 2
    """Experts of a common mixture adapter (figure 2); 0 leaves out every mixture (an ablation)."""

    reduction: int = 8
    """A common expert narrows its channels by this factor."""

    dehaze_kernel: Literal[1, 3] = 1
    """Side of the dehaze expert's second and third convolution (figure 3: 3; released: 1)."""

    base_kernel: Literal[1, 3] = 3
    """Side of the base expert's convolution (figure 3: 3; released: 1)."""

    curve: Curve = "tanh"
    """Range of the low-light curve."""

    curve_steps: int = 8
    """How often the low-light curve is applied."""

    airlight_grid: int = 8
    """The airlight is read from features averaged over so many rows and columns of cells (released: 32)."""

    airlight_hidden: int = 64
    """Hidden units between those cells and the airlight (released: 256)."""

    airlight_collapses: bool = False
    """Sigmoid hidden units and plain layers, as released: thousands of weights move the airlight one way
    together, so it falls to 0 within a few steps of training. Otherwise leaky hidden units, layers scaled by
    the root of their inputs (so that one step moves it little), and a last layer that starts at zero."""

    semantics: Semantics = "vector"
    """How the embedding enters."""

    embedding_width: int = 512
    """Length of the embedding."""

    heads: int = 2
    """Heads of the attention, where there is one."""

    segmentation_classes: int = 9
    """Classes of the segmentation head; 0 leaves it out (the ablation without segmentation)."""

    def __post_init__(self) -> None:
        positive = (
            "reduction",
            "curve_steps",
            "airlight_grid",
            "airlight_hidden",
            "embedding_width",
            "heads",
        )
        for name in positive:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be 1 or more")
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is {getattr(self, name)!r}; it must be one of {allowed}")
        if len(self.widths) != 4 or min(self.widths) < 1:
            raise ValueError(f"widths are {self.widths}; the encoder has four, each 1 or more")
        if self.experts < 0 or self.segmentation_classes < 0:
            raise ValueError("experts and segmentation_classes must be 0 or more")
        if self.experts and any(width % self.reduction for width in self.widths[1:]):
            raise ValueError(f"widths {self.widths[1:]} must be multiples of reduction={self.reduction}")
        if self.widths[3] % self.heads:
            raise ValueError(f"the last width {self.widths[3]} must be a multiple of heads={self.heads}")

    def as_json(self) -> dict[str, Any]:
        """The configuration as plain values, for a checkpoint's header."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> SGAFusionConfiguration:
        """Read `as_json` back.

        Raises:
            TypeError: If a name is not one of a configuration's.
            ValueError: If the numbers do not fit together.
        """
        return cls(**{**values, "widths": tuple(values["widths"])})


RELEASED = SGAFusionConfiguration(
    variant="released",
    base_kernel=1,
    curve="sigmoid",
    airlight_grid=32,
    airlight_hidden=256,
    airlight_collapses=True,
    semantics="pixels_ask",
)
"""The authors' code, with those of its bugs that change the function."""

PAPER = SGAFusionConfiguration(
    variant="paper",
    dehaze_kernel=3,
    experts=3,
    airlight_grid=32,
    airlight_hidden=256,
    semantics="embedding_asks",
)
"""The figures; where a figure leaves something open, the README of this package says how we read it."""

CORRECTED = SGAFusionConfiguration()
"""The released network without its bugs, and without weights that cannot learn. (`fixed` is another network,
which learns: the package of that name.)"""

_CONFIGURATIONS = {"released": RELEASED, "paper": PAPER, "corrected": CORRECTED}


def configuration_of(variant: Variant, **changes: Any) -> SGAFusionConfiguration:
    """The configuration of a variant, with some of its fields changed.

    Args:
        variant: `released`, `paper` or `corrected`.
        **changes: Fields of `SGAFusionConfiguration`, such as `experts=0` or `segmentation_classes=0`.

    Raises:
        ValueError: If there is no such variant, or the numbers do not fit together.
    """
    if variant not in _CONFIGURATIONS:
        raise ValueError(f"no variant {variant!r} of SGAFusion; there are {', '.join(VARIANTS)}")
    return replace(_CONFIGURATIONS[variant], **changes)
