"""How every segmenter here learns: the same frames, order, loss and schedule for every method of fusion.

Frames are whole images, or crops at the image's own scale where it is larger than `image_size`: what is
learnt is what `segment` sees, which never scales. The only augmentation is mirroring; order, crops and
mirroring are a function of the seed, so that two methods are trained alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import UNLABELLED, SegmentedImage, SegmenterTraining, Uint8Image
from fusionbench.errors import InputError, TrainingError
from fusionbench_segmenters.network_images import normalised, padded_size

if TYPE_CHECKING:
    import torch
    from torch import nn


Network = TypeVar("Network", bound="nn.Module")

MOST_CLASSES = UNLABELLED

WARM_UP = 0.05
"""Share of the steps in which the learning rate rises from zero; it then falls along a cosine."""

WEIGHTINGS = ("none", "balanced")


@dataclass(frozen=True)
class LearningOptions:
    """What a training may set besides what `SegmenterTraining` has."""

    learning_rate: float = 0.003
    """Highest one."""
    weight_decay: float = 0.0001
    class_weights: str = "none"
    """`none`, or `balanced`: the loss of a class counts by the inverse square root of its share of pixels."""
    mirror: bool = True
    """Whether half of the frames are mirrored left to right."""


Options = TypeVar("Options", bound=LearningOptions)


@dataclass(frozen=True, eq=False)
class Frames:
    """What is learnt from, in memory as 8-bit arrays."""

    images: Sequence[Uint8Image]
    masks: Sequence[Uint8Image]
    """Ids of classes, `UNLABELLED` where there is none."""
    size: tuple[int, int]
    """Height and width of every frame; smaller images are padded by what is ignored."""

    def batch(self, places: Sequence[int], mirror: bool, generator: np.random.Generator) -> _Batch:
        """Some images, cropped, mirrored and padded to one size."""
        height, width = self.size
        images = np.zeros((len(places), height, width, 3), np.uint8)
        masks = np.full((len(places), height, width), UNLABELLED, np.uint8)
        known = np.zeros((len(places), height, width), np.bool_)
        for number, place in enumerate(places):
            image, mask = self.images[place], self.masks[place]
            top, left = (
                int(generator.integers(0, max(have - want, 0) + 1))
                for have, want in zip(mask.shape, self.size, strict=True)
            )
            # Drawn even where it is not used: an option then changes nothing else.
            step = -1 if generator.random() < 0.5 and mirror else 1
            seen = image[top : top + height, left : left + width][:, ::step]
            rows, columns = seen.shape[:2]
            images[number, :rows, :columns] = seen
            masks[number, :rows, :columns] = mask[top : top + height, left : left + width][:, ::step]
            known[number, :rows, :columns] = True
        return _Batch(images, masks, known)


@dataclass(frozen=True, eq=False)
class _Batch:
    images: Uint8Image
    """`(N, H, W, 3)`."""
    masks: Uint8Image
    """`(N, H, W)`."""
    known: NDArray[np.bool_]
    """`(N, H, W)`: False where an image was padded."""


def gather(images: Iterable[SegmentedImage], training: SegmenterTraining) -> Frames:
    """Read what is to be learnt from.

    Raises:
        InputError: If a mask does not fit its image, or nothing is of the classes.
    """
    kept, masks, learnt = [], [], 0
    for item in images:
        if item.mask.shape != item.image.shape[:2]:
            has, should = (f"{each.shape[1]}x{each.shape[0]}" for each in (item.mask, item.image))
            raise InputError(f"image {item.id}: is {should} but its mask is {has}; get them again")
        mask = np.where(item.mask < len(training.classes), item.mask, UNLABELLED).astype(np.uint8)
        learnt += int((mask != UNLABELLED).sum())
        kept.append(item.image)
        masks.append(mask)
    if not learnt:
        raise InputError(
            f"no image to train on has a pixel of {', '.join(training.classes)}; choose other images or "
            "classes"
        )
    height, width = (min(max(mask.shape[axis] for mask in masks), training.image_size) for axis in (0, 1))
    return Frames(kept, masks, padded_size(height, width))


def read_options(kind: type[Options], training: SegmenterTraining) -> Options:
    """The options of a training.

    Args:
        kind: Options with their defaults.
        training: Names and values.

    Raises:
        InputError: If one is unknown, of another type, or out of range, as the training itself may be.
    """
    _require_plausible(training)
    known = {field.name: field for field in fields(kind)}
    values: dict[str, Any] = {}
    for name, value in training.options:
        if name not in known:
            raise InputError(f"option {name!r} is none of the training ({', '.join(known)})")
        values[name] = _like(name, value, known[name].default)
    options = kind(**values)
    if options.class_weights not in WEIGHTINGS:
        words = " or ".join(WEIGHTINGS)
        raise InputError(f"option 'class_weights' is {words}, not {options.class_weights!r}")
    return options


@contextmanager
def seeded_network(create: Callable[[], Network], seed: int) -> Iterator[Network]:
    """Draw a network's weights, and whatever it draws while it learns, by a seed; generators are put back."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield create()


