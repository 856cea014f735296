"""Measuring many images at once on an accelerator, with the rows that `measure_image` gives one by one.

The values of metrics that can (`BatchMetric`) are computed on the device first, in batches of images of one
size; then `measure_image` goes through each image as always and finds them there. So references, order and
reasons are the same by construction, and what the device could not do (too little memory, no float64) numpy
does, as if there were no device.

On a GPU values may differ from numpy's in the last digits, by 1e-9 at most: its logarithms and exponentials
round differently. The stamp of a result names the device.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from fusionbench.contracts import (
    BatchMetric,
    Compares,
    MeasuredBatch,
    MeasuredImage,
    Metric,
    SourceBatch,
    SourceImages,
)
from fusionbench.measuring import Measurement, Reference, measure_image

if TYPE_CHECKING:
    import torch

PIXELS_AT_ONCE = 1 << 22
"""Most pixels in a batch, unless a single image has more: 13 images of 640x480. With the core metrics, the
device needs some 200 bytes a pixel against one pair, 310 against the clean and the degraded one."""

PIXELS_KEPT = 1 << 23
"""Most pixels of pairs that stay on the device with their statistics, some 110 bytes a pixel with the core
metrics: methods need its memory too."""

logger = logging.getLogger(__name__)

_PAIRS: tuple[Reference, ...] = ("clean", "degraded")
"""Sources that are measured against in batches."""

_MEASURED_AGAINST: Mapping[Compares, tuple[Reference, ...]] = {
    "fused": ("clean",),
    "sources": _PAIRS,
    "clean": ("clean",),
    "clean_output": (),
    "labels": (),
}
"""Which of them `measure_image` hands to a metric, by what that compares with."""

_Values = dict[tuple[MeasuredImage, SourceImages], float]
"""Values of one metric, by the images that were compared."""


class KeptSources:
    """Pairs on the device with what metrics computed from them, for every method that fuses these pairs.

    To be dropped together with the pairs.
    """

    def __init__(self) -> None:
        self._batches: dict[tuple[SourceImages, ...], SourceBatch] = {}
        self._pixels = 0

    def on_device(self, pairs: Sequence[SourceImages], device: str) -> SourceBatch:
        """Pairs of one size as a batch, the same one for the same pairs while there is room for it."""
        key = tuple(pairs)
        if key in self._batches:
            return self._batches[key]
        batch = SourceBatch(
            _on_device([pair.visible for pair in pairs], device),
            _on_device([pair.infrared for pair in pairs], device),
        )
        pixels = batch.visible.grey.numel()
        if self._pixels + pixels <= PIXELS_KEPT:
            self._batches[key] = batch
            self._pixels += pixels
        return batch

    def clear(self) -> None:
        """Give the memory back."""
        self._batches.clear()
        self._pixels = 0


class _Batch(NamedTuple):
    """Fused images of one size that are compared with the same references."""

    fused: list[MeasuredImage]
    pairs: dict[Reference, list[SourceImages]]


class _Known:
    """A metric some of whose values were computed before."""

    def __init__(self, metric: Metric, values: _Values) -> None:
        self.card = metric.card
        self._metric = metric
        self._values = values

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Look the value up, or measure the image."""
        value = self._values.get((fused, sources))
        return self._metric.measure(fused, sources) if value is None else value


def measure_batch(
    fused: Sequence[MeasuredImage],
    sources: Sequence[Mapping[Reference, SourceImages]],
    metrics: Mapping[str, Metric],
    device: str,
    kept: KeptSources | None = None,
) -> list[list[Measurement]]:
    """Measure fused images by every metric, on a device as far as that can.

    Args:
        fused: The fused images, of any sizes.
        sources: What to compare each of them with, as for `measure_image`.
        metrics: Metrics by name.
        device: A torch device, such as `cuda`.
        kept: Pairs that are on the device already, or shall stay there for another call.

    Returns:
        For each image what `measure_image` gives.
    """
    kept = KeptSources() if kept is None else kept
    batched = {name: metric for name, metric in metrics.items() if is_batched(metric)}
    values: dict[str, _Values] = {name: {} for name in batched}
    for batch in _batches(fused, sources):
        _measure_on_device(batch, batched, device, kept, values)
    known = {
        name: _Known(metric, values[name]) if name in values else metric for name, metric in metrics.items()
    }
    return [measure_image(image, compared, known) for image, compared in zip(fused, sources, strict=True)]


def is_batched(metric: Metric) -> bool:
    """Whether a metric measures batches by the definition it measures images by.

    A variant that has its own `measure`, and `measure_batch` from the metric it derives from, does not.
    """
    if not isinstance(metric, BatchMetric):
        return False
    defined = (vars(kind).keys() & {"measure", "measure_batch"} for kind in type(metric).__mro__)
    return "measure_batch" in next(filter(None, defined), ())


def _batches(
    fused: Sequence[MeasuredImage], sources: Sequence[Mapping[Reference, SourceImages]]
) -> Iterator[_Batch]:
    alike: dict[tuple[tuple[int, ...], tuple[Reference, ...]], list[int]] = {}
    for index, (image, compared) in enumerate(zip(fused, sources, strict=True)):
        references = tuple(reference for reference in _PAIRS if reference in compared)
        alike.setdefault((image.grey.shape, references), []).append(index)
    for (shape, references), indices in alike.items():
        images = max(1, PIXELS_AT_ONCE // math.prod(shape))
        for first in range(0, len(indices), images):
            chosen = indices[first : first + images]
            pairs = {reference: [sources[index][reference] for index in chosen] for reference in references}
            yield _Batch([fused[index] for index in chosen], pairs)


def _measure_on_device(
    batch: _Batch,
    metrics: Mapping[str, Metric],
    device: str,
    kept: KeptSources,
    values: Mapping[str, _Values],
) -> None:
    """Add the values of a batch, as far as the device gives them."""
    import torch

    smallest = min(batch.fused[0].grey.shape)
    with _left_to_numpy("a batch", kept):
        fused = _on_device(batch.fused, device)
        found: dict[tuple[str, Reference], torch.Tensor] = {}
        for reference, pairs in batch.pairs.items():
            compared = kept.on_device(pairs, device)
            for name, metric in metrics.items():
                if smallest < metric.card.minimum_size or not _is_compared(metric, reference):
                    continue
                with _left_to_numpy(f"metric {name}", kept):
                    computed = cast("BatchMetric", metric).measure_batch(fused, compared)
                    found[name, reference] = computed.view(len(batch.fused))
        # All values come from the device at once: everything before was only asked for.
        rows = torch.stack(list(found.values())).tolist() if found else []
        for (name, reference), row in zip(found, rows, strict=True):
            values[name].update(zip(zip(batch.fused, batch.pairs[reference], strict=True), row, strict=True))


def _is_compared(metric: Metric, reference: Reference) -> bool:
    return reference in _MEASURED_AGAINST[metric.card.compares]


def _on_device(images: Sequence[MeasuredImage], device: str) -> MeasuredBatch:
    import torch

    return MeasuredBatch(torch.from_numpy(np.stack([image.grey for image in images])).to(device))


@contextmanager
def _left_to_numpy(what: str, kept: KeptSources) -> Iterator[None]:
    """Go on without what the device cannot do; its memory may be what is short."""
    try:
        yield
    except Exception as error:
        kept.clear()
        _warn_once(what, type(error).__name__)
        logger.debug("%s on the device", what, exc_info=error)


@cache
def _warn_once(what: str, error: str) -> None:
    logger.warning("%s is measured by numpy: the device raised %s", what, error)
