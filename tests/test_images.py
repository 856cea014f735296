"""Every kind of file people have, good and bad, read as the 8-bit images the harness works on."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from fusionbench.errors import InputError
from fusionbench.images import image_files, read_infrared, read_pair, read_visible, write_png

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
COLOUR = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=-1)


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def png_16_bit_rgb(path: Path) -> Path:
    """A 2x1 PNG of 16 bits a channel, byte by byte after the PNG specification: Pillow writes none."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    rows = b"\x00" + struct.pack(">6H", 0, 1000, 2000, 3000, 40000, 65535)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


def test_a_colour_png_is_read_without_change(tmp_path: Path) -> None:
    assert np.array_equal(read_visible(saved(tmp_path / "a.png", Image.fromarray(COLOUR))), COLOUR)


def test_a_grey_visible_image_is_repeated_over_the_channels(tmp_path: Path) -> None:
    image = read_visible(saved(tmp_path / "a.png", Image.fromarray(GREY)))
    assert np.array_equal(image, np.stack([GREY] * 3, axis=-1))


def test_infrared_with_three_equal_channels_becomes_that_channel(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.fromarray(np.stack([GREY] * 3, axis=-1)))
    assert np.array_equal(read_infrared(path), GREY)


def test_infrared_whose_channels_differ_by_jpeg_rounding_is_grey(tmp_path: Path) -> None:
    nearly = np.stack([GREY, GREY, np.minimum(GREY + 3, 255)], axis=-1).astype(np.uint8)
    image = read_infrared(saved(tmp_path / "a.png", Image.fromarray(nearly)))
    assert np.abs(image.astype(int) - GREY).max() <= 3


def test_false_colour_infrared_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.fromarray(COLOUR))
    with pytest.raises(InputError, match=r"a\.png: infrared is in false colour"):
        read_infrared(path)


@pytest.mark.parametrize("read", [read_visible, read_infrared])
def test_sixteen_bit_grey_is_refused(tmp_path: Path, read) -> None:
    path = saved(tmp_path / "a.png", Image.fromarray(GREY.astype(np.uint16) * 200))
    with pytest.raises(InputError, match=r"a\.png: has 16 bits a pixel"):
        read(path)


@pytest.mark.parametrize("read", [read_visible, read_infrared])
def test_sixteen_bit_colour_is_refused_and_not_cut_to_eight(tmp_path: Path, read) -> None:
    with pytest.raises(InputError, match=r"a\.png: has 16 bits a channel"):
        read(png_16_bit_rgb(tmp_path / "a.png"))


def test_a_bitmap_of_16_bits_for_all_three_channels_is_no_16_bit_image(tmp_path: Path) -> None:
    pixels = struct.pack("<HH", 0b11111_000000_00000, 0b00000_000000_11111)
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    header = struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, 16, 3, len(pixels), 0, 0, 0, 0)
    start = 14 + len(header) + len(masks)
    path = tmp_path / "a.bmp"
    file_header = b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start)
    path.write_bytes(file_header + header + masks + pixels)
    assert read_visible(path).tolist() == [[[255, 0, 0], [0, 0, 255]]]


def test_a_sixteen_bit_colour_tiff_of_another_library_is_refused(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "a.tif", np.full((4, 4, 3), 40000, np.uint16), photometric="rgb")
    with pytest.raises(InputError, match=r"a\.tif: has 16 bits a channel"):
        read_visible(tmp_path / "a.tif")


def test_floating_point_tiff_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.tif", Image.fromarray(GREY.astype(np.float32)))
    with pytest.raises(InputError, match=r"a\.tif: has "):
        read_infrared(path)


def test_a_palette_image_is_read_by_its_colours(tmp_path: Path) -> None:
    palette = Image.fromarray(GREY // 80).convert("P")
    palette.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120])
    image = read_visible(saved(tmp_path / "a.png", palette))
    assert set(map(tuple, image.reshape(-1, 3))) <= {
        (10, 20, 30),
        (40, 50, 60),
        (70, 80, 90),
        (100, 110, 120),
    }


