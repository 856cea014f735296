"""Tables as tidy records for CSV and for machines: one record a method, severity, metric and reference."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from typing import Any

from fusionbench.ranking.table import COST_HEADS, Table, severity_text

FIELDS = (
    "dataset",
    "split",
    "degradation",
    "native",
    "severity",
    "seed",
    "profile",
    "method",
    "detail",
    "metric",
    "reference",
    "direction",
    "mean",
    "deviation",
    "low",
    "high",
    "images",
    "distinct",
    "failed_images",
    "place",
)


def records(table: Table) -> Iterator[dict[str, Any]]:
    """Records of a table: each severity, all together where there are several, each real condition."""
    for part in table.by_severity or (table,):
        yield from _records(part)
    if table.by_severity and len(table.severities) > 1:
        yield from _records(table)
    for part in table.by_native:
        yield from _records(part)


def render_csv(table: Table) -> str:
    """The table as CSV with full precision; `severity` is a number, or a range for the mean over several."""
    text = io.StringIO()
    costs = tuple(name for name in COST_HEADS if any(name in row.cost for row in table.rows))
    writer = csv.DictWriter(text, FIELDS + costs, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records(table))
    return text.getvalue()


def _records(table: Table) -> Iterator[dict[str, Any]]:
    for row in table.rows:
        about = {
            "dataset": table.dataset,
            "split": table.split,
            "degradation": table.degradation,
            "native": table.native,
            "severity": severity_text(table.severities),
            "seed": table.seed,
            "profile": table.profile,
            "method": row.method,
            "detail": row.detail,
            "failed_images": row.failed_images,
            **row.cost,
        }
        for column, value in row.values.items():
            low, high = value.interval or (None, None)
            yield {
                **about,
                "metric": column.metric,
                "reference": column.reference,
                "direction": column.direction,
                "mean": value.mean,
                "deviation": value.deviation,
                "low": low,
                "high": high,
                "images": len(value.images),
                "distinct": value.distinct if column.derived else None,
                "place": value.place,
            }
        for name, figure in row.figures.items():
            low, high = figure.interval or (None, None)
            yield {
                **about,
                "metric": name,
                "reference": "labels",
                "direction": "higher",
                # NaN is no JSON; an empty field of a CSV says the same.
                "mean": figure.mean if math.isfinite(figure.mean) else None,
                "deviation": figure.deviation,
                "low": low,
                "high": high,
                "images": len(figure.images),
                "distinct": None,
                "place": None,
            }
