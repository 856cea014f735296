"""From a pair to a fused image, the same way for every method.

Luminance extraction, padding, checks, clamping, chroma and rounding happen here, once, so that no method
gains or loses by how it was wrapped.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import (
    ImageFusion,
    ImagePair,
    OfficialScript,
    Uint8Image,
)
from fusionbench.errors import MethodError
from fusionbench.images import luminance, quantise
from fusionbench.ready_methods import ReadyMethod, seeded

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


def fuse_pairs(ready: ReadyMethod, pairs: Sequence[ImagePair]) -> list[Fused]:
    """Fuse pairs of one size: as one batch on an accelerator, one by one on the CPU.

    On the CPU a batch saves nothing, and convolutions round differently with its size; on an accelerator that
    difference, far below a grey level before rounding, is the price of speed.

    Raises:
        MethodError: If the method raises, or returns something that is not a batch of fused images.
    """
    if isinstance(ready.method, ImageFusion):
        return _fuse_images(ready, ready.method, pairs)
    if ready.device == "cpu" and len(pairs) > 1:
        return [fused for pair in pairs for fused in fuse_pairs(ready, [pair])]
    started = time.perf_counter()
    enhanced = [_enhanced(ready, pair) for pair in pairs]
    if ready.post == "official" and isinstance(ready.method, OfficialScript):
        return [_by_official_script(ready.method, ready.name, pair) for pair in enhanced]
    visible, infrared = _as_tensors(ready, enhanced)
    values = _call(ready, visible, infrared, pairs[0].id)
    seconds = (time.perf_counter() - started) / len(pairs)
    return [_finish(ready, pair, values[index], seconds) for index, pair in enumerate(enhanced)]


def fuse_raw(ready: ReadyMethod, pair: ImagePair) -> NDArray[np.float32]:
    """The method's own output for one pair, `(C, H, W)` float32, before clamping, chroma and rounding.

    Raises:
        MethodError: As `fuse_pairs`.
    """
    if isinstance(ready.method, ImageFusion):
        raise MethodError(f"method {ready.name}: gives finished images, no values of its own")
    visible, infrared = _as_tensors(ready, [_enhanced(ready, pair)])
    output: NDArray[np.float32] = _call(ready, visible, infrared, pair.id)[0]
    return output


def _enhanced(ready: ReadyMethod, pair: ImagePair) -> ImagePair:
    """The pair with its visible image enhanced, as the 8-bit image a program would have written."""
    visible = pair.visible
    for enhancement in ready.enhancements:
        name = enhancement.card.name
        try:
            with redirect_stdout(sys.stderr):
                better = enhancement.enhance(visible)
        except Exception as error:
            raise MethodError(f"enhancement {name} raised {type(error).__name__}: {error}") from error
        if better.dtype != np.uint8 or better.shape != visible.shape:
            raise MethodError(
                f"enhancement {name} returned {better.dtype} of {better.shape}; expected uint8 of "
                f"{visible.shape}"
            )
        visible = better
    return pair if visible is pair.visible else replace(pair, visible=visible)


def _fuse_images(ready: ReadyMethod, method: ImageFusion, pairs: Sequence[ImagePair]) -> list[Fused]:
    started = time.perf_counter()
    enhanced = [_enhanced(ready, pair) for pair in pairs]
    images = method.fuse_images(enhanced)
    seconds = (time.perf_counter() - started) / len(pairs)
    return [Fused(_coloured(pair, image), 0.0, seconds) for pair, image in zip(enhanced, images, strict=True)]


def _by_official_script(method: OfficialScript, name: str, pair: ImagePair) -> Fused:
    started = time.perf_counter()
    try:
        with redirect_stdout(sys.stderr):
            image = method.official(pair.visible, pair.infrared)
    except Exception as error:
        raise MethodError(f"method {name} raised {type(error).__name__}: {error}") from error
    seconds = time.perf_counter() - started
    if image.dtype != np.uint8 or image.shape not in (pair.size, (*pair.size, 3)):
        raise MethodError(
            f"method {name}: its official script returned {image.dtype} of {image.shape}; expected uint8 of "
            f"{pair.size}, with or without three channels"
        )
    grey = image[..., None].repeat(3, axis=2) if image.ndim == 2 else image
    return Fused(grey, 0.0, seconds)


def _coloured(pair: ImagePair, image: Uint8Image) -> Uint8Image:
    """A finished image in colour: a grey one is luminance, and gets the visible image's chroma."""
    if image.ndim == 3:
        return image
    return _with_luminance_changed(pair.visible, image - _luminance_of(pair))


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


def _call(
    ready: ReadyMethod, visible: torch.Tensor, infrared: torch.Tensor, image_id: str
) -> NDArray[np.float32]:
    """Run the method on a batch and check what it returns: `(N, C, H, W)` on the CPU."""
    import torch

    height, width = infrared.shape[-2:]
    multiple = ready.card.multiple_of
    if multiple < 1:
        raise MethodError(f"method {ready.name}: its card says multiple_of={multiple}; it must be 1 or more")
    bottom, right = -height % multiple, -width % multiple
    expected = (infrared.shape[0], height + bottom, width + right)
    try:
        # What a method prints is not part of a command's output, which may be JSON.
        with torch.inference_mode(), seeded(ready.name, image_id), redirect_stdout(sys.stderr):
            output = ready.method.fuse(_pad(visible, bottom, right), _pad(infrared, bottom, right))
            _check(ready, output, expected)
            values = output[..., :height, :width].detach().float().cpu().numpy()
    except MethodError:
        raise
    except torch.OutOfMemoryError as error:
        raise MethodError(
            f"method {ready.name} ran out of memory on {ready.device}; use --batch-size 1 or --device cpu"
        ) from error
    except (Exception, SystemExit) as error:
        raise MethodError(f"method {ready.name} raised {type(error).__name__}: {error}") from error
    return np.asarray(values, dtype=np.float32)


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
    if output.is_complex() or output.is_meta:
        raise MethodError(
            f"method {ready.name} returned a {output.dtype} tensor on {output.device}; expected real values"
        )
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


def _finish(ready: ReadyMethod, pair: ImagePair, values: NDArray[np.float32], seconds: float) -> Fused:
    if ready.post == "minmax" and not ready.card.reference:
        values = _stretched(values)
    clamped = float(np.mean((values < 0.0) | (values > 1.0)))
    scaled = np.clip(values.astype(np.float64), 0.0, 1.0) * 255.0
    if scaled.shape[0] == 1:
        image = _with_luminance_changed(pair.visible, scaled[0] - _luminance_of(pair))
    else:
        image = quantise(scaled.transpose(1, 2, 0))
    return Fused(image, clamped, seconds)


def _stretched(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values from their minimum to their maximum as 0 to 1; an image of one value stays as it is."""
    low, high = values.min(), values.max()
    return values if high <= low else (values - low) / (high - low)


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
