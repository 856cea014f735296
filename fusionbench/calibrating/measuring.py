"""How much damage a degradation does: 1 - MS-SSIM between the clean and the degraded image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import cache
from multiprocessing import get_context

import numpy as np

from fusionbench.calibrating.choosing import CalibrationPair
from fusionbench.contracts import Degradation, ImagePair, MeasuredImage, Metric, SourceImages, Uint8Image
from fusionbench.degrading.compose import Step, take_steps
from fusionbench.images import to_grey
from fusionbench.measuring import choose_metrics, ready_metrics

WIDEST = 640
"""Damage is measured on every n-th pixel of wider images, with the smallest n that makes them narrower."""

_METRIC = "ms_ssim"


def damage(pair: ImagePair, degradation: Degradation, parameter: float, seed: int, dataset: str) -> float:
    """Damage of one degradation to one pair.

    Args:
        pair: The clean pair.
        degradation: What damages it, in full size.
        parameter: Value of the card's parameter.
        seed: Seed of the random fields.
        dataset: Name of the dataset, part of the random fields' names.

    Returns:
        1 - MS-SSIM (0 to 1) of the grey infrared image for an infrared degradation, else of the luminance of
        the visible one, at most 640 pixels wide.

    Raises:
        UnknownNameError: If no MS-SSIM is installed.
    """
    return _damage(pair, _measured_grey(pair, degradation), degradation, parameter, seed, dataset)


def grey_of(pair: ImagePair, degradation: Degradation) -> Uint8Image:
    """The image whose damage is measured, `(H, W)`, at most 640 pixels wide."""
    infrared = degradation.card.modality == "infrared"
    grey = pair.infrared if infrared else to_grey(pair.visible)
    stride = -(-grey.shape[1] // WIDEST)
    return np.ascontiguousarray(grey[::stride, ::stride])


def smallest_side() -> int:
    """Smallest side of an image that can be measured, in pixels."""
    return _metric().card.minimum_size


class Share:
    """Pairs by number, kept in memory with their clean statistics from one parameter to the next."""

    def __init__(self, pairs: Mapping[int, CalibrationPair]) -> None:
        self._names = {number: pair.dataset.card.name for number, pair in pairs.items()}
        self._pairs = {number: pair.load() for number, pair in pairs.items()}
        self._greys: dict[tuple[int, bool], MeasuredImage] = {}

    def damages(
        self, degradation: Degradation, parameter: float, seed: int, left_out: frozenset[int]
    ) -> dict[int, float]:
        """Damage to each pair by number, without those left out."""
        return {
            number: _damage(
                pair, self._clean(number, degradation), degradation, parameter, seed, self._names[number]
            )
            for number, pair in self._pairs.items()
            if number not in left_out
        }

    def _clean(self, number: int, degradation: Degradation) -> MeasuredImage:
        key = (number, degradation.card.modality == "infrared")
        if key not in self._greys:
            self._greys[key] = _measured_grey(self._pairs[number], degradation)
        return self._greys[key]


class Workers:
    """Processes with a share of the pairs each; a single one is this process itself."""

    def __init__(self, pairs: Sequence[CalibrationPair], processes: int) -> None:
        count = max(min(processes, len(pairs)), 1)
        shares = [{i: pairs[i] for i in range(first, len(pairs), count)} for first in range(count)]
        self._stack = ExitStack()
        self._here = Share(shares[0]) if count == 1 else None
        self._pools = [
            self._stack.enter_context(
                ProcessPoolExecutor(1, get_context("spawn"), initializer=_take_share, initargs=(share,))
            )
            for share in shares
            if count > 1
        ]

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def damages(
        self, degradation: Degradation, parameter: float, seed: int, left_out: frozenset[int] = frozenset()
    ) -> list[float]:
        """Damage to each pair, in their order, without those left out by number."""
        if self._here is not None:
            found = self._here.damages(degradation, parameter, seed, left_out)
        else:
            tasks = [
                pool.submit(_damages_to_share, degradation, parameter, seed, left_out) for pool in self._pools
            ]
            found = {number: value for task in tasks for number, value in task.result().items()}
        return [found[number] for number in sorted(found)]


_share = Share({})
"""What this worker process keeps."""


def _take_share(pairs: Mapping[int, CalibrationPair]) -> None:
    global _share
    _share = Share(pairs)


def _damages_to_share(
    degradation: Degradation, parameter: float, seed: int, left_out: frozenset[int]
) -> dict[int, float]:
    return _share.damages(degradation, parameter, seed, left_out)


def _measured_grey(pair: ImagePair, degradation: Degradation) -> MeasuredImage:
    grey = grey_of(pair, degradation)
    return MeasuredImage(grey, grey)


def _damage(
    pair: ImagePair,
    clean: MeasuredImage,
    degradation: Degradation,
    parameter: float,
    seed: int,
    dataset: str,
) -> float:
    name = degradation.card.name
    step = Step(name, degradation, parameter, is_quantity=False, random_name=name)
    damaged = _measured_grey(take_steps(pair, [step], seed, dataset).pair, degradation)
    # The metric compares with two sources; here both are the clean image.
    return 1.0 - _metric().measure(damaged, SourceImages(clean, clean))


@cache
def _metric() -> Metric:
    return ready_metrics(choose_metrics([_METRIC], clean_output=False))[_METRIC]
