"""The narrow contracts between the harness and its plugins.

Data flows one way: a `Dataset` yields an `ImagePair`, `Degradation`s damage it, a `FusionMethod` fuses it,
`Metric`s score the result. The harness knows plugins only through this file. A plugin imports this file, its
own folder and, where it needs them, the public names of `fusionbench.images`, `fusionbench.errors` and (for a
degradation) `fusionbench.degrading`. Nothing here reads a file or imports a heavy package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Uint8Image = NDArray[np.uint8]
"""8-bit image: `(H, W)` grey or `(H, W, 3)` RGB, 0..255."""

FloatImage = NDArray[np.float32]
"""Floating-point image, `(H, W)` or `(H, W, 3)`; the range is stated where it is used."""

Device = Literal["auto", "cpu", "cuda", "mps"]
"""Where a method runs; `auto` takes the fastest there is."""

DRIVING_HORIZON = 0.45
"""Height of the vanishing line in the usual driving view, in image heights from the top."""

T = TypeVar("T")


# ---------------------------------------------------------------------------------------------- pairs


@dataclass(frozen=True)
class Box:
    """One annotated object, in pixels from the left and top edge of the image."""

    label: str
    """Class name as the dataset's card lists it."""
    x_min: float
    y_min: float
    x_max: float
    y_max: float


@dataclass(frozen=True)
class Labels:
    """The annotations of one pair; a part is None where the dataset has none (which is not `no object`)."""

    boxes: tuple[Box, ...] | None = None
    mask: Uint8Image | None = None
    """Class ids `(H, W)`, in the order of the card's `mask_classes`."""


@dataclass(frozen=True)
class Sample:
    """One entry of a dataset split, known by name before any pixel is read."""

    id: str
    """Unique in its split; the stem both files share."""
    visible: Path | None = None
    """None where the file is missing or the image is generated."""
    infrared: Path | None = None
    problem: str | None = None
    """Why this sample cannot be read (an orphan, two files of one stem), with the remedy; None if it can."""


@dataclass(frozen=True, eq=False)
class ImagePair:
    """A registered visible and infrared image of one scene, as 8-bit arrays of the same height and width.

    Raises:
        ValueError: If a shape or dtype is not the declared one, or the two sizes differ.
    """

    id: str
    visible: Uint8Image
    """`(H, W, 3)` sRGB."""
    infrared: Uint8Image
    """`(H, W)`, brighter is hotter."""
    depth: FloatImage | None = None
    """Metric depth `(H, W)` in metres where the dataset knows it; infinity is sky."""
    horizon: float = DRIVING_HORIZON
    """Height of the vanishing line, in image heights from the top (for depth priors)."""

    def __post_init__(self) -> None:
        if self.visible.dtype != np.uint8 or self.visible.ndim != 3 or self.visible.shape[2] != 3:
            raise ValueError(
                f"visible: expected uint8 (H, W, 3), got {self.visible.dtype} {self.visible.shape}"
            )
        if self.infrared.dtype != np.uint8 or self.infrared.ndim != 2:
            raise ValueError(
                f"infrared: expected uint8 (H, W), got {self.infrared.dtype} {self.infrared.shape}"
            )
        if self.visible.shape[:2] != self.infrared.shape:
            raise ValueError(
                f"visible {self.visible.shape[:2]} and infrared {self.infrared.shape} differ in size (H, W)"
            )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.infrared.shape[0], self.infrared.shape[1]


# ------------------------------------------------------------------------------------------- datasets


@dataclass(frozen=True)
class DatasetCard:
    """What a person should know before using a dataset."""

    name: str
    title: str
    splits: tuple[str, ...]
    """Split names, the default first."""
    licence: str
    """Terms in one line."""
    source: str
    """Where it comes from, and how to get it when it cannot be downloaded by a program."""
    paper: str = ""
    box_classes: tuple[str, ...] = ()
    mask_classes: tuple[str, ...] = ()
    needs_root: bool = True
    """False for a dataset that is generated or takes its folders as options."""
    synthetic: bool = False
    """True where images are generated: never evidence for a scientific claim."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Option name to its one-line description, for `--dataset-option NAME=VALUE`."""


@dataclass(frozen=True)
class DatasetRequest:
    """What a user asks a dataset for."""

    root: Path | None = None
    """The dataset's folder, or a folder that holds it; None for generated datasets."""
    split: str | None = None
    """None asks for the card's first split."""
    options: Mapping[str, str] = field(default_factory=dict)


class Dataset(Protocol):
    """A list of pairs with their labels. Instances are small and picklable: workers open their own copy."""

    card: ClassVar[DatasetCard]

    @property
    def split(self) -> str:
        """Which of the card's splits this is."""
        ...

    @classmethod
    def open(cls, request: DatasetRequest) -> Dataset:
        """Find the dataset.

        Raises:
            InputError: If the layout is not there, the split is unknown, or an option is not understood.
        """
        ...

    @property
    def samples(self) -> Sequence[Sample]:
        """Every sample of the split, sorted by id; unusable ones are listed with their `problem`."""
        ...

    def load(self, sample: Sample) -> ImagePair:
        """Read one pair.

        Raises:
            InputError: If a file is missing or unreadable, or the pair does not fit together.
        """
        ...

    def labels(self, sample: Sample) -> Labels:
        """Read the annotations of one pair.

        Raises:
            InputError: If an annotation file is there but cannot be understood.
        """
        ...

    def fingerprint(self, sample: Sample) -> str:
        """Hash of everything that decides the sample's pixels (file contents, generator version and seed)."""
        ...


