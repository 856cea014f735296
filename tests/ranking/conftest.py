"""A store with given values, and the tables it gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionbench.degrading import parse_condition
from fusionbench.evaluation.plan import Cell, MethodRequest
from fusionbench.evaluation.store import ImageResult, Store
from fusionbench.measuring import Measurement
from fusionbench.ranking.query import StoredCell, comparable_groups, find_cells
from fusionbench.ranking.statistics import make_table
from fusionbench.ranking.table import Table

METRICS = {
    "vif": {"label": "VIF", "direction": "higher", "rewards_noise": False},
    "nabf": {"label": "Nabf", "direction": "lower", "rewards_noise": False},
    "en": {"label": "EN", "direction": "higher", "rewards_noise": True},
}
ENVIRONMENT = {"ivif-fusionbench": "0", "torch": "0", "numpy": "0", "python": "3", "device": "cpu"}


class Bench:
    """Writes cells with given values into a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder)

    def add(self, method: str, vif: list[float | None], *, severity: float = 3.0, **more) -> None:
        reference = more.pop("reference", False)
        code = more.pop("code", "1")
        haze_code = more.pop("haze_code", "h")
        nabf = more.pop("nabf", vif)
        profile = {"profile": more.pop("profile")} if "profile" in more else {}
        won_by = more.pop("won_by", "")
        scored = more.pop("scored", False)
        clean = {"fused_clean": more.pop("fused_clean")} if "fused_clean" in more else {}
        seed = more.pop("seed", 0)
        metrics = more.pop("metrics", {name: self.version("1") for name in ("vif", "nabf", "en")})
        assert not more
        cell = Cell(
            dataset="m3fd",
            split="all",
            condition=parse_condition(f"haze@{severity:g}"),
            degradation="haze",
            severity=severity,
            seed=seed,
            method=MethodRequest(method),
            samples=(),
            identity={
                "pipeline": 1,
                "dataset": {"name": "m3fd", "split": "all", "samples": "s"},
                "condition": {"name": f"haze@{severity:g}", "code": {"haze": haze_code}, "seed": seed},
                "method": {"name": method, "code": code},
                "metrics": metrics,
                **profile,
                **clean,
            },
            display={
                "metrics": {
                    name: {**METRICS[name], "won_by": won_by and name == "nabf" and won_by}
                    for name in metrics
                },
                "method": {"title": method, "reference": reference, "scored": scored},
                "synthetic": False,
                "limit": None,
                "dataset_options": {},
                "chosen": False,
            },
        )
        results = [
            ImageResult(
                f"i{index}",
                tuple(
                    measurement
                    for measurement in (
                        _measurement("vif", "clean", value),
                        _measurement("nabf", "clean", nabf[index]),
                        _measurement("en", "none", 1.0),
                    )
                    if measurement.metric in metrics
                ),
            )
            for index, value in enumerate(vif)
        ]
        self.store.finish(cell, results, ENVIRONMENT)

    @staticmethod
    def version(text: str) -> dict[str, str]:
        """Identity of a metric."""
        return {"version": text, "code": "c"}

    def groups(self) -> list[list[StoredCell]]:
        return comparable_groups(find_cells(self.folder))

    def table(self) -> Table:
        (group,) = self.groups()
        return make_table(group)


def _measurement(metric: str, reference, value: float | None) -> Measurement:
    return Measurement(metric, reference, value, "" if value is not None else "could not be read")


@pytest.fixture
def bench(tmp_path) -> Bench:
    return Bench(tmp_path / "results")
