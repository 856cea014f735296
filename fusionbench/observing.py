"""What happens around every metric of a whole set: creating it and its detector, records, reasons."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from fusionbench import registry
from fusionbench.contracts import (
    DatasetCard,
    Detector,
    Device,
    ImagePair,
    Labels,
    Record,
    SetMetric,
    Uint8Image,
)
from fusionbench.datasets.near_duplicates import difference_hash
from fusionbench.errors import FusionbenchError, InputError
from fusionbench.images import to_grey
from fusionbench.measuring import (
    DetectorRequest,
    Measurement,
    MetricRequest,
    Reference,
    is_set_metric,
    one_line,
)

LABELS: Reference = "labels"

USES_DETECTOR = "detector"
"""What a metric's class says under `uses` if it wants one."""


def ready_set_metrics(request: MetricRequest, device: Device = "cpu") -> dict[str, SetMetric]:
    """Create the metrics of whole sets among those of a request, by name.

    Raises:
        InputError: If the detector one uses is not given, or cannot be created.
    """
    names = [name for name in request.names if is_set_metric(name, request.profile)]
    if not names:
        return {}
    classes = {name: registry.load("metric", name) for name in names}
    using = [name for name, metric in classes.items() if getattr(metric, "uses", "") == USES_DETECTOR]
    given: dict[str, Detector] = {}
    if using:
        detector = _detector(request.detector, using[0], device)
        given = dict.fromkeys(using, detector)
    return {
        name: cast("SetMetric", metric(given[name]) if name in given else metric())
        for name, metric in classes.items()
    }


def _detector(request: DetectorRequest | None, metric: str, device: Device) -> Detector:
    if request is None:
        names = registry.names("detector")
        usage = f"--weights {names[0]}=FILE" if names else "--weights DETECTOR=FILE"
        raise InputError(
            f"metric {metric}: needs a detector and its weights; give {usage} "
            f"(detectors: {', '.join(names) or 'none is installed'})"
        )
    return registry.detector(request.name, request.weights, device)


def observe_image(
    fused: Uint8Image,
    labels: Labels | str,
    pair: ImagePair,
    dataset: DatasetCard,
    metrics: Mapping[str, SetMetric],
) -> list[Measurement]:
    """What metrics of the whole set keep of one fused image.

    Args:
        fused: RGB `(H, W, 3)`.
        labels: Of the image, or why they cannot be read.
        pair: The clean pair: its hashes, kept with each record, tell later which images show one scene.
        dataset: Whose labels they are.
        metrics: By name.

    Returns:
        A row a metric, with a record or a reason.
    """
    if not metrics:
        return []
    hashes = [difference_hash(to_grey(pair.visible)), difference_hash(pair.infrared)]
    return [_observe(metric, name, fused, labels, dataset, hashes) for name, metric in metrics.items()]


def not_observed(metrics: Mapping[str, SetMetric], reason: str) -> list[Measurement]:
    """The rows `observe_image` gives where there is no fused image."""
    return [Measurement(name, LABELS, None, one_line(reason)) for name in metrics]


def read_record(text: str) -> tuple[Record, tuple[int, int]]:
    """A record as `observe_image` keeps it, and the hashes of the visible and infrared image."""
    content = json.loads(text)
    visible, infrared = content["hashes"]
    return content["record"], (int(visible, 16), int(infrared, 16))


def _observe(
    metric: SetMetric,
    name: str,
    fused: Uint8Image,
    labels: Labels | str,
    dataset: DatasetCard,
    hashes: Sequence[int],
) -> Measurement:
    if isinstance(labels, str):
        return Measurement(name, LABELS, None, one_line(labels))
    try:
        record = metric.observe(fused, labels, dataset)
    except FusionbenchError as error:
        return Measurement(name, LABELS, None, one_line(str(error)))
    except Exception as error:
        return Measurement(
            name, LABELS, None, one_line(f"metric {name} raised {type(error).__name__}: {error}")
        )
    content: dict[str, Any] = {"hashes": [f"{each:016x}" for each in hashes], "record": record}
    return Measurement(name, LABELS, None, "", json.dumps(content, separators=(",", ":")))
