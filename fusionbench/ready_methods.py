"""From a reference to a method that can fuse: created, on its device, with what goes before and after it."""

from __future__ import annotations

import hashlib
import inspect
import random
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fusionbench.contracts import Device, Enhancement, FusionMethod, MethodCard, Post
from fusionbench.devices import choose_device
from fusionbench.errors import FusionbenchError, InputError, MethodError
from fusionbench.method_references import MethodReference, card_of


@dataclass(frozen=True, eq=False)
class ReadyMethod:
    """A method on its device, with what identifies it."""

    name: str
    card: MethodCard
    method: FusionMethod
    device: str
    enhancements: tuple[Enhancement, ...] = ()
    """Applied to the visible image first."""
    post: Post = "clamp"
    """How its values become an image."""


def ready_method(
    name: str,
    weights: Path | None = None,
    device: Device = "auto",
    *,
    post: Post = "clamp",
    python: Path | None = None,
) -> ReadyMethod:
    """Create a method by its reference and put it on a device.

    Args:
        name: Registered name, a class in a Python file, `external:FOLDER`, or one of them behind
            enhancements (`dcp>lp`).
        weights: File or folder of trained weights for methods that take some.
        device: Where to run.
        post: How the method's values become an image.
        python: Interpreter of an external method.

    Raises:
        InputError: If the weights are missing, the method takes none, or the authors' script is asked
            for and it has none.
        MethodError: If its constructor raises.
        UnknownNameError: If no method or enhancement has this name.
    """
    chosen = choose_device(device)
    reference = MethodReference(name)
    card = card_of(reference.method_class)
    if weights is not None and not weights.exists():
        raise InputError(f"{weights}: no such weights file for method {card.name}")
    given = {"weights": weights, "python": python}
    arguments = {name: value for name, value in given.items() if value is not None}
    method = _create(reference.method_class, card.name, arguments, chosen)
    require_post(card, method, post)
    return ReadyMethod(reference.name, card_of(method), method, chosen, reference.create_enhancements(), post)


def require_post(card: MethodCard, method: type[FusionMethod] | FusionMethod, post: Post) -> None:
    """Check that a method can be shown in a way.

    Raises:
        InputError: If it has no script of its authors, or gives finished images, and that does not fit.
    """
    if post == "official" and not hasattr(method, "official"):
        raise InputError(
            f"--post official: method {card.name} has no script of its authors to repeat; use clamp or minmax"
        )
    if post != "clamp" and hasattr(method, "fuse_images"):
        raise InputError(f"--post {post}: method {card.name} gives finished images; leave --post out")


def _create(
    method_class: type[FusionMethod], name: str, arguments: Mapping[str, Path], device: str
) -> FusionMethod:
    for argument in arguments:
        if argument not in inspect.signature(method_class).parameters:
            raise InputError(f"method {name} takes no {argument}; leave --{argument} out")
    try:
        # Seeded, so that a network without weights is the same one in every process.
        with seeded(name, ""), redirect_stdout(sys.stderr):
            method = method_class(**arguments)
            # A torch module is moved to the device and taken out of training mode; others do not have these.
            for change, given in (("to", (device,)), ("eval", ())):
                if callable(getattr(method, change, None)):
                    getattr(method, change)(*given)
    except FusionbenchError:
        raise
    except (Exception, SystemExit) as error:
        raise MethodError(f"method {name} could not be created: {type(error).__name__}: {error}") from error
    return method


@contextmanager
def seeded(method: str, image_id: str) -> Iterator[None]:
    """Global generators that depend on method and image alone, for methods that draw from them."""
    import torch

    digest = hashlib.blake2b(f"{method}\0{image_id}".encode(errors="surrogateescape"), digest_size=4).digest()
    seed = int.from_bytes(digest, "little")
    before = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(before[0])
            np.random.set_state(before[1])  # noqa: NPY002
