"""Protocol B: a detector or segmenter trained for each method on its own fused images, all by one recipe.

Nothing but the fused images differs between methods: start, order, augmentation, epochs and seeds are the
same, the last epoch counts, and no image of the test part has a say. What is written is what `--weights
yolo=FOLDER` takes: see `trained_networks`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fusionbench import registry
from fusionbench.contracts import (
    Dataset,
    DownstreamTraining,
    LabelledImage,
    Sample,
    SegmentedImage,
    TrainableDetector,
    TrainableSegmenter,
)
from fusionbench.downstream import DownstreamKind
from fusionbench.errors import FusionbenchError, InputError
from fusionbench.evaluation.plan import MethodRequest, method_identity
from fusionbench.evaluation.provenance import code_hash, content_hash, file_hash
from fusionbench.evaluation.whole_sets import label_prints, labels_identity
from fusionbench.fusing import fuse_pairs
from fusionbench.images import read_fused, write_png
from fusionbench.ready_methods import ReadyMethod, ready_method
from fusionbench.trained_networks import TrainedNetworks, TrainingPart
from fusionbench.whole_files import file_name

Told = Callable[[str], None]


@dataclass(frozen=True)
class TrainingRequest:
    """What to train, and on what."""

    kind: DownstreamKind
    network: str
    """Registered name of the detector or segmenter."""
    dataset: Dataset
    methods: tuple[MethodRequest, ...]
    training: DownstreamTraining
    """Its seed stands for each of `seeds`."""
    seeds: tuple[int, ...]
    limit: int | None = None
    """Only the first so many images."""


def train_networks(request: TrainingRequest, out: Path, told: Told) -> list[Path]:
    """Train a network for each method and seed; what is there already is kept.

    Args:
        request: What to train.
        out: Folder for `METHOD/seedN.*` and `training.json`.
        told: Hears what is being done.

    Returns:
        The files of weights.

    Raises:
        InputError: If the dataset has no such labels, an image cannot be fused or read, the network cannot
            be trained, or the folder holds another training.
        FusionbenchError: If a training fails.
    """
    network = registry.load(request.kind, request.network)
    _require_trainable(request, network)
    network.check_training(request.training)
    samples = _samples(request)
    for method in request.methods:
        # One without its weights is refused before hours went into those before it.
        _ready(method, request)
    settings = _settings(request, network, samples)
    with TrainedNetworks(out).joined(settings, _note(request, len(samples))) as part:
        return [
            path
            for method in request.methods
            for path in _train_for(method, request, network, samples, part, told)
        ]


def _require_trainable(request: TrainingRequest, network: type) -> None:
    kind, name, start = request.kind, request.network, request.training.start
    if not isinstance(network, TrainableDetector if kind == "detector" else TrainableSegmenter):
        raise InputError(
            f"{kind} {name}: cannot be trained here, it has no check_training or no train; choose another"
        )
    if start is not None and not start.is_file():
        raise InputError(f"--start {start}: no such file to start a training from; check the path")


def _train_for(
    method: MethodRequest,
    request: TrainingRequest,
    network: Any,
    samples: Sequence[Sample],
    part: TrainingPart,
    told: Told,
) -> list[Path]:
    identity = content_hash(method_identity(method))
    found = {seed: part.done(method.name, seed, identity) for seed in request.seeds}
    missing = [seed for seed, path in found.items() if path is None]
    if not missing:
        told(f"{method.name}: done before")
        return [path for path in found.values() if path is not None]
    own = part.room / file_name(method.name)
    told(f"{method.name}: fusing {len(samples)} images")
    fused = _fuse_all(method, request, samples, own / "fused")
    for seed in missing:
        told(f"{method.name}: training, seed {seed}")
        training = replace(request.training, seed=seed)
        trained = network.train(_labelled(fused, request), training, own / f"seed{seed}")
        found[seed] = part.keep(trained, method.name, seed, identity)
    shutil.rmtree(own, ignore_errors=True)
    return [path for path in found.values() if path is not None]


def _fuse_all(
    method: MethodRequest, request: TrainingRequest, samples: Sequence[Sample], folder: Path
) -> list[tuple[Sample, Path]]:
    """Fuse every image once, for all seeds, and keep it as it would be saved."""
    ready = _ready(method, request)
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


def _ready(method: MethodRequest, request: TrainingRequest) -> ReadyMethod:
    return ready_method(
        method.method or method.name,
        method.weights,
        request.training.device,
        post=method.post,
        python=method.python,
    )


def _labelled(
    fused: Sequence[tuple[Sample, Path]], request: TrainingRequest
) -> Iterator[LabelledImage | SegmentedImage]:
    for sample, path in fused:
        labels, image = request.dataset.labels(sample), read_fused(path)
        if request.kind == "detector":
            yield LabelledImage(sample.id, image, labels.boxes or ())
        elif labels.mask is not None:
            yield SegmentedImage(sample.id, image, labels.mask)


def classes_of(dataset: Dataset, kind: DownstreamKind) -> tuple[str, ...]:
    """The classes a network of a kind learns from a dataset.

    Raises:
        InputError: If it has no such labels.
    """
    card = dataset.card
    classes, what = (card.box_classes, "boxes") if kind == "detector" else (card.mask_classes, "masks")
    if not classes:
        raise InputError(f"dataset {card.name} has no {what} to train a {kind} on; choose another")
    return classes


def _samples(request: TrainingRequest) -> list[Sample]:
    samples = list(request.dataset.samples)[: request.limit]
    for sample in samples:
        if sample.problem:
            raise InputError(sample.problem)
        labels = request.dataset.labels(sample)
        if (labels.boxes if request.kind == "detector" else labels.mask) is None:
            raise InputError(
                f"{request.dataset.card.name}: {sample.id} has no annotation; add it, or leave the image out "
                "of the list"
            )
    return samples


def _settings(request: TrainingRequest, network: type, samples: Sequence[Sample]) -> dict[str, Any]:
    """Everything that decides a training but the method and the seed."""
    dataset, training = request.dataset, request.training
    return {
        request.kind: request.network,
        "code": code_hash(network),
        "dataset": dataset.card.name,
        "split": dataset.split,
        "samples": content_hash([[sample.id, dataset.fingerprint(sample)] for sample in samples]),
        **labels_identity(label_prints(dataset, samples), samples),
        "classes": list(training.classes),
        # The name as well: that of a description may say the size of the network.
        "start": None if training.start is None else [training.start.name, file_hash(training.start)],
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
