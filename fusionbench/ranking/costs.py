"""Costs that `fusionbench cost` measured, beside the methods of a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from fusionbench.errors import InputError
from fusionbench.ranking.table import COST_HEADS, Row, Table


def read_costs(path: Path) -> dict[str, dict[str, float]]:
    """Costs by method, from the JSON of `fusionbench cost`; what is not known of one is left out.

    Raises:
        InputError: If the file is not there or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {
            str(name): {field: float(cost[field]) for field in COST_HEADS if cost.get(field) is not None}
            for name, cost in content.items()
        }
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: holds no costs ({error}); write it with fusionbench cost all --json > {path.name}"
        ) from error


def with_costs(table: Table, costs: Mapping[str, Mapping[str, float]]) -> Table:
    """The table with what its methods cost, in all its parts."""

    def costed(row: Row) -> Row:
        # `sdnet (minmax)` costs what `sdnet` does.
        return replace(row, cost=costs.get(row.method, costs.get(row.method.partition(" (")[0], {})))

    return replace(
        table,
        rows=tuple(costed(row) for row in table.rows),
        by_severity=tuple(with_costs(part, costs) for part in table.by_severity),
        by_native=tuple(with_costs(part, costs) for part in table.by_native),
    )
