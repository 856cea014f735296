"""The one place that reads, writes and rounds images and converts their colour.

Every image in fusionbench is 8-bit: a fused image is judged as the file a person would save. Rounding is
half up, everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, UnidentifiedImageError

from fusionbench.contracts import DRIVING_HORIZON, ImagePair, MeasuredImage, SourceImages, Uint8Image
from fusionbench.errors import InputError
from fusionbench.whole_files import appearing

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
"""Files a folder reader takes; anything else (Thumbs.db, .DS_Store) is not an image."""

GREY_WEIGHTS = (0.298936021293775, 0.587043074451121, 0.114020904255103)
"""BT.601 luminance as MATLAB's `rgb2gray` computes it (first row of its inverse YIQ matrix)."""

GREY_TOLERANCE = 8
"""Largest difference between the channels of an infrared file that still counts as grey (JPEG rounding)."""

_SIXTEEN_BIT_RAW_MODES = ("RGB;16", "RGBA;16", "RGBa;16", "RGBX;16", "LA;16")
_SIXTEEN_BIT_MODES = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N", "F"})


def quantise(values: NDArray[np.floating]) -> Uint8Image:
    """Round values in 0..255 half up to 8 bits; values outside are clamped.

    Args:
        values: Any shape, finite.
    """
    clamped = np.clip(values, 0.0, 255.0)
    clamped += 0.5
    # Cutting off the fraction is rounding down here, where nothing is negative.
    rounded: Uint8Image = clamped.astype(np.uint8)
    return rounded


def luminance(rgb: NDArray[np.generic]) -> NDArray[np.float64]:
    """Luminance of `(..., 3)` RGB in the range of its input, float64."""
    channels = rgb.astype(np.float64)
    weighted: NDArray[np.float64] = GREY_WEIGHTS[0] * channels[..., 0]
    weighted += GREY_WEIGHTS[1] * channels[..., 1]
    weighted += GREY_WEIGHTS[2] * channels[..., 2]
    return weighted


def to_grey(image: Uint8Image) -> Uint8Image:
    """Grey version `(H, W)` of an 8-bit image: the image itself if it is grey, else its rounded luminance."""
    return image if image.ndim == 2 else quantise(luminance(image))


def measured(image: Uint8Image) -> MeasuredImage:
    """Wrap an image for measurement."""
    return MeasuredImage(rgb=image, grey=to_grey(image))


def measured_sources(pair: ImagePair) -> SourceImages:
    """Wrap a pair as the sources a fused image is compared with."""
    return SourceImages(visible=measured(pair.visible), infrared=measured(pair.infrared))


def image_files(folder: Path) -> list[Path]:
    """Image files directly in a folder, sorted by name; hidden files and other types are left out.

    Raises:
        InputError: If the folder is missing or cannot be listed.
    """
    try:
        entries = sorted(folder.iterdir())
    except FileNotFoundError:
        raise InputError(f"{folder}: no such folder; check the path") from None
    except NotADirectoryError:
        raise InputError(f"{folder}: is a file, expected a folder of images") from None
    except PermissionError:
        raise InputError(f"{folder}: may not be read; check its permissions") from None
    return [
        p
        for p in entries
        if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith(".") and p.is_file()
    ]


def read_visible(path: Path) -> Uint8Image:
    """Read a colour image as `(H, W, 3)` sRGB; a grey one is repeated over the channels.

    Raises:
        InputError: If the file is missing, damaged, 16-bit, CMYK, or really transparent.
    """
    image = _open(path)
    if image.mode in _SIXTEEN_BIT_MODES:
        raise InputError(f"{path}: has 16 bits a pixel; convert it to 8-bit RGB first")
    if image.mode == "CMYK":
        raise InputError(f"{path}: is CMYK; convert it to RGB with its colour profile first")
    return np.asarray(_opaque(image, path).convert("RGB"))


def read_fused(path: Path) -> Uint8Image:
    """Read a fused image as it was saved: `(H, W)` if the file is grey, else `(H, W, 3)`.

    Raises:
        InputError: As `read_visible`.
    """
    image = _open(path)
    return np.asarray(image.convert("L")) if image.mode in {"L", "1"} else read_visible(path)


def read_infrared(path: Path) -> Uint8Image:
    """Read a thermal image as `(H, W)`; three equal channels become one.

    Raises:
        InputError: If the file is missing, damaged, 16-bit (raw counts need a camera's own gain control),
            false-coloured, CMYK, or really transparent.
    """
    image = _open(path)
    if image.mode in _SIXTEEN_BIT_MODES:
        raise InputError(
            f"{path}: has 16 bits a pixel (raw counts); map it to 8 bits with a stated gain first"
        )
    if image.mode == "CMYK":
        raise InputError(f"{path}: is CMYK; convert it to 8-bit grey first")
    image = _opaque(image, path)
    if image.mode in {"L", "1"}:
        return np.asarray(image.convert("L"))
    rgb = np.asarray(image.convert("RGB"))
    spread = int((rgb.max(axis=2) - rgb.min(axis=2)).max(initial=0))
    if spread > GREY_TOLERANCE:
        raise InputError(
            f"{path}: infrared is in false colour (channels differ by {spread} levels); use the grey original"
        )
    grey: Uint8Image = rgb[..., 0].copy() if spread == 0 else to_grey(rgb)
    return grey


