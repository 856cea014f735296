"""What happens around every metric: choosing, creating, references, sizes, reasons without a value."""

from __future__ import annotations

import inspect
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, cast

from fusionbench import registry
from fusionbench.contracts import CANONICAL, MeasuredImage, Metric, MetricCard, Profile, SourceImages
from fusionbench.downstream import DownstreamRequest, requests_in
from fusionbench.errors import FusionbenchError, InputError, UnknownNameError

Reference = Literal["none", "clean", "degraded", "clean_output", "labels"]
"""What a value compares the fused image with: nothing, the clean pair, the pair the method was given, what
the same method made of the clean pair, or the annotations."""

EVERY = "all"
"""Stands for every metric that needs nothing beyond the installation."""

CORE = "core"
"""Stands for the metrics that are measured when nobody names any."""


@dataclass(frozen=True)
class MetricRequest:
    """Which metrics to measure, by whose conventions. Small and picklable."""

    names: tuple[str, ...]
    profile: str = CANONICAL
    weights: tuple[tuple[str, Path], ...] = ()
    """Files of trained weights by metric, for those that read one."""
    downstream: tuple[DownstreamRequest, ...] = ()
    """What looks at fused images, for the metrics of whole sets."""


class Measurement(NamedTuple):
    """One value of one metric for one fused image."""

    metric: str
    reference: Reference
    value: float | None
    """None where the metric gave none."""
    reason: str
    """Why there is no value; empty where there is one."""
    record: str = ""
    """What a metric of the whole set keeps of the image, as JSON; such a row has no value."""


def choose_metrics(
    names: Sequence[str] | None = None,
    profile: str = CANONICAL,
    weights: Mapping[str, Path] | None = None,
    *,
    clean_output: bool | None = None,
) -> MetricRequest:
    """Turn what a user asks for into names.

    Args:
        names: Registered names; `core` stands for the core set, `all` for every metric that needs no extra
            and no weights. None takes the core set, or the whole of a profile.
        profile: `canonical` for this project's definitions, or a registered profile.
        weights: Files of trained weights; those of names that are no metric asked for are left out.
        clean_output: Whether the user gives the method's output on the clean pair; where not, `core` and
            `all` leave out the metrics that compare with it. None where the harness makes it when needed.

    Raises:
        InputError: If the profile has no such metric, a metric compares with an output that is not given, or
            one is given and no metric compares with it.
        UnknownNameError: If no profile or metric is registered under a name.
    """
    found = tuple(dict.fromkeys(_names(names, profile)))
    needing = [name for name in found if _card(name, profile).compares == "clean_output"]
    if clean_output is False:
        found = _without_clean_output(found, needing, names or ())
    if clean_output and not needing:
        raise InputError(
            "fused_clean (--fused-clean): no metric asked for compares with it; add stability_ssim or another"
        )
    given = tuple((name, path) for name, path in (weights or {}).items() if name in found)
    of_set = any(is_set_metric(name, profile) for name in found)
    return MetricRequest(found, profile, given, requests_in(weights or {}) if of_set else ())


def _without_clean_output(
    found: Sequence[str], needing: Sequence[str], named: Sequence[str]
) -> tuple[str, ...]:
    for name in needing:
        if name in named:
            raise InputError(
                f"metric {name}: needs what the method made of the clean pair; give it as fused_clean "
                "(on the command line --fused-clean)"
            )
    return tuple(name for name in found if name not in needing)


def is_set_metric(name: str, profile: str = CANONICAL) -> bool:
    """Whether a metric is one of the whole set, which has no value for an image (see `observing`)."""
    return _card(name, profile).compares == "labels"


def _card(name: str, profile: str) -> MetricCard:
    metric = registry.load("metric", name) if profile == CANONICAL else _profile(profile).metrics[name]
    card: MetricCard = metric.card
    return card


def metric_names(profile: str) -> list[str]:
    """Every metric a profile has, or every registered one for `canonical`.

    Raises:
        UnknownNameError: If there is no such profile.
    """
    return registry.names("metric") if profile == CANONICAL else list(_profile(profile).metrics)


def _names(names: Sequence[str] | None, profile: str) -> Iterator[str]:
    if profile != CANONICAL:
        yield from _names_of_profile(names, profile)
        return
    for name in [CORE] if names is None else names:
        if name in (CORE, EVERY):
            cards = {known: plugin.card for known, plugin in registry.load_all("metric").items()}
            yield from (k for k, card in cards.items() if (card.core if name == CORE else not card.needs))
        else:
            registry.load("metric", name)
            yield name


