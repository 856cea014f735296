"""From a pair to a fused image, the same way for every method.

Luminance extraction, padding, checks, clamping, chroma and rounding happen here, once, so that no method
gains or loses by how it was wrapped.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from fusionbench import registry
from fusionbench.contracts import Device, FusionMethod, ImagePair, MethodCard, Uint8Image
from fusionbench.errors import FusionbenchError, InputError, MethodError
from fusionbench.images import luminance, quantise

if TYPE_CHECKING:
    import torch


OVERSHOOT_LIMIT = 1.0
"""How far outside [0, 1] a method's values may reach and still be clamped rather than refused: networks
without a bounded last layer overshoot by a few tenths, an output left in 0..255 by hundreds."""

_luminances: WeakKeyDictionary[ImagePair, NDArray[np.float64]] = WeakKeyDictionary()


class Fused(NamedTuple):
    """One fused image and how it came about."""

    image: Uint8Image
    """`(H, W, 3)`, as it would be saved."""
    clamped: float
    """Fraction of the method's values that lay outside [0, 1]."""
    seconds: float
    """Time the method itself took for this image (its share of the batch)."""


@dataclass(frozen=True, eq=False)
class ReadyMethod:
    """A method on its device, with what identifies it."""

    name: str
    card: MethodCard
    method: FusionMethod
    device: str


def choose_device(device: Device) -> Literal["cpu", "cuda", "mps"]:
    """Resolve `auto` to the fastest device here, and check that a named one is there.

    Raises:
        InputError: If the device asked for is not available.
    """
    import torch

    available: dict[Literal["cuda", "mps", "cpu"], bool] = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        return next(name for name in available if available[name])
    if not available[device]:
        raise InputError(f"--device {device}: this machine has none; use --device cpu")
    return device


def card_of(method: type[FusionMethod] | FusionMethod) -> MethodCard:
    """The method's card, or one made from its class name."""
    card = getattr(method, "card", None)
    if isinstance(card, MethodCard):
        return card
    name = method.__name__ if isinstance(method, type) else type(method).__name__
    return MethodCard(name=name, title=name)


def ready_method(name: str, weights: Path | None = None, device: Device = "auto") -> ReadyMethod:
    """Create a method by name (or `file.py:ClassName`) and put it on a device.

    Args:
        name: Registered name, or a class in a Python file.
        weights: File of trained weights for methods that take one.
        device: Where to run.

    Raises:
        InputError: If the weights file is missing, or the method takes none.
        MethodError: If its constructor raises.
        UnknownNameError: If no method has this name.
    """
    chosen = choose_device(device)
    method_class = registry.method_class(name)
    card = card_of(method_class)
    if weights is not None and not weights.is_file():
        raise InputError(f"{weights}: no such weights file for method {card.name}")
    method = _create(method_class, card.name, weights)
    move = getattr(method, "to", None)
    if callable(move):
        move(chosen)
    return ReadyMethod(card.name, card_of(method), method, chosen)


def _create(method_class: type[FusionMethod], name: str, weights: Path | None) -> FusionMethod:
    if weights is not None and "weights" not in inspect.signature(method_class).parameters:
        raise InputError(f"method {name} takes no weights; leave --weights out")
    arguments = {} if weights is None else {"weights": weights}
    try:
        return method_class(**arguments)
    except FusionbenchError:
        raise
    except Exception as error:
        raise MethodError(f"method {name} could not be created: {type(error).__name__}: {error}") from error


def fuse_pairs(ready: ReadyMethod, pairs: Sequence[ImagePair]) -> list[Fused]:
    """Fuse pairs of one size as one batch.

    Raises:
        MethodError: If the method raises, or returns something that is not a batch of fused images.
    """
    visible, infrared = _as_tensors(ready, pairs)
    started = time.perf_counter()
    output = _call(ready, visible, infrared)
    seconds = (time.perf_counter() - started) / len(pairs)
    values = output.cpu().numpy()
    return [_finish(pair, values[index], seconds) for index, pair in enumerate(pairs)]


def fuse_raw(ready: ReadyMethod, pair: ImagePair) -> NDArray[np.float32]:
    """The method's own output for one pair, `(C, H, W)` float32, before clamping, chroma and rounding.

    Raises:
        MethodError: As `fuse_pairs`.
    """
    visible, infrared = _as_tensors(ready, [pair])
    return np.asarray(_call(ready, visible, infrared).cpu().numpy()[0], dtype=np.float32)


