"""What a fusion method is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from fusionbench.contracts.pairs import ImagePair, Uint8Image

if TYPE_CHECKING:
    import torch

Device = Literal["auto", "cpu", "cuda", "mps"]
"""Where a method runs; `auto` takes the fastest there is."""

Post = Literal["clamp", "minmax", "official"]
"""How a method's values become an image: cut off to [0, 1], which is fair; stretched from their minimum to
their maximum, image by image, as most published tables did; or by its authors' own script."""


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights as its authors publish it."""

    name: str
    size: int
    """In bytes."""
    sha256: str
    licence: str
    """The weights' own, or what is known of it."""
    url: str = ""
    """Empty where it is published in a form that has to be converted first; see `note`."""
    part: str = ""
    """Which of a method's networks it holds, where these lie in several files."""
    note: str = ""
    """Where it is from and how it was made, if not downloaded as it is."""


@dataclass(frozen=True)
class MethodCard:
    """What a person should know about a fusion method."""

    name: str
    title: str
    colour: Literal["luma", "rgb"] = "luma"
    """`luma`: gets and returns luminance, the harness re-attaches the visible chroma; `rgb`: gets RGB."""
    year: int | None = None
    paper: str = ""
    venue: str = ""
    """Journal or conference, short: `Information Fusion`, `CVPR`."""
    code: str = ""
    licence: str = ""
    """Of this implementation, and of the authors' code and weights where those are others."""
    training_data: str = ""
    """What the authors trained on."""
    parameters: int | None = None
    """Weights that fusing uses."""
    degradation_aware: bool = False
    """Whether it was made for damaged images."""
    official_output: str = ""
    """What the authors' script does between the network's output and the file."""
    official_weights: tuple[WeightsFile, ...] = ()
    family: str = ""
    """Name of the method it is a variant of; their weights lie in one folder."""
    summary: str = ""
    multiple_of: int = 1
    """Height and width must be multiples of this; the harness pads by reflection and crops back."""
    detail: str = ""
    """What tables show behind the name, such as which of several networks the weights hold."""
    needs: str = ""
    """What a person must give or do before it can run; such a method is not among those run by default,
    unless weights are given for it."""
    by_default: bool = True
    """False for one that needs nothing and yet is not run when nobody names methods, since it takes long."""
    extra: str = ""
    """The extra of fusionbench it needs, if any."""
    modules: tuple[str, ...] = ()
    """What that extra installs, by the names it is imported under."""
    weights: str = ""
    """Of trained weights that come with it: whose they are, what they cost, what they reach, and when."""
    trained_on: frozenset[str] = frozenset()
    """Pairs its weights were trained on, as `dataset/id`; tables say how many of theirs are among them."""
    reference: bool = False
    """True for rows that are shown for orientation and never ranked: a single image, an untrained network."""
    source: Literal["", "visible", "infrared"] = ""
    """Of a row that is no fusion at all: which of the two images it is."""


@runtime_checkable
class OfficialScript(Protocol):
    """A method that can also do what its authors' script does, for tables to be compared with theirs."""

    def official(self, visible: Uint8Image, infrared: Uint8Image) -> Uint8Image:
        """What the authors' script writes for a pair, with its own conversions and rounding.

        Args:
            visible: RGB `(H, W, 3)`.
            infrared: `(H, W)`.

        Returns:
            RGB `(H, W, 3)`, or `(H, W)` where the script writes grey images.
        """
        ...


@runtime_checkable
class ImageFusion(Protocol):
    """A method that takes and gives images rather than tensors, such as a program of its own."""

    def fuse_images(self, pairs: Sequence[ImagePair]) -> list[Uint8Image]:
        """Fuse pairs of one size.

        Returns:
            RGB `(H, W, 3)`, or luminance `(H, W)`, one a pair.
        """
        ...


@runtime_checkable
class FusionMethod(Protocol):
    """A fusion method. An optional attribute `card: MethodCard` describes it, luma is assumed without one.

    A method with parameters may have `to(device)` (as `torch.nn.Module` has); a method with trained weights
    takes `weights: Path` in its constructor, and may have a class method `card_for(weights: Path | None)`
    that says what those weights, or its own, make of its card.
    """

    def fuse(self, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
        """Fuse a batch.

        Args:
            visible: `(N, 1, H, W)` luminance for a `luma` card, `(N, 3, H, W)` RGB for an `rgb` card;
                float32 in [0, 1].
            infrared: `(N, 1, H, W)`, float32 in [0, 1].

        Returns:
            `(N, 1, H, W)` or `(N, 3, H, W)`, meant to be in [0, 1]: values outside are clamped and counted.
        """
        ...