def test_opaque_alpha_is_dropped(tmp_path: Path) -> None:
    opaque = np.dstack([COLOUR, np.full(GREY.shape, 255, np.uint8)])
    assert np.array_equal(read_visible(saved(tmp_path / "a.png", Image.fromarray(opaque))), COLOUR)


@pytest.mark.parametrize("read", [read_visible, read_infrared])
def test_transparent_pixels_are_refused(tmp_path: Path, read) -> None:
    clear = np.dstack([COLOUR, np.full(GREY.shape, 254, np.uint8)])
    with pytest.raises(InputError, match="transparent"):
        read(saved(tmp_path / "a.png", Image.fromarray(clear)))


@pytest.mark.parametrize("read", [read_visible, read_infrared])
def test_cmyk_is_refused(tmp_path: Path, read) -> None:
    path = saved(tmp_path / "a.jpg", Image.fromarray(COLOUR).convert("CMYK"))
    with pytest.raises(InputError, match=r"a\.jpg: is CMYK"):
        read(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif"])
def test_a_file_cut_short_is_refused(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    whole = saved(tmp_path / f"whole.{suffix}", Image.fromarray(noise)).read_bytes()
    for share in (0.1, 0.5, 0.95):
        path = tmp_path / f"cut.{suffix}"
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(InputError, match=rf"cut\.{suffix}: .*copy or download it again"):
            read_visible(path)


def test_a_flipped_byte_in_a_png_is_noticed(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.fromarray(COLOUR))
    data = bytearray(path.read_bytes())
    data[data.index(b"IDAT") + 8] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"a\.png"):
        read_visible(path)


@pytest.mark.parametrize("content", [b"", b"<html>not here</html>", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_image_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.png: .*copy or download it again"):
        read_visible(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.png: no such file"):
        read_visible(tmp_path / "gone.png")


def test_an_image_of_absurd_size_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.fromarray(GREY))
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", 60000, 60000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    path.write_bytes(data)
    with pytest.raises(InputError, match="more pixels"):
        read_visible(path)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (3, 5)])
def test_tiny_and_odd_sizes_are_read(tmp_path: Path, shape: tuple[int, int]) -> None:
    grey = np.full(shape, 7, np.uint8)
    saved(tmp_path / "v.png", Image.fromarray(np.stack([grey] * 3, axis=-1)))
    saved(tmp_path / "i.png", Image.fromarray(grey))
    assert read_pair("x", tmp_path / "v.png", tmp_path / "i.png").size == shape


def test_a_pair_of_two_sizes_is_refused_naming_both(tmp_path: Path) -> None:
    saved(tmp_path / "v.png", Image.fromarray(COLOUR))
    saved(tmp_path / "i.png", Image.fromarray(GREY[:, :7]))
    with pytest.raises(InputError, match=r"v\.png: is 8x6 but .*i\.png is 7x6"):
        read_pair("x", tmp_path / "v.png", tmp_path / "i.png")


@pytest.mark.parametrize(
    "name", ["with space.png", "Straße bei Nacht.png", "红外 可见光.png", "100%.png", "[x].png"]
)
def test_names_with_spaces_and_any_script_work(tmp_path: Path, name: str) -> None:
    saved(tmp_path / name, Image.fromarray(COLOUR))
    assert [path.name for path in image_files(tmp_path)] == [name]
    assert np.array_equal(read_visible(tmp_path / name), COLOUR)


def test_only_image_files_of_a_folder_are_listed(tmp_path: Path) -> None:
    saved(tmp_path / "b.PNG", Image.fromarray(GREY))
    for other in ("Thumbs.db", ".DS_Store", "._b.png", "notes.txt"):
        (tmp_path / other).write_bytes(b"x")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in image_files(tmp_path)] == ["b.PNG"]


def test_an_error_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(InputError) as raised:
        read_visible(tmp_path / "a.png")
    assert "\n" not in str(raised.value)


@given(image=arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, image: np.ndarray) -> None:
    path = tmp_path_factory.mktemp("written") / "a.png"
    write_png(path, image)
    assert np.array_equal(read_infrared(path), image)
