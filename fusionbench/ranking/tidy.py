"""Tables as tidy records for CSV and for machines: one record a method, severity, metric and reference."""

from __future__ import annotations

import csv
import io
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
    "images",
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
        for column, value in row.values.items():
            yield {
                "dataset": table.dataset,
                "split": table.split,
                "degradation": table.degradation,
                "native": table.native,
                "severity": severity_text(table.severities),
                "seed": table.seed,
                "profile": table.profile,
                "method": row.method,
                "detail": row.detail,
                "metric": column.metric,
                "reference": column.reference,
                "direction": column.direction,
                "mean": value.mean,
                "deviation": value.deviation,
                "images": len(value.images),
                "failed_images": row.failed_images,
                "place": value.place,
                **row.cost,
            }
