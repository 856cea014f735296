"""What a leaderboard shows, before it is rendered as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fusionbench.contracts import CANONICAL
from fusionbench.whole_files import file_name

SHOWN_DIGITS = 6
"""Digits of the images' hash that tell one selection of them from another."""


COST_HEADS = {"parameters": "Weights", "gmacs": "GMAC", "seconds": "s", "megabytes": "MB"}
"""What a method can cost, and the head of its column."""

EVERY_NATIVE = "all"
"""Real condition of a table that is not split by it."""


@dataclass(frozen=True)
class Column:
    """A metric against a reference."""

    metric: str
    reference: str
    label: str
    direction: str
    rewards_noise: bool
    won_by: str = ""
    """The image that is best by construction; such a column does not count in the mean rank."""
    derived: bool = False
    """True for what follows from another column, such as a gain over a single image: never ranked."""
    rare: bool = False
    """True for a mean with a class of few scenes, beside one without: it does not count in the mean rank."""

    @property
    def against(self) -> str:
        """Which pair it is compared with, where there can be two."""
        return self.reference if self.reference in ("clean", "degraded") else ""

    @property
    def head(self) -> str:
        """Column head with the direction that is better: `VIF clean ↑`."""
        words = [self.label, self.against, "↑" if self.direction == "higher" else "↓"]
        return " ".join(word for word in words if word)


@dataclass(frozen=True)
class Value:
    """One cell of a table."""

    mean: float
    deviation: float
    """Standard deviation over images (of each image's mean over severities)."""
    images: frozenset[str]
    """Ids of the images it is a mean over."""
    place: int | None = None
    """1 for the best of its column, 2 for the second, None where it is not ranked."""
    interval: tuple[float, float] | None = None
    """Of 95 % confidence, for figures of a whole set."""
    distinct: bool = False
    """Of a difference: whether it is told apart from zero when all of its column are judged at once."""


@dataclass(frozen=True)
class Row:
    """One method."""

    method: str
    title: str
    reference: bool
    """True for one shown for orientation: never ranked."""
    failed_images: int
    mean_rank: float | None
    values: Mapping[Column, Value]
    detail: str = ""
    """What is shown behind the method's name."""
    source: str = ""
    """`visible` or `infrared` for a row that is that image alone."""
    cost: Mapping[str, float] = field(default_factory=dict)
    """By the names in `COST_HEADS`, as far as known."""
    figures: Mapping[str, Value] = field(default_factory=dict)
    """Further figures of metrics of whole sets, by name: `map/Car`, `map_small`."""

    @property
    def label(self) -> str:
        """Name and detail: `sgafusion [fixed, compact encoder]`."""
        return f"{self.method} [{self.detail}]" if self.detail else self.method


@dataclass(frozen=True, repr=False)
class Table:
    """What one leaderboard shows. A notebook shows it as Markdown."""

    dataset: str
    split: str
    degradation: str
    severities: tuple[float, ...]
    seed: int
    images: int
    synthetic: bool
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    failures: tuple[str, ...]
    """`image (methods, severities): reason`, for everything that has no value."""
    stamps: tuple[Mapping[str, Any], ...]
    by_severity: tuple[Table, ...] = field(default=())
    """The same table for each severity, where there are several."""
    by_native: tuple[Table, ...] = field(default=())
    """The same table for each real condition the images were taken in, where they differ."""
    notes: tuple[str, ...] = ()
    """Sentences a reader of its figures of whole sets has to know."""
    native: str = EVERY_NATIVE
    """The real condition all its images were taken in."""

    @property
    def title(self) -> str:
        """Dataset and condition in a few words."""
        parts = [f"{self.dataset} {self.selection}" if self.selection else self.dataset, self.degradation]
        if self.severities != (0.0,):
            parts.append(f"severity {severity_text(self.severities)}")
            parts += [f"seed {self.seed}"] if self.seed else []
        parts += [f"profile {self.profile}"] if self.profile != CANONICAL else []
        return ", ".join(parts)

    @property
    def profile(self) -> str:
        """Whose conventions its metrics follow."""
        return str(self.stamps[-1]["identity"].get("profile", CANONICAL))

    @property
    def samples(self) -> str:
        """Hash of the images it is about."""
        return str(self.stamps[-1]["identity"]["dataset"]["samples"])

    @property
    def left_out(self) -> str:
        """A sentence about images the degradation was not applied to; empty where there are none."""
        display = self.stamps[-1]["display"]
        found: Mapping[str, int] = display.get("left_out", {})
        counts = " and ".join(f"{count} pairs ({native})" for native, count in found.items())
        if not counts:
            return ""
        if display["native_choice"] != "auto":
            return f"Only images taken in {display['native_choice']}: {counts} left out."
        return f"{counts} left out: {self.degradation} is not applied to them unless asked (`--native all`)."

    @property
    def all_failures(self) -> tuple[str, ...]:
        """Failures at every severity, also those that not every method has."""
        parts = self.by_severity or (self,)
        return tuple(failure for part in parts for failure in part.failures)

    @property
    def selection(self) -> str:
        """Part of the images' hash where options chose them, which neither dataset nor split tells."""
        return self.samples[:SHOWN_DIGITS] if self.stamps[-1]["display"]["chosen"] else ""

    def __repr__(self) -> str:
        return f"Table({self.title}, {self.images} pairs, {len(self.rows)} methods)"

    @property
    def file_name(self) -> str:
        """Name for its files, without suffix: `m3fd-all-13-haze-1-5`."""
        parts = [self.dataset, self.split, str(self.images), self.degradation]
        if self.severities != (0.0,):
            parts.append(severity_text(self.severities).replace(", ", "_"))
        if self.seed:
            parts.append(f"seed{self.seed}")
        if self.profile != CANONICAL:
            parts.append(self.profile)
        if self.selection:
            parts.append(self.selection)
        return file_name("-".join(parts))

    def number(self, column: Column, value: Value) -> str:
        """A mean as text, with as many decimals as the largest value of its column deserves."""
        if value.interval is not None:
            low, high = value.interval
            return f"{value.mean:.3f}{'*' if value.distinct else ''} [{low:.3f}, {high:.3f}]"
        largest = max(abs(row.values[column].mean) for row in self.rows if column in row.values)
        return f"{value.mean:.4f}" if largest < 10 else f"{value.mean:.2f}"


def severity_text(severities: Sequence[float]) -> str:
    """`3`, or `1-5` for a run of levels, or a list."""
    texts = [f"{severity:g}" for severity in severities]
    consecutive = [severities[0] + step for step in range(len(severities))] == list(severities)
    return f"{texts[0]}-{texts[-1]}" if len(texts) > 2 and consecutive else ", ".join(texts)
