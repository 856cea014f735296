"""Mean intersection over union: how well a segmenter names the classes of a fused image's pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import DatasetCard, Labels, MetricCard, Record, Segmenter, Uint8Image
from fusionbench.errors import FusionbenchError, InputError
from fusionbench_metrics.confusion import BACKGROUND, IntersectionOverUnion, confusion_matrix

IDS = 256
"""Of an 8-bit mask."""


class MeanIoU:
    """Segment the fused image and compare with the mask of the dataset.

    Classes are matched by name, never by place, and no synonym counts: what one data set calls a bike may be
    painted with its rider, what another calls a bicycle without. A class of the dataset that the segmenter
    does not know has no figure, and the mean is called by what it covers, `mIoU(8/9)`; its pixels still count
    against the class they were taken for. A pixel that was taken for a class the dataset has not is missed.

    Args:
        segmenter: What names the classes of pixels.
    """

    card: ClassVar[MetricCard] = MetricCard(
        name="miou",
        title="Mean intersection over union of segmentations",
        label="mIoU",
        direction="higher",
        compares="labels",
        value_range=(0.0, 1.0),
        minimum_size=1,
        summary=(
            "mean over classes of the pixels named rightly among those of the class or named so, from one "
            "confusion matrix of all pixels of the set; classes without a pixel in the set are left out"
        ),
        reference="M. Everingham et al., The PASCAL visual object classes challenge, IJCV 2010, section 4.3",
        version="1",
        flat="as for any image: what the segmenter makes of it",
        needs="a segmenter and its weights: --weights deeplab=FILE or unet=FILE",
    )
    columns: ClassVar[Mapping[str, str]] = {"miou": "mIoU", "miou_objects": "mIoU objects"}
    uses: ClassVar[str] = "segmenter"

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter

    def display(self, dataset: DatasetCard) -> Mapping[str, Any]:
        """Labels of the columns, the classes each should cover, and what a reader has to know.

        Raises:
            InputError: If the dataset has no masks, or the segmenter knows none of its classes.
        """
        every, known = dataset.mask_classes, self._known(dataset)
        missing = [name for name in every if name not in known]
        notes = [
            "mIoU is of one confusion matrix of all pixels of the set; `objects` is without the background. "
            "A class without a pixel in the set is n/a and left out."
            if BACKGROUND in every
            else "mIoU is of one confusion matrix of all labelled pixels of the set. A class without a pixel "
            "in the set is n/a and left out."
        ]
        if missing:
            notes.append(
                f"The segmenter does not know {', '.join(missing)}: left out of the mean, but their pixels "
                "count against the class they were taken for."
            )
        objects = [name for name in every if name != BACKGROUND]
        # Without a background the two are one.
        parts = {"miou": every, **({"miou_objects": objects} if len(objects) < len(every) else {})}
        return {
            "columns": {name: self.columns[name] for name in parts},
            "class_figures": "iou/",
            "every": {name: list(part) for name, part in parts.items()},
            "classes": list(known),
            "missing": missing,
            "notes": notes,
        }

    def observe(self, fused: Uint8Image, labels: Labels, dataset: DatasetCard) -> Record:
        """The confusion matrix of the image, without its zeros.

        Args:
            fused: RGB `(H, W, 3)`.
            labels: With a mask; ids beyond the dataset's classes (255) are pixels that do not count.
            dataset: For the names of classes.

        Returns:
            `classes` of the dataset, those `known` to the segmenter, and `pixels`: lists of place of the true
            class, place of the class it was taken for (one beyond the last for any other), and how many.

        Raises:
            InputError: If the image has no mask, or one of another size.
            FusionbenchError: If the segmenter gives no class for every pixel.
        """
        if labels.mask is None:
            raise InputError("has no mask to compare with; add its annotation, or leave the image out")
        size = fused.shape[:2]
        if labels.mask.shape != size:
            mask = _size(labels.mask.shape)
            raise InputError(f"is {_size(size)} but its mask is {mask}; get the mask again")
        known, count = self._known(dataset), len(dataset.mask_classes)
        (found,) = self._segmenter.segment([fused])
        if found.shape != size or found.dtype != np.uint8:
            raise FusionbenchError(
                f"segmenter {self._segmenter.card.name}: gave {found.dtype} {found.shape}, "
                f"expected uint8 {size}"
            )
        matrix = confusion_matrix(labels.mask, self._places(dataset)[found], count)
        there = np.argwhere(matrix)
        pixels = [[int(truth), int(taken), int(matrix[truth, taken])] for truth, taken in there]
        return {"classes": list(dataset.mask_classes), "known": known, "pixels": pixels}

    @classmethod
    def summarise(cls, records: Sequence[Record]) -> IntersectionOverUnion:
        """Make the records of a set ready for their figures."""
        classes = tuple(dict.fromkeys(name for record in records for name in record["classes"]))
        known = tuple(dict.fromkeys(name for record in records for name in record["known"]))
        matrices = np.zeros((len(records), len(classes), len(classes) + 1), dtype=np.int64)
        for matrix, record in zip(matrices, records, strict=True):
            places = [*(classes.index(name) for name in record["classes"]), len(classes)]
            for truth, taken, count in record["pixels"]:
                matrix[places[truth], places[taken]] += count
        return IntersectionOverUnion(matrices, classes, known)

    def _known(self, dataset: DatasetCard) -> list[str]:
        """Classes of the dataset that the segmenter knows, in the dataset's order."""
        if not dataset.mask_classes:
            raise InputError(f"metric miou: dataset {dataset.name} has no masks; leave the metric out")
        spelled = {name.casefold() for name in self._segmenter.classes}
        known = [name for name in dataset.mask_classes if name.casefold() in spelled]
        if not known:
            raise InputError(
                f"metric miou: the segmenter {self._segmenter.card.name} knows none of the classes of "
                f"{dataset.name} ({', '.join(dataset.mask_classes)}); give it other weights"
            )
        return known

    def _places(self, dataset: DatasetCard) -> NDArray[np.int64]:
        """`(256,)`: the dataset's class for each id of the segmenter, one beyond the last for others."""
        classes = [name.casefold() for name in dataset.mask_classes]
        places = np.full(IDS, len(classes), dtype=np.int64)
        for place, name in enumerate(self._segmenter.classes[:IDS]):
            if name.casefold() in classes:
                places[place] = classes.index(name.casefold())
        return places


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"
