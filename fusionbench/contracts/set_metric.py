"""What a metric of a whole set is, such as mAP: it keeps a record of each image, and sums them up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts.dataset import DatasetCard
from fusionbench.contracts.metric import MetricCard
from fusionbench.contracts.pairs import Labels, Uint8Image

Record = Mapping[str, Any]
"""What is kept of one image: anything JSON can hold."""


class SetSummary(Protocol):
    """Records of a set of images, made ready for its figures."""

    def scores(self, counts: NDArray[np.int64] | None = None) -> Mapping[str, float]:
        """The figures of the set, or of one drawn from it.

        Args:
            counts: How often each image, in the order of the records, is in the set; None for once each.

        Returns:
            Values by name: those the metric's `columns` list, and further ones such as `map50/car`; NaN for
            one that is not defined for the set.
        """
        ...


@runtime_checkable
class SetMetric(Protocol):
    """A number for a set of fused images that is no mean of numbers for each, compared with labels.

    Its card says `compares="labels"`. The harness creates it with a trained detector or segmenter
    where its class says `uses = "detector"` or `"segmenter"`.
    """

    columns: ClassVar[Mapping[str, str]]
    """Labels of its figures that stand in tables, by name."""

    @property
    def card(self) -> MetricCard:
        """The card."""
        ...

    def display(self, dataset: DatasetCard) -> Mapping[str, Any]:
        """What tables say of it for a dataset, such as `{"columns": {"map": "mAP(5/6)"}, "notes": [...]}`.

        Raises:
            InputError: If the dataset has no labels it could compare with.
        """
        ...

    def observe(self, fused: Uint8Image, labels: Labels, dataset: DatasetCard) -> Record:
        """What to keep of one image.

        Args:
            fused: RGB `(H, W, 3)`.
            labels: Its annotations.
            dataset: Card of their dataset, for the names of classes.

        Raises:
            InputError: If the image has no labels, or they do not belong to it.
        """
        ...

    @classmethod
    def summarise(cls, records: Sequence[Record]) -> SetSummary:
        """Make records ready for their figures."""
        ...
