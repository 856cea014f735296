"""What a metric is, what it may look at, and a profile: a code base's conventions for several metrics."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeVar, runtime_checkable

from fusionbench.contracts.pairs import Uint8Image

if TYPE_CHECKING:
    import torch

T = TypeVar("T")

CANONICAL = "canonical"
"""Name of this project's own definitions, beside the profiles that reproduce other code bases."""

Compares = Literal["fused", "sources", "clean", "clean_output", "labels"]
"""What a metric looks at beside the fused image: nothing; the visible and infrared image (the clean pair, and
the degraded one where they differ); the clean pair only; the same method's output on the clean pair; or the
dataset's annotations (a `SetMetric`)."""


@dataclass(frozen=True)
class MetricCard:
    """What a person should know about a metric."""

    name: str
    title: str
    label: str
    """Short name for a column head."""
    direction: Literal["higher", "lower"]
    """Which way is better."""
    compares: Compares
    value_range: tuple[float, float]
    """Smallest and largest value an image can have, by the definition."""
    minimum_size: int
    """Smallest height and width for which the metric is defined."""
    summary: str
    """The definition in one line, constants included."""
    reference: str
    version: str
    border: str = ""
    """What windows and differences do at the edge of the image; empty where nothing looks at neighbours."""
    flat: str = ""
    """What a constant fused image, or a constant source, gives."""
    rewards_noise: bool = False
    """True where adding noise to the fused image improves the value of most images."""
    won_by: str = ""
    """The image that has the best value by construction, without fusing well; such a metric is shown, but
    does not count in the mean rank."""
    core: bool = False
    """True for what is measured when nobody names metrics."""
    needs: str = ""
    """What it needs beyond the installation, such as an extra or a file of weights; empty for nothing."""
    difference: str = ""
    """For a profile's metric: how it differs from the canonical one of this name, and why."""
    elsewhere: str = ""
    """Other quantities that go by this name and are in no profile, with their values for the example."""
    example: float | None = None
    """Value for the example of the documentation (docs/metrics.md), to compare conventions by figures."""


class MeasuredImage:
    """An image under measurement, and whatever metrics computed from it once.

    Args:
        rgb: `(H, W, 3)` or `(H, W)` uint8.
        grey: `(H, W)` uint8, the luminance all grey metrics use.
    """

    def __init__(self, rgb: Uint8Image, grey: Uint8Image) -> None:
        self.rgb = rgb
        self.grey = grey
        self._kept: dict[Hashable, Any] = {}

    def once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return what `compute` gave when `key` was first asked for; metrics share by agreeing on keys.

        What depends on a second image too is kept with the later one of visible, infrared, fused, under a key
        that holds the other: `fused.once(("joint_histogram", source), ...)`. Never the other way round: two
        images that hold each other stay in memory.
        """
        if key not in self._kept:
            self._kept[key] = compute()
        kept: T = self._kept[key]
        return kept


@dataclass(frozen=True, eq=False)
class SourceImages:
    """What a fused image is compared with. Shared by all methods, so the statistics of a source are too."""

    visible: MeasuredImage
    infrared: MeasuredImage
    clean_output: MeasuredImage | None = None
    """What the same method made of the clean pair; only for metrics that compare with `clean_output`."""


class Metric(Protocol):
    """A number for a fused image: a pure function of pixels, in float64.

    A metric that reads trained weights takes `weights: Path` in its constructor.
    """

    @property
    def card(self) -> MetricCard:
        """The card: a class attribute of a registered metric, which is read without creating one."""
        ...

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image.

        Args:
            fused: The fused image.
            sources: What it is compared with, of the same height and width.

        Returns:
            The value, finite, or NaN where the definition has none (the harness records a failed row).
        """
        ...


class MeasuredBatch:
    """Images of one size under measurement on an accelerator, and whatever was computed from them once.

    Args:
        grey: `(N, H, W)` uint8 tensor, the luminance of each image.
    """

    def __init__(self, grey: torch.Tensor) -> None:
        self.grey = grey
        self._kept: dict[Hashable, Any] = {}

    def once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """As `MeasuredImage.once`."""
        if key not in self._kept:
            self._kept[key] = compute()
        kept: T = self._kept[key]
        return kept


@dataclass(frozen=True, eq=False)
class SourceBatch:
    """The pairs a batch of fused images is compared with, image by image."""

    visible: MeasuredBatch
    infrared: MeasuredBatch


@runtime_checkable
class BatchMetric(Protocol):
    """A metric that can also measure many images at once where torch has an accelerator with float64."""

    def measure_batch(self, fused: MeasuredBatch, sources: SourceBatch) -> torch.Tensor:
        """Measure a batch.

        Returns:
            `(N,)` float64 on the batch's device: the values of `measure` to 1e-9 relative, independent of
            each other; NaN where the definition has none.
        """
        ...


@dataclass(frozen=True)
class ProfileCard:
    """What a person should know about a profile."""

    name: str
    title: str
    code: str
    """The code base it reproduces, with the version."""
    papers: str
    """Which papers' tables hold its numbers."""
    images: str
    """How the code base turns colour into what it measures."""
    summary: str
    """What is peculiar to it, in a few lines."""
    version: str


class Profile(Protocol):
    """The metrics of one code base as it computes them, so that its published numbers can be reproduced.

    Metrics of a profile have the names of the canonical ones where they mean the same idea.
    """

    card: ClassVar[ProfileCard]

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The metrics by name, in the order the code base lists them."""
        ...
