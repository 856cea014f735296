"""From a fused image and its sources to rows of metric values, with a reason wherever there is no value."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from fusionbench.contracts import MeasuredImage, Metric, SourceImages
from fusionbench.errors import FusionbenchError

Reference = Literal["none", "clean", "degraded"]
"""What a value compares the fused image with: nothing, the clean pair, or the pair the method was given."""


class Measurement(NamedTuple):
    """One value of one metric for one fused image."""

    metric: str
    reference: Reference
    value: float | None
    """None where the metric gave none."""
    reason: str
    """Why there is no value; empty where there is one."""


def measure_image(
    fused: MeasuredImage, sources: Mapping[Reference, SourceImages], metrics: Mapping[str, Metric]
) -> list[Measurement]:
    """Measure one fused image by every metric, against every reference it is compared with.

    Args:
        fused: The fused image.
        sources: The pairs to compare with, by reference name (`clean`, and `degraded` where it differs).
        metrics: Metrics by name.

    Returns:
        A measurement for each metric and reference: metrics that look at the fused image alone have the
        reference `none`.
    """
    return [
        _measure(metric, name, reference, fused, sources)
        for name, metric, reference in _wanted(metrics, sources)
    ]


def failed(metrics: Mapping[str, Metric], sources: tuple[Reference, ...], reason: str) -> list[Measurement]:
    """The same rows as `measure_image` gives, without values: the image could not be fused."""
    return [
        Measurement(name, reference, None, one_line(reason))
        for name, _, reference in _wanted(metrics, dict.fromkeys(sources))
    ]


def one_line(text: str) -> str:
    """A reason as one line, whatever an exception's text held."""
    return " ".join(text.split())


def _wanted(
    metrics: Mapping[str, Metric], sources: Mapping[Reference, SourceImages] | Mapping[Reference, None]
) -> Iterator[tuple[str, Metric, Reference]]:
    for name, metric in metrics.items():
        if metric.card.compares == "fused":
            yield name, metric, "none"
            continue
        for reference in sources:
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