def read_pair(image_id: str, visible: Path, infrared: Path, horizon: float = DRIVING_HORIZON) -> ImagePair:
    """Read both files of a pair.

    Raises:
        InputError: As `read_visible` and `read_infrared`, and if the two sizes differ.
    """
    colour = read_visible(visible)
    thermal = read_infrared(infrared)
    if colour.shape[:2] != thermal.shape:
        raise InputError(
            f"{visible}: is {colour.shape[1]}x{colour.shape[0]} but {infrared} is "
            f"{thermal.shape[1]}x{thermal.shape[0]}; register and crop the pair to one size"
        )
    return ImagePair(id=image_id, visible=colour, infrared=thermal, horizon=horizon)


def write_png(path: Path, image: NDArray[np.generic]) -> None:
    """Write an 8-bit (grey, RGB) or 16-bit (grey) image; the file appears complete or not at all.

    Raises:
        InputError: If the folder cannot be written to or the disk is full.
    """
    try:
        with appearing(path) as temporary:
            Image.fromarray(image).save(temporary, format="PNG")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}); choose another folder"
        ) from error


def as_visible(image: ArrayLike | Path | str) -> Uint8Image:
    """Take a path or a uint8 array `(H, W, 3)` or `(H, W)` as a visible image.

    Raises:
        InputError: As `read_visible`, and for arrays of another shape or dtype.
    """
    if isinstance(image, (str, Path)):
        return read_visible(Path(image))
    array = _as_uint8(image, "visible")
    return np.repeat(array[..., None], 3, axis=2) if array.ndim == 2 else array


def as_infrared(image: ArrayLike | Path | str) -> Uint8Image:
    """Take a path or a uint8 array `(H, W)` or `(H, W, 3)` with equal channels as an infrared image.

    Raises:
        InputError: As `read_infrared`, and for arrays of another shape or dtype.
    """
    if isinstance(image, (str, Path)):
        return read_infrared(Path(image))
    array = _as_uint8(image, "infrared")
    if array.ndim == 2:
        return array
    if int((array.max(axis=2) - array.min(axis=2)).max(initial=0)) > GREY_TOLERANCE:
        raise InputError("infrared: its three channels differ; pass the grey image (H, W)")
    return to_grey(array)


def as_fused(image: ArrayLike | Path | str) -> Uint8Image:
    """Take a path or a uint8 array as a fused image, `(H, W, 3)` or `(H, W)` as it was saved.

    Raises:
        InputError: As `read_visible`, and for arrays of another shape or dtype.
    """
    return read_visible(Path(image)) if isinstance(image, (str, Path)) else _as_uint8(image, "fused")


def require_same_size(images: Iterable[tuple[str, Uint8Image]]) -> None:
    """Check that named images have one height and width.

    Raises:
        InputError: Naming the first two that differ.
    """
    first_name, first = "", None
    for name, image in images:
        if first is None:
            first_name, first = name, image
        elif image.shape[:2] != first.shape[:2]:
            raise InputError(
                f"{name} is {image.shape[1]}x{image.shape[0]} but {first_name} is "
                f"{first.shape[1]}x{first.shape[0]}; they must have one size"
            )


def _as_uint8(image: ArrayLike, name: str) -> Uint8Image:
    array = np.asarray(image)
    if array.dtype != np.uint8:
        raise InputError(
            f"{name}: expected a uint8 array, got {array.dtype}; scale to 0..255 and round first"
        )
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3) or array.size == 0:
        raise InputError(f"{name}: expected shape (H, W) or (H, W, 3), got {array.shape}")
    checked: Uint8Image = array
    return checked


def _open(path: Path) -> Image.Image:
    if not path.exists():
        raise InputError(f"{path}: no such file; check the path or download the dataset again")
    try:
        with Image.open(path) as opened:
            # Pillow keeps the upper 8 bits of 16-bit colour without a word; only the raw mode tells.
            if any(raw in str(tile) for tile in opened.tile for raw in _SIXTEEN_BIT_RAW_MODES):
                raise InputError(f"{path}: has 16 bits a channel; convert it to 8-bit first")
            opened.load()
            image: Image.Image = opened
    except UnidentifiedImageError:
        raise InputError(f"{path}: is not an image (or damaged); copy or download it again") from None
    except Image.DecompressionBombError:
        raise InputError(f"{path}: has more pixels than Pillow decodes; cut it into smaller images") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise InputError(f"{path}: cannot be decoded ({error}); copy or download it again") from error
    return image


def _opaque(image: Image.Image, path: Path) -> Image.Image:
    """Drop an alpha channel that hides nothing; refuse one that does."""
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image
    rgba = image.convert("RGBA")
    if np.asarray(rgba)[..., 3].min(initial=255) < 255:
        raise InputError(f"{path}: has transparent pixels; flatten it onto a background first")
    return rgba.convert("RGB")
