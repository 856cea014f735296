"""What happens around every metric of a whole set: creating it and what it looks with, records, reasons."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from fusionbench import registry
from fusionbench.contracts import (
    DatasetCard,
    Device,
    ImagePair,
    Labels,
    Record,
    SetMetric,
    Uint8Image,
)
from fusionbench.datasets.near_duplicates import difference_hash
from fusionbench.downstream import ONE_RUN, DownstreamKind, DownstreamRequest
from fusionbench.errors import FusionbenchError, InputError
from fusionbench.images import to_grey
from fusionbench.measuring import (
    Measurement,
    MetricRequest,
    Reference,
    is_set_metric,
    one_line,
)

LABELS: Reference = "labels"

_HASHES = re.compile(r'\{"hashes":\["([0-9a-f]{16})","([0-9a-f]{16})"\]')
"""How a record begins."""

Runs = Mapping[str, SetMetric]
"""One metric by run: with each network trained for a method, or with the only one there is."""


class SetMetrics:
    """The metrics of whole sets among those of a request, each method's with the networks that judge it.

    Args:
        request: What to measure, and what looks at fused images.
        device: Where that runs.

    Raises:
        InputError: If a metric uses a network and none is given.
    """

    def __init__(self, request: MetricRequest, device: Device = "cpu") -> None:
        names = [name for name in request.names if is_set_metric(name, request.profile)]
        self.classes: Mapping[str, type[SetMetric]] = {name: registry.load("metric", name) for name in names}
        self.judges = {name: _judge(metric, name, request) for name, metric in self.classes.items()}
        self._device = device
        self._loaded: dict[tuple[str, Path], Any] = {}

    def __bool__(self) -> bool:
        return bool(self.classes)

    def of(self, method: str) -> dict[str, Runs]:
        """The metrics for a method, by name and run.

        Raises:
            InputError: If no network was trained for it, or one cannot be loaded.
        """
        return {name: self._runs(name, method) for name in self.classes}

    def _runs(self, name: str, method: str) -> Runs:
        metric: Any = self.classes[name]
        judge = self.judges[name]
        if judge is None:
            return {ONE_RUN: metric()}
        return {run: metric(self._network(judge, path)) for run, path in judge.runs(method).items()}

    def _network(self, judge: DownstreamRequest, path: Path) -> Any:
        key = (judge.name, path)
        if key not in self._loaded:
            self._loaded[key] = registry.load(judge.kind, judge.name)(weights=path, device=self._device)
        return self._loaded[key]


def _judge(metric: type[SetMetric], name: str, request: MetricRequest) -> DownstreamRequest | None:
    """What looks at the images for a metric; None if it does so itself."""
    kind: DownstreamKind | Literal[""] = getattr(metric, "uses", "")
    if not kind:
        return None
    for judge in request.downstream:
        if judge.kind == kind:
            return judge
    names = registry.names(kind)
    raise InputError(
        f"metric {name}: needs a {kind} and its weights; give --weights NAME=FILE, NAME one of "
        f"{', '.join(names) or 'none: no ' + kind + ' is installed'}"
    )


def observe_image(
    fused: Uint8Image,
    labels: Labels | str,
    pair: ImagePair,
    dataset: DatasetCard,
    metrics: Mapping[str, Runs],
) -> list[Measurement]:
    """What metrics of the whole set keep of one fused image.

    Args:
        fused: RGB `(H, W, 3)`.
        labels: Of the image, or why they cannot be read.
        pair: The clean pair: its hashes, kept with each record, tell later which images show one scene.
        dataset: Whose labels they are.
        metrics: By name and run.

    Returns:
        A row a metric, with a record of every run or a reason.
    """
    if not metrics:
        return []
    hashes = [difference_hash(to_grey(pair.visible)), difference_hash(pair.infrared)]
    return [_observe(runs, name, fused, labels, dataset, hashes) for name, runs in metrics.items()]


def not_observed(metrics: Iterable[str], reason: str) -> list[Measurement]:
    """The rows `observe_image` gives where there is no fused image."""
    return [Measurement(name, LABELS, None, one_line(reason)) for name in metrics]


def read_hashes(text: str) -> tuple[int, int]:
    """Hashes of the visible and infrared image a record was made of, without reading the record itself."""
    head = _HASHES.match(text)
    return read_record(text)[1] if head is None else (int(head[1], 16), int(head[2], 16))


def read_record(text: str) -> tuple[Mapping[str, Record], tuple[int, int]]:
    """Records by run, as `observe_image` keeps them, and the hashes of the visible and infrared image."""
    content = json.loads(text)
    visible, infrared = content["hashes"]
    return content["records"], (int(visible, 16), int(infrared, 16))


def _observe(
    runs: Runs,
    name: str,
    fused: Uint8Image,
    labels: Labels | str,
    dataset: DatasetCard,
    hashes: Sequence[int],
) -> Measurement:
    if isinstance(labels, str):
        return Measurement(name, LABELS, None, one_line(labels))
    try:
        records = {run: metric.observe(fused, labels, dataset) for run, metric in runs.items()}
    except FusionbenchError as error:
        return Measurement(name, LABELS, None, one_line(str(error)))
    except Exception as error:
        return Measurement(
            name, LABELS, None, one_line(f"metric {name} raised {type(error).__name__}: {error}")
        )
    content: dict[str, Any] = {"hashes": [f"{each:016x}" for each in hashes], "records": records}
    return Measurement(name, LABELS, None, "", json.dumps(content, separators=(",", ":")))
