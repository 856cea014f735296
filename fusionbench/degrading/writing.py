"""Degraded copies of a dataset on disk, with a manifest that can be verified.

A folder holds one set (dataset, split, condition, seed): the images as PNG in the layout of the source, its
annotations (so that the reader of the source opens the copy), on request the ground truth in `maps/ID.npz`,
and what `manifest` describes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from fusionbench import __version__
from fusionbench.contracts import Dataset, Placement, PlacingDataset, Sample
from fusionbench.degrading.compose import DegradedPair, degrade_pair, planned
from fusionbench.degrading.condition import Condition
from fusionbench.degrading.manifest import (
    MANIFEST_NAME,
    SEAL_NAME,
    SETTINGS_NAME,
    Record,
    annotation_hash,
    append_record,
    array_hash,
    broken_seals,
    claim_folder,
    condition_written_around,
    damaged_lines,
    read_manifest,
    read_settings,
    seal,
    tidy_manifest,
    unseal,
    write_annotation,
    write_maps,
)
from fusionbench.degrading.randomness import SPECIFICATION
from fusionbench.degrading.reestimation import expected_noise_levels
from fusionbench.errors import FusionbenchError, InputError
from fusionbench.images import read_infrared, read_visible, write_png


@dataclass(frozen=True)
class Written:
    """What became of one image."""

    id: str
    outcome: Literal["written", "kept", "failed"]
    """`kept`: an earlier run had finished it."""
    reason: str = ""
    """Why it failed, naming file and remedy."""


def degrade_dataset(
    dataset: Dataset,
    condition: Condition,
    seed: int,
    folder: Path,
    *,
    options: Mapping[str, str] | None = None,
    maps: bool = False,
    samples: Sequence[Sample] | None = None,
) -> Iterator[Written]:
    """Write degraded copies of a dataset's images, one after the other, continuing what an earlier run began.

    An image that cannot be used is reported and does not stop the others.

    Args:
        dataset: Where the clean pairs come from.
        condition: Degradations, each with its severity.
        seed: Seed of the random fields.
        folder: Where to write; empty, missing, or holding the same set.
        options: The dataset's options, which are part of what makes the set.
        maps: Whether to write the ground-truth maps too.
        samples: Which of the dataset's samples; None takes all.

    Yields:
        What became of each sample, in the order of the dataset.

    Raises:
        InputError: If the folder holds something else or cannot be written, or a severity is missing.
        UnknownNameError: If nothing registers a degradation.
    """
    _refuse_degraded(dataset, condition)
    _refuse_source_folder(dataset, folder)
    settings = {**_settings(dataset, condition, seed), "maps": maps, "options": dict(options or {})}
    claim_folder(folder, settings)
    finished = read_manifest(folder)
    unseal(folder)
    try:
        for sample in dataset.samples if samples is None else samples:
            yield _write_sample(dataset, sample, condition, settings, folder, finished.get(sample.id))
    finally:
        # A full disk must not hide why the loop ended; the lines appended so far are valid as they are.
        with suppress(InputError):
            tidy_manifest(folder)
    # Not reached by a run that was interrupted, which is not finished.
    seal(folder)


def verify_set(folder: Path) -> Iterator[str]:
    """Hash every image and map of a set again.

    Args:
        folder: What `degrade_dataset` wrote.

    Yields:
        One line for each file that is missing, unreadable, not the one recorded, or not recorded at all.

    Raises:
        InputError: If the folder holds no set.
    """
    read_settings(folder)
    yield from broken_seals(folder)
    for number in damaged_lines(folder):
        yield f"{folder / MANIFEST_NAME}: line {number} is no record; run the same degrade command again"
    records = read_manifest(folder)
    for image_id in sorted(records):
        yield from _mismatches(folder, records[image_id])
    recorded = {folder / name for record in records.values() for name in _files(record)}
    recorded |= {folder / name for name in (SETTINGS_NAME, MANIFEST_NAME, SEAL_NAME)}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path not in recorded and not path.name.startswith("."):
            yield f"{path}: is not in the manifest; remove it or run the same degrade command again"


def already_degraded(dataset: Dataset) -> str:
    """The condition a dataset's images were written in by `degrade_dataset`; empty for original images.

    Raises:
        InputError: If the settings of that set are damaged.
    """
    files = (sample.visible for sample in dataset.samples if sample.visible is not None)
    first = next(files, None)
    return "" if first is None else condition_written_around(first)


def _refuse_degraded(dataset: Dataset, condition: Condition) -> None:
    before = already_degraded(dataset)
    if before:
        raise InputError(
            f"{dataset.card.name}: these images are degraded already ({before}); degrade the clean dataset, "
            f"with all degradations at once: {before}+{condition.name}"
        )


def _refuse_source_folder(dataset: Dataset, folder: Path) -> None:
    """A set among the dataset's own images, or in another set, would become part of it."""
    if condition_written_around(folder):
        raise InputError(f"{folder}: lies in another set of degraded images; give a folder outside")
    target = folder.absolute()
    for sample in dataset.samples:
        for file in (sample.visible, sample.infrared):
            if file is not None and target.is_relative_to(file.absolute().parent):
                raise InputError(f"{folder}: lies among the dataset's own images; give a folder outside")


def _settings(dataset: Dataset, condition: Condition, seed: int) -> dict[str, Any]:
    degradations = {
        step.name: {
            "quantity" if step.is_quantity else "parameter": step.value,
            "version": step.degradation.card.version,
        }
        for step in planned(condition)
    }
    return {
        "condition": condition.name,
        "dataset": dataset.card.name,
        "own_depth_maps": getattr(dataset, "depth_maps", None) is not None,
        "degradations": degradations,
        "fusionbench": __version__,
        "layout": "source",
        "seed": seed,
        "specification": SPECIFICATION,
        "split": dataset.split,
    }