def _as_tensors(ready: ReadyMethod, pairs: Sequence[ImagePair]) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    if ready.card.colour == "luma":
        visible = np.stack([_luminance_of(pair)[None] for pair in pairs])
    else:
        visible = np.stack([pair.visible.transpose(2, 0, 1) for pair in pairs])
    infrared = np.stack([pair.infrared[None] for pair in pairs])
    return tuple(  # type: ignore[return-value]
        torch.from_numpy((images / 255.0).astype(np.float32)).to(ready.device)
        for images in (visible, infrared)
    )


def _call(ready: ReadyMethod, visible: torch.Tensor, infrared: torch.Tensor) -> torch.Tensor:
    import torch

    height, width = infrared.shape[-2:]
    multiple = ready.card.multiple_of
    bottom, right = -height % multiple, -width % multiple
    try:
        with torch.inference_mode():
            output = ready.method.fuse(_pad(visible, bottom, right), _pad(infrared, bottom, right))
        if ready.device == "cuda":
            torch.cuda.synchronize()
    except torch.OutOfMemoryError as error:
        raise MethodError(
            f"method {ready.name} ran out of memory on {ready.device}; use --batch-size 1 or --device cpu"
        ) from error
    except Exception as error:
        raise MethodError(f"method {ready.name} raised {type(error).__name__}: {error}") from error
    _check(ready, output, (infrared.shape[0], height + bottom, width + right))
    return output[..., :height, :width].float()


def _pad(images: torch.Tensor, bottom: int, right: int) -> torch.Tensor:
    """Extend by mirroring; repeat the edge where the image is too small to mirror."""
    from torch.nn.functional import pad

    if bottom == 0 and right == 0:
        return images
    mirrors = bottom < images.shape[-2] and right < images.shape[-1]
    return pad(images, (0, right, 0, bottom), mode="reflect" if mirrors else "replicate")


def _check(ready: ReadyMethod, output: object, expected: tuple[int, int, int]) -> None:
    import torch

    count, height, width = expected
    if not isinstance(output, torch.Tensor):
        raise MethodError(
            f"method {ready.name} returned {type(output).__name__}; fuse must return a torch.Tensor"
        )
    if output.ndim != 4 or output.shape[1] not in (1, 3) or output.shape[::2][0] != count:
        raise MethodError(_wrong_shape(ready, output, expected))
    if tuple(output.shape[2:]) != (height, width):
        raise MethodError(_wrong_shape(ready, output, expected))
    if not bool(torch.isfinite(output).all()):
        raise MethodError(
            f"method {ready.name} returned NaN or infinite values; check its weights and its logs"
        )
    low, high = float(output.min()), float(output.max())
    if low < -OVERSHOOT_LIMIT or high > 1.0 + OVERSHOOT_LIMIT:
        raise MethodError(
            f"method {ready.name} returned values in [{low:.3g}, {high:.3g}]; fuse must return [0, 1] "
            "(divide by 255, or map [-1, 1] to [0, 1])"
        )


def _wrong_shape(ready: ReadyMethod, output: torch.Tensor, expected: tuple[int, int, int]) -> str:
    count, height, width = expected
    return (
        f"method {ready.name} returned shape {tuple(output.shape)}; expected ({count}, 1, {height}, {width}) "
        f"or ({count}, 3, {height}, {width})"
    )


def _finish(pair: ImagePair, values: NDArray[np.float32], seconds: float) -> Fused:
    clamped = float(np.mean((values < 0.0) | (values > 1.0)))
    scaled = np.clip(values.astype(np.float64), 0.0, 1.0) * 255.0
    if scaled.shape[0] == 1:
        image = _with_luminance_changed(pair.visible, scaled[0] - _luminance_of(pair))
    else:
        image = quantise(scaled.transpose(1, 2, 0))
    return Fused(image, clamped, seconds)


def _with_luminance_changed(visible: Uint8Image, change: NDArray[np.float64]) -> Uint8Image:
    """Give the visible image another luminance and keep its chroma.

    Replacing Y in YCbCr while Cb and Cr stay is adding the change of Y to each of R, G and B; done in one
    step it has no rounding of its own and needs no second set of coefficients.
    """
    changed = np.empty_like(visible)
    for channel in range(3):
        changed[..., channel] = quantise(visible[..., channel] + change)
    return changed


def _luminance_of(pair: ImagePair) -> NDArray[np.float64]:
    """Luminance of the visible image, computed once for all methods that fuse the pair."""
    if pair not in _luminances:
        _luminances[pair] = luminance(pair.visible)
    return _luminances[pair]
