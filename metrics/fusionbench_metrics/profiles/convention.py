"""A metric as another code base computes it: a card and a formula."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from fusionbench.contracts import MeasuredImage, Metric, MetricCard, SourceImages

Formula = Callable[[MeasuredImage, SourceImages], float]


@dataclass(frozen=True, eq=False)
class Convention:
    """A metric of a profile."""

    card: MetricCard
    formula: Formula

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image by the code base's formula."""
        return self.formula(fused, sources)


def convention(canonical: Metric, formula: Formula, **changes: Any) -> Convention:
    """Another code base's version of a canonical metric.

    Args:
        canonical: The metric whose card this one starts from.
        formula: What the code base computes.
        **changes: The fields of the card in which it differs; `difference` says how and why.
    """
    return Convention(replace(canonical.card, core=False, elsewhere="", **changes), formula)