def _write_sample(
    dataset: Dataset,
    sample: Sample,
    condition: Condition,
    settings: dict[str, Any],
    folder: Path,
    record: Record | None,
) -> Written:
    try:
        if sample.problem:
            raise InputError(sample.problem)
        fingerprint = dataset.fingerprint(sample)
        if record is not None and _is_finished(folder, record, fingerprint):
            return Written(sample.id, "kept")
        degraded = _degrade(dataset, sample, condition, settings["seed"])
        placement = _placement(dataset, sample)
        outputs = _write_images(folder, degraded, placement, settings["maps"])
        annotations = {
            name: write_annotation(folder / name, content)
            for name, content in sorted(placement.annotations.items())
        }
        record = _record(degraded, settings, fingerprint, outputs)
        files = {"visible_file": placement.visible, "infrared_file": placement.infrared}
        append_record(folder, {**record, **files, "annotations": annotations})
    except FusionbenchError as error:
        return Written(sample.id, "failed", str(error))
    return Written(sample.id, "written")


def _placement(dataset: Dataset, sample: Sample) -> Placement:
    if Path(sample.id).name != sample.id:
        raise InputError(f"{sample.id}: cannot name a file; rename the image without folders")
    if hasattr(dataset, "placement"):
        return cast("PlacingDataset", dataset).placement(sample)
    return Placement(f"visible/{sample.id}.png", f"infrared/{sample.id}.png")


def _degrade(dataset: Dataset, sample: Sample, condition: Condition, seed: int) -> DegradedPair:
    pair = dataset.load(sample)
    try:
        return degrade_pair(pair, condition, seed, dataset.card.name)
    except FusionbenchError:
        raise
    except Exception as error:
        raise FusionbenchError(
            f"{sample.id}: {condition.name} failed ({type(error).__name__}: {error}); repair that plugin"
        ) from error


def _is_finished(folder: Path, record: Record, fingerprint: str) -> bool:
    if record["input"]["fingerprint"] != fingerprint:
        raise InputError(
            f"{folder}: {record['id']} was made from other images than the ones given now; "
            "give another folder with --out"
        )
    # What a run that was killed, or anybody else, has damaged since is written again.
    return not list(_mismatches(folder, record))


def _files(record: Record) -> list[str]:
    return [*record["outputs"], *record["annotations"]]


def _write_images(folder: Path, degraded: DegradedPair, placement: Placement, maps: bool) -> dict[str, Any]:
    """Write one pair's images and maps; returns the hash of each, by its path in the set."""
    images = {placement.visible: degraded.pair.visible, placement.infrared: degraded.pair.infrared}
    outputs: dict[str, Any] = {}
    for name, image in images.items():
        write_png(folder / name, image)
        outputs[name] = array_hash(image)
    if maps:
        truth = {
            **degraded.maps,
            "clean_visible": degraded.clean.visible,
            "clean_infrared": degraded.clean.infrared,
        }
        path = f"maps/{degraded.pair.id}.npz"
        write_maps(folder / path, truth)
        outputs[path] = {name: array_hash(values) for name, values in sorted(truth.items())}
    return outputs


def _record(
    degraded: DegradedPair, settings: dict[str, Any], fingerprint: str, outputs: dict[str, Any]
) -> Record:
    record: Record = {
        "id": degraded.pair.id,
        "condition": settings["condition"],
        "seed": settings["seed"],
        "degradations": settings["degradations"],
        "versions": {key: settings[key] for key in ("fusionbench", "specification")},
        "depth_source": degraded.depth_source,
        "input": {
            "fingerprint": fingerprint,
            "visible": array_hash(degraded.clean.visible),
            "infrared": array_hash(degraded.clean.infrared),
            "horizon": degraded.clean.horizon,
        },
        "outputs": outputs,
    }
    for name in ("airlight", "infrared_airlight", "exposure"):
        if name in degraded.maps:
            record[name] = degraded.maps[name].tolist()
    if "transmission" in degraded.maps:
        record["mean_transmission"] = float(degraded.maps["transmission"].mean(dtype=np.float64))
    if "noise_sigma" in degraded.maps:
        record["noise_levels"] = expected_noise_levels(degraded.maps["noise_sigma"], degraded.pair.visible)
    return record


def _mismatches(folder: Path, record: Record) -> Iterator[str]:
    for name, expected in {**record["outputs"], **record["annotations"]}.items():
        path = folder / name
        try:
            found = _hash_file(path, record, name)
        except InputError as error:
            yield str(error)
            continue
        if found != expected:
            yield f"{path}: is not what was written; remove it and run the same degrade command again"


def _hash_file(path: Path, record: Record, name: str) -> str | dict[str, str]:
    if name in record["annotations"]:
        return annotation_hash(path)
    if path.suffix == ".npz":
        return _hash_maps(path)
    return array_hash(read_infrared(path) if name == record["infrared_file"] else read_visible(path))


def _hash_maps(path: Path) -> dict[str, str]:
    try:
        with np.load(path, allow_pickle=False) as maps:
            return {name: array_hash(maps[name]) for name in sorted(maps.files)}
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; run the same degrade command again") from None
    except Exception as error:
        raise InputError(f"{path}: cannot be read ({error}); remove it and run degrade again") from error
