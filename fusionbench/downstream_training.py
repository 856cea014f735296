"""Protocol B: a detector trained for each method on the method's own fused images, all by one recipe.

Nothing but the fused images differs between methods: start, order, augmentation, epochs and seeds are the
same, the last epoch counts, and no image of the test part has a say. What is written is what `--weights
yolo=FOLDER` takes: see `downstream`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fusionbench import registry
from fusionbench.contracts import Dataset, DetectorTraining, LabelledImage, Sample, TrainableDetector
from fusionbench.downstream import TRAINING_FILE, folder_name
from fusionbench.errors import FusionbenchError, InputError
from fusionbench.evaluation.plan import MethodRequest, method_identity
from fusionbench.evaluation.provenance import code_hash, content_hash, file_hash
from fusionbench.evaluation.whole_sets import labels_identity
from fusionbench.fusing import fuse_pairs
from fusionbench.images import read_fused, write_png
from fusionbench.ready_methods import ready_method
from fusionbench.whole_files import appearing

Told = Callable[[str], None]


@dataclass(frozen=True)
class TrainingRequest:
    """What to train, and on what."""

    detector: str
    dataset: Dataset
    methods: tuple[MethodRequest, ...]
    training: DetectorTraining
    """Its seed stands for each of `seeds`."""
    seeds: tuple[int, ...]
    limit: int | None = None
    """Only the first so many images."""


def train_detectors(request: TrainingRequest, out: Path, told: Told) -> list[Path]:
    """Train a detector for each method and seed; what is there already is kept.

    Args:
        request: What to train.
        out: Folder for `METHOD/seedN.pt` and `training.json`.
        told: Hears what is being done.

    Returns:
        The files of weights.

    Raises:
        InputError: If the dataset has no boxes, an image cannot be fused or read, the detector cannot be
            trained, or the folder holds another training.
        FusionbenchError: If a training fails.
    """
    detector = registry.load("detector", request.detector)
    if not isinstance(detector, type) or not hasattr(detector, "train"):
        raise InputError(f"detector {request.detector}: cannot be trained here; choose another, such as yolo")
    samples = _samples(request)
    settings = _settings(request, detector, samples)
    _write_training(out / TRAINING_FILE, settings, _note(request, len(samples)))
    return [
        path
        for method in request.methods
        for path in _train_for(method, request, detector, samples, out, told)
    ]


def _train_for(
    method: MethodRequest,
    request: TrainingRequest,
    detector: type[TrainableDetector],
    samples: Sequence[Sample],
    out: Path,
    told: Told,
) -> list[Path]:
    identity = content_hash(method_identity(method))
    paths = {seed: out / folder_name(method.name) / f"seed{seed}.pt" for seed in request.seeds}
    missing = [seed for seed, path in paths.items() if not _is_done(path, identity)]
    if not missing:
        told(f"{method.name}: done before")
        return list(paths.values())
    room = out / f".{folder_name(method.name)}"
    shutil.rmtree(room, ignore_errors=True)
    try:
        told(f"{method.name}: fusing {len(samples)} images")
        fused = _fuse_all(method, request, samples, room / "fused")
        for seed in missing:
            told(f"{method.name}: training, seed {seed}")
            training = replace(request.training, seed=seed)
            trained = detector.train(_labelled(fused, request.dataset), training, room / f"seed{seed}")
            _keep(trained, paths[seed], identity)
    finally:
        shutil.rmtree(room, ignore_errors=True)
    return list(paths.values())


def _fuse_all(
    method: MethodRequest, request: TrainingRequest, samples: Sequence[Sample], folder: Path
) -> list[tuple[Sample, Path]]:
    """Fuse every image once, for all seeds, and keep it as it would be saved."""
    ready = ready_method(
        method.method or method.name,
        method.weights,
        request.training.device,
        post=method.post,
        python=method.python,
    )
    fused = []
    for sample in samples:
        try:
            (image,) = fuse_pairs(ready, [request.dataset.load(sample)])
        except FusionbenchError as error:
            raise InputError(f"{sample.id}: {error}; repair it or leave it out of the list") from error
        path = folder / f"{sample.id}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(path, image.image)
        fused.append((sample, path))
    return fused


def _labelled(fused: Sequence[tuple[Sample, Path]], dataset: Dataset) -> Iterator[LabelledImage]:
    for sample, path in fused:
        yield LabelledImage(sample.id, read_fused(path), dataset.labels(sample).boxes or ())


def _samples(request: TrainingRequest) -> list[Sample]:
    card = request.dataset.card
    if not card.box_classes:
        raise InputError(f"dataset {card.name} has no boxes to train a detector on; choose another")
    samples = list(request.dataset.samples)[: request.limit]
    for sample in samples:
        if sample.problem:
            raise InputError(sample.problem)
        if request.dataset.labels(sample).boxes is None:
            raise InputError(
                f"{card.name}: {sample.id} has no annotation; add it, or leave the image out of the list"
            )
    return samples


def _settings(
    request: TrainingRequest, detector: type[TrainableDetector], samples: Sequence[Sample]
) -> dict[str, Any]:
    """Everything that decides a training but the method and the seed."""
    dataset, training = request.dataset, request.training
    return {
        "detector": request.detector,
        "detector_code": code_hash(detector),
        "dataset": dataset.card.name,
        "split": dataset.split,
        "samples": content_hash([[sample.id, dataset.fingerprint(sample)] for sample in samples]),
        **labels_identity(dataset, samples),
        "classes": list(training.classes),
        "start": None if training.start is None else file_hash(training.start),
        "epochs": training.epochs,
        "image_size": training.image_size,
        "batch": training.batch,
        "options": dict(training.options),
    }


def _note(request: TrainingRequest, images: int) -> str:
    dataset, training = request.dataset, request.training
    start = "from scratch" if training.start is None else f"from {training.start.name}"
    return (
        f"trained for each method on its own fused images of {dataset.card.name} {dataset.split} ({images} "
        f"clean pairs, {training.epochs} epochs {start}, the last counts; one recipe and the same seeds); "
        "figures are means over seeds, and intervals hold the choice of seeds as well"
    )


def _write_training(path: Path, settings: Mapping[str, Any], note: str) -> None:
    if path.is_file():
        try:
            there = json.loads(path.read_text(encoding="utf-8"))["settings"]
        except (OSError, ValueError, KeyError, TypeError):
            there = None
        if there != json.loads(json.dumps(settings)):
            raise InputError(
                f"{path}: tells of another training (other images, settings or detector); networks of two "
                "trainings are no comparison: choose another --out"
            )
        return
    with appearing(path) as temporary:
        temporary.write_text(
            json.dumps({"note": note, "settings": settings}, indent=1) + "\n", encoding="utf-8"
        )


def _is_done(path: Path, identity: str) -> bool:
    """Whether a network is there, whole, and of the method as it is now."""
    try:
        stamp = json.loads(_stamp(path).read_text(encoding="utf-8"))
        return bool(stamp == {"method": identity, "sha256": file_hash(path)})
    except (OSError, ValueError, InputError):
        return False


def _keep(trained: Path, path: Path, identity: str) -> None:
    with appearing(path) as temporary:
        shutil.copyfile(trained, temporary)
    with appearing(_stamp(path)) as temporary:
        temporary.write_text(
            json.dumps({"method": identity, "sha256": file_hash(path)}) + "\n", encoding="utf-8"
        )


def _stamp(path: Path) -> Path:
    return path.with_suffix(".json")