def _names_of_profile(names: Sequence[str] | None, profile: str) -> Iterator[str]:
    there = _profile(profile).metrics
    for name in [EVERY] if names is None else names:
        if name in (CORE, EVERY):
            yield from there
        elif name in there:
            yield name
        elif name in registry.names("metric"):
            raise InputError(f"profile {profile} has no metric {name}; it has {', '.join(there)}")
        else:
            raise UnknownNameError("metric", name, there)


def ready_metrics(request: MetricRequest) -> dict[str, Metric]:
    """Create the metrics of a request, by name, but for those of whole sets.

    Raises:
        InputError: If a weights file is missing or the metric takes none, or an extra is not installed.
        UnknownNameError: If one is not registered.
    """
    if request.profile != CANONICAL:
        for name, _ in request.weights:
            raise InputError(f"metric {name} of profile {request.profile} takes no weights; leave them out")
        there = _profile(request.profile).metrics
        return {name: there[name] for name in request.names}
    weights = dict(request.weights)
    names = [name for name in request.names if not is_set_metric(name)]
    return {name: _create(name, weights.get(name)) for name in names}


def profile_class(name: str) -> type[Profile]:
    """Find the profile registered under a name.

    Raises:
        UnknownNameError: If there is none.
    """
    if name not in registry.names("profile"):
        raise UnknownNameError("profile", name, [CANONICAL, *registry.names("profile")])
    return cast("type[Profile]", registry.load("profile", name))


def _profile(name: str) -> Profile:
    return profile_class(name)()


def _create(name: str, weights: Path | None) -> Metric:
    metric = registry.load("metric", name)
    if weights is None:
        return cast("Metric", metric())
    if "weights" not in inspect.signature(metric).parameters:
        raise InputError(f"metric {name} takes no weights; leave --weights out")
    if not weights.is_file():
        raise InputError(f"{weights}: no such weights file for metric {name}")
    return cast("Metric", metric(weights=weights))


def measure_image(
    fused: MeasuredImage, sources: Mapping[Reference, SourceImages], metrics: Mapping[str, Metric]
) -> list[Measurement]:
    """Measure one fused image by every metric, against every reference it is compared with.

    Args:
        fused: The fused image.
        sources: What to compare with, by reference name: `clean`; `degraded` where it differs;
            `clean_output` (the clean pair with the method's output on it) where that is known.
        metrics: Metrics by name.

    Returns:
        A measurement for each metric and each of the references it compares with: metrics that look at the
        fused image alone have the reference `none`, and one whose reference is not there has no measurement.
    """
    return [
        _measure(metric, name, reference, fused, sources)
        for name, metric, reference in _wanted(metrics, sources)
    ]


def failed(metrics: Mapping[str, Metric], references: Sequence[Reference], reason: str) -> list[Measurement]:
    """The rows `measure_image` gives for these references, without values: the image could not be fused."""
    return [
        Measurement(name, reference, None, one_line(reason))
        for name, _, reference in _wanted(metrics, references)
    ]


def one_line(text: str) -> str:
    """A reason as one line, whatever an exception's text held."""
    return " ".join(text.split())


def needs_clean_output(metrics: Mapping[str, Metric]) -> dict[str, Metric]:
    """Those of some metrics that compare with the method's own output on the clean pair."""
    return {name: metric for name, metric in metrics.items() if metric.card.compares == "clean_output"}


_REFERENCES: Mapping[str, tuple[Reference, ...]] = {
    "fused": ("none",),
    "sources": ("clean", "degraded"),
    "clean": ("clean",),
    "clean_output": ("clean_output",),
    "labels": ("labels",),
}
"""References of a row by what the metric compares with."""


def _wanted(
    metrics: Mapping[str, Metric], references: Collection[Reference]
) -> Iterator[tuple[str, Metric, Reference]]:
    for name, metric in metrics.items():
        for reference in _REFERENCES[metric.card.compares]:
            if reference == "none" or reference in references:
                yield name, metric, reference


def _measure(
    metric: Metric,
    name: str,
    reference: Reference,
    fused: MeasuredImage,
    sources: Mapping[Reference, SourceImages],
) -> Measurement:
    smallest = min(fused.grey.shape)
    if smallest < metric.card.minimum_size:
        need = f"image is {fused.grey.shape[1]}x{fused.grey.shape[0]}; {metric.card.label} needs at least "
        return Measurement(name, reference, None, f"{need}{metric.card.minimum_size} pixels a side")
    compared = sources["clean"] if reference == "none" else sources[reference]
    try:
        value = float(metric.measure(fused, compared))
    except FusionbenchError as error:
        return Measurement(name, reference, None, one_line(str(error)))
    except Exception as error:
        reason = one_line(f"metric {name} raised {type(error).__name__}: {error}")
        return Measurement(name, reference, None, reason)
    if not math.isfinite(value):
        return Measurement(
            name, reference, None, f"{metric.card.label} is undefined for this image ({value})"
        )
    return Measurement(name, reference, value, "")