def require_startable(create: Callable[[], nn.Module], seed: int) -> None:
    """Create a network and forget it: what its package or its start lacks shows then, before hours of fusing.

    Raises:
        InputError: Whatever keeps it from being created.
    """
    with seeded_network(create, seed):
        pass


def learn(
    network: nn.Module,
    logits: Callable[[torch.Tensor], torch.Tensor],
    frames: Frames,
    training: SegmenterTraining,
    options: LearningOptions,
    device: str,
) -> None:
    """Train a network; the last epoch counts.

    Args:
        network: On the device; left as trained.
        logits: What it makes of normalised images.
        frames: To learn from.
        training: How.
        options: How, further.
        device: Where.

    Raises:
        TrainingError: If the loss is no number any more.
    """
    import torch

    batch = min(training.batch, max(len(frames.masks), 2))
    steps = math.ceil(len(frames.masks) / batch)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
    )
    weights = torch.from_numpy(_class_weights(frames, len(training.classes), options)).to(device)
    network.train()
    for epoch in range(training.epochs):
        generator = np.random.default_rng([training.seed, epoch])
        # Every batch is full: a last one of one image could not be normalised.
        order = np.resize(generator.permutation(len(frames.masks)), steps * batch).reshape(steps, batch)
        for step, places in enumerate(order.tolist()):
            rate = _rate(epoch * steps + step, training.epochs * steps)
            for group in optimiser.param_groups:
                group["lr"] = options.learning_rate * rate
            made = frames.batch(places, options.mirror, generator)
            loss = _loss(made, logits, weights, device)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        if not math.isfinite(float(loss.detach())):
            raise TrainingError(
                f"the loss is no number after epoch {epoch + 1}; lower the option learning_rate "
                f"({options.learning_rate:g})"
            )
    network.eval()


def _loss(
    made: _Batch, logits: Callable[[torch.Tensor], torch.Tensor], weights: torch.Tensor, device: str
) -> torch.Tensor:
    """Mean cross entropy of the pixels that are learnt from, each weighted as its class is."""
    import torch
    from torch.nn.functional import cross_entropy

    targets = torch.from_numpy(made.masks).to(device).long()
    known = torch.from_numpy(made.known).to(device)
    # What is padded is grey of the mean, which is zero to the network.
    images = normalised(torch.from_numpy(made.images).to(device)) * known[:, None]
    total = cross_entropy(logits(images), targets, weights, ignore_index=UNLABELLED, reduction="sum")
    counted = weights[targets[targets != UNLABELLED]].sum()
    return total / counted.clamp(min=1.0)


def _class_weights(frames: Frames, classes: int, options: LearningOptions) -> NDArray[np.float32]:
    if options.class_weights == "none":
        return np.ones(classes, np.float32)
    counts = sum(np.bincount(mask.ravel(), minlength=256)[:classes] for mask in frames.masks)
    shares = np.asarray(counts, np.float64) / np.sum(counts)
    weights = np.where(shares > 0, 1.0 / np.sqrt(np.maximum(shares, 1e-12)), 0.0)
    # A pixel's weight is one on average.
    found: NDArray[np.float32] = (weights / (weights * shares).sum()).astype(np.float32)
    return found


def _rate(step: int, steps: int) -> float:
    """Share of the highest learning rate."""
    rising = max(1, round(WARM_UP * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1.0 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def _require_plausible(training: SegmenterTraining) -> None:
    for name in ("epochs", "image_size", "batch"):
        if getattr(training, name) < 1:
            raise InputError(f"{name} of a training is {getattr(training, name)}; give a whole number from 1")
    if not 0 < len(training.classes) <= MOST_CLASSES:
        raise InputError(f"a training is of 1 to {MOST_CLASSES} classes, not {len(training.classes)}")


def _like(name: str, value: Any, default: Any) -> Any:
    """A value of an option, of the type of its default; numbers are not negative, whole ones not zero."""
    kind = type(default)
    if kind is float and type(value) is int:
        value = float(value)
    fits = type(value) is kind and (kind not in (int, float) or (1 if kind is int else 0) <= value < math.inf)
    if not fits:
        expected = {
            bool: "true or false",
            str: "a word",
            int: "a whole number from 1",
            float: "a number from 0",
        }
        raise InputError(f"option {name!r} is {expected[kind]}, not {value!r}")
    return value