# --------------------------------------------------------------------------------------- degradations

Stage = Literal["medium", "optics", "exposure", "sensor", "encode"]
"""Where in the physical image formation a degradation acts."""

STAGES: tuple[Stage, ...] = ("medium", "optics", "exposure", "sensor", "encode")
"""The one physical order in which degradations compose, whatever the order of naming."""


class RandomStreams(Protocol):
    """Random fields named by (dataset, image id, degradation, stream, seed); severity never changes them."""

    def normal(self, stream: str, shape: tuple[int, ...]) -> FloatImage:
        """Standard normal values, float32, identical on every CPU."""
        ...

    def uniform(self, stream: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Uniform values in [0, 1), identical on every CPU."""
        ...


@dataclass(frozen=True, eq=False)
class LinearScene:
    """A pair on its way through image formation, before the one quantisation at its end."""

    visible: FloatImage
    """`(H, W, 3)` linear light; 1 is the full scale of the clean image, values may leave [0, 1]."""
    infrared: FloatImage
    """`(H, W)` in automatic-gain units, clean range [0, 1], values may leave it."""
    clean: ImagePair
    """The pair it started from."""
    maps: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """Ground truth gathered on the way: transmission, airlight, depth, noise sigma, exposure."""

    def changed(
        self,
        *,
        visible: FloatImage | None = None,
        infrared: FloatImage | None = None,
        maps: Mapping[str, NDArray[Any]] | None = None,
    ) -> LinearScene:
        """Copy with the given parts replaced; `maps` are added to those already gathered."""
        return replace(
            self,
            visible=self.visible if visible is None else visible,
            infrared=self.infrared if infrared is None else infrared,
            maps={**self.maps, **(maps or {})},
        )


@dataclass(frozen=True)
class DegradationCard:
    """What a person should know about a degradation."""

    name: str
    title: str
    stage: Stage
    modality: Literal["visible", "infrared", "both"]
    summary: str
    """The formula in one line."""
    reference: str
    """Paper and equation it comes from."""
    parameter: str
    """What the severity levels set, with its unit."""
    levels: tuple[float, float, float, float, float]
    """The parameter at severities 1 to 5."""
    version: str


class Degradation(Protocol):
    """A physical damage, applied in linear light."""

    card: DegradationCard

    def apply(self, scene: LinearScene, parameter: float, random: RandomStreams) -> LinearScene:
        """Damage a scene.

        Args:
            scene: The scene as the stages before this one left it.
            parameter: Value of the card's parameter (the harness reads it off `levels`, interpolating).
            random: The random fields of this image and degradation.
        """
        ...


# -------------------------------------------------------------------------------------------- methods


@dataclass(frozen=True)
class MethodCard:
    """What a person should know about a fusion method."""

    name: str
    title: str
    colour: Literal["luma", "rgb"] = "luma"
    """`luma`: gets and returns luminance, the harness re-attaches the visible chroma; `rgb`: gets RGB."""
    year: int | None = None
    paper: str = ""
    code: str = ""
    licence: str = ""
    summary: str = ""
    multiple_of: int = 1
    """Height and width must be multiples of this; the harness pads by reflection and crops back."""
    reference: bool = False
    """True for the rows that are no fusion at all (visible only, infrared only): shown, never ranked."""


@runtime_checkable
class FusionMethod(Protocol):
    """A fusion method. An optional attribute `card: MethodCard` describes it, luma is assumed without one.

    A method with parameters may have `to(device)` (as `torch.nn.Module` has); a method with trained weights
    takes `weights: Path` in its constructor.
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


# -------------------------------------------------------------------------------------------- metrics


@dataclass(frozen=True)
class MetricCard:
    """What a person should know about a metric."""

    name: str
    title: str
    label: str
    """Short name for a column head."""
    direction: Literal["higher", "lower"]
    """Which way is better."""
    compares: Literal["fused", "sources"]
    """`fused`: looks at the fused image alone; `sources`: compares it with the visible and infrared image."""
    value_range: tuple[float, float]
    minimum_size: int
    """Smallest height and width for which the metric is defined."""
    summary: str
    """The definition in one line."""
    reference: str
    version: str
    rewards_noise: bool = False
    """True where adding noise to the fused image raises the value."""


class MeasuredImage:
    """An image under measurement, and whatever metrics computed from it once.

    Args:
        rgb: `(H, W, 3)` or `(H, W)` uint8.
        grey: `(H, W)` uint8, the luminance all grey metrics use.
    """

    def __init__(self, rgb: Uint8Image, grey: Uint8Image) -> None:
        self.rgb = rgb
        self.grey = grey
        self._kept: dict[str, Any] = {}

    def once(self, key: str, compute: Callable[[], T]) -> T:
        """Return what `compute` gave when `key` was first asked for; metrics share by agreeing on keys."""
        if key not in self._kept:
            self._kept[key] = compute()
        kept: T = self._kept[key]
        return kept


@dataclass(frozen=True, eq=False)
class SourceImages:
    """The two images a fused one is compared with. Shared by all methods, so their statistics are too."""

    visible: MeasuredImage
    infrared: MeasuredImage


class Metric(Protocol):
    """A number for a fused image: a pure function of pixels, in float64."""

    card: MetricCard

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image.

        Args:
            fused: The fused image.
            sources: The pair it is compared with, of the same height and width.

        Returns:
            The value, finite, or NaN where the definition has none (the harness records a failed row).
        """
        ...
