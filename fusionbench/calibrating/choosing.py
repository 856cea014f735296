"""Which pairs a calibration looks at."""

from __future__ import annotations

from dataclasses import dataclass

from fusionbench.contracts import Dataset, ImagePair, Sample
from fusionbench.errors import InputError


@dataclass(frozen=True)
class CalibrationPair:
    """One sample and its dataset. Small and picklable."""

    dataset: Dataset
    sample: Sample

    @property
    def name(self) -> str:
        """Dataset and id, as `msrs/00004N`."""
        return f"{self.dataset.card.name}/{self.sample.id}"

    def load(self) -> ImagePair:
        """Read the pair."""
        return self.dataset.load(self.sample)


def choose_pairs(dataset: Dataset, count: int) -> list[CalibrationPair]:
    """Choose pairs spread evenly over a dataset's split, in its order; all of them if there are fewer.

    Raises:
        InputError: If the split has no usable sample, or `count` is below 1.
    """
    if count < 1:
        raise InputError(f"--pairs {count}: expected 1 or more")
    usable = [sample for sample in dataset.samples if sample.problem is None]
    if not usable:
        raise InputError(f"{dataset.card.name}: split {dataset.split!r} has no pair that can be read")
    number = min(count, len(usable))
    places = [(2 * index + 1) * len(usable) // (2 * number) for index in range(number)]
    return [CalibrationPair(dataset, usable[place]) for place in places]
