from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fusionbench.contracts import Box
from fusionbench.datasets.annotations import read_mask, read_voc, read_yolo
from fusionbench.errors import InputError

M3FD_CLASSES = ("People", "Car", "Bus", "Motorcycle", "Lamp", "Truck")
CLASSES = ("person", "bicycle", "car")


def text_file(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_voc_boxes_keep_the_edges_of_the_file(tmp_path: Path, voc: Callable[..., Path]) -> None:
    path = voc(tmp_path / "1.xml", ("person", 3, 4, 10, 20))
    assert read_voc(path, ("person",)) == (Box("person", 3, 4, 10, 20),)


@pytest.mark.parametrize("order", [M3FD_CLASSES, M3FD_CLASSES[::-1]])
def test_voc_classes_map_by_name_whatever_the_order(
    tmp_path: Path, voc: Callable[..., Path], order: tuple[str, ...]
) -> None:
    path = voc(tmp_path / "1.xml", *((name, 0, 0, 1, 1) for name in order))
    assert tuple(box.label for box in read_voc(path, M3FD_CLASSES)) == order


def test_voc_class_names_ignore_case(tmp_path: Path, voc: Callable[..., Path]) -> None:
    (box,) = read_voc(voc(tmp_path / "1.xml", ("people", 0, 0, 1, 1)), M3FD_CLASSES)
    assert box.label == "People"


def test_an_unknown_voc_class_is_named_with_the_known_ones(tmp_path: Path, voc: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match=r"1\.xml: unknown class 'trunk'; .*Truck"):
        read_voc(voc(tmp_path / "1.xml", ("trunk", 0, 0, 1, 1)), M3FD_CLASSES)


def test_a_voc_file_without_object_has_no_box(tmp_path: Path, voc: Callable[..., Path]) -> None:
    assert read_voc(voc(tmp_path / "1.xml"), CLASSES) == ()


@pytest.mark.parametrize("bad", ["", "many", "nan", "inf"])
def test_a_voc_edge_that_is_no_number_is_refused(tmp_path: Path, voc: Callable[..., Path], bad: str) -> None:
    with pytest.raises(InputError, match="xmin of a car"):
        read_voc(voc(tmp_path / "1.xml", ("car", bad, 0, 1, 1)), CLASSES)


def test_a_voc_box_that_ends_before_it_begins_is_refused(tmp_path: Path, voc: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="ends before it begins"):
        read_voc(voc(tmp_path / "1.xml", ("car", 5, 0, 1, 1)), CLASSES)


def test_damaged_xml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"1\.xml: is not valid xml"):
        read_voc(text_file(tmp_path / "1.xml", "<annotation><object>"), CLASSES)


def test_entities_are_refused_before_they_expand(tmp_path: Path) -> None:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE a [<!ENTITY l0 "lol">{levels}]><annotation>&l11;</annotation>'
    with pytest.raises(InputError, match="document type"):
        read_voc(text_file(tmp_path / "1.xml", bomb), CLASSES)


def test_external_entities_are_refused(tmp_path: Path) -> None:
    secret = text_file(tmp_path / "secret", "person")
    entity = f'<!DOCTYPE a [<!ENTITY s SYSTEM "{secret.as_uri()}">]>'
    text = f"{entity}<annotation><object><name>&s;</name></object></annotation>"
    with pytest.raises(InputError, match="document type"):
        read_voc(text_file(tmp_path / "1.xml", text), CLASSES)


def test_yolo_lines_may_have_double_spaces_and_sixteen_digits(tmp_path: Path) -> None:
    path = text_file(
        tmp_path / "1.txt", "2  0.5000000000000000  0.5000000000000000  0.25  0.5  \n\n0 .5 .5 1 1\n"
    )
    assert read_yolo(path, CLASSES, 640, 480) == (
        Box("car", 240, 120, 400, 360),
        Box("person", 0, 0, 640, 480),
    )


def test_an_empty_yolo_file_has_no_box(tmp_path: Path) -> None:
    assert read_yolo(text_file(tmp_path / "1.txt", ""), CLASSES, 640, 480) == ()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 .5 .5 .1", "expected 5 numbers, got 4"),
        ("3 .5 .5 .1 .1", "class id '3'"),
        ("-1 .5 .5 .1 .1", "class id '-1'"),
        ("0 .5 x .1 .1", "expected a number"),
        ("0 320 240 10 10", "not pixels"),
        ("0 nan .5 .1 .1", "expected a number"),
    ],
)
def test_a_bad_yolo_line_is_named_by_its_number(tmp_path: Path, line: str, message: str) -> None:
    path = text_file(tmp_path / "1.txt", f"0 .5 .5 .1 .1\n{line}\n")
    with pytest.raises(InputError, match=rf"1\.txt, line 2: .*{message}"):
        read_yolo(path, CLASSES, 640, 480)


def test_a_binary_label_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "1.txt").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(InputError, match=r"1\.txt: is not a text file"):
        read_yolo(tmp_path / "1.txt", CLASSES, 640, 480)


@given(
    x=st.floats(0.2, 0.8),
    y=st.floats(0.2, 0.8),
    w=st.floats(0, 0.4),
    h=st.floats(0, 0.4),
    size=st.integers(1, 4000),
)
def test_yolo_centre_and_size_are_those_of_the_box(
    tmp_path_factory: pytest.TempPathFactory, x: float, y: float, w: float, h: float, size: int
) -> None:
    path = text_file(tmp_path_factory.mktemp("yolo") / "1.txt", f"1 {x} {y} {w} {h}")
    (box,) = read_yolo(path, CLASSES, size, 2 * size)
    assert (box.x_min + box.x_max) / 2 == pytest.approx(x * size)
    assert (box.y_min + box.y_max) / 2 == pytest.approx(y * 2 * size)
    assert (box.x_max - box.x_min, box.y_max - box.y_min) == pytest.approx((w * size, h * 2 * size))


IDS = np.arange(9, dtype=np.uint8).reshape(3, 3)
NINE = tuple("abcdefghi")


def test_a_grey_mask_gives_its_ids(tmp_path: Path) -> None:
    Image.fromarray(IDS).save(tmp_path / "m.png")
    mask = read_mask(tmp_path / "m.png", NINE)
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, IDS)


def test_a_palette_mask_gives_its_indices_and_not_its_colours(tmp_path: Path) -> None:
    palette = Image.frombytes("P", (3, 3), IDS.tobytes())
    palette.putpalette([value for index in range(9) for value in (index * 20, 255 - index, 7)])
    palette.save(tmp_path / "m.png")
    assert np.array_equal(read_mask(tmp_path / "m.png", NINE), IDS)


def test_a_mask_of_three_equal_channels_gives_its_ids(tmp_path: Path) -> None:
    Image.fromarray(np.stack([IDS] * 3, axis=-1)).save(tmp_path / "m.png")
    assert np.array_equal(read_mask(tmp_path / "m.png", NINE), IDS)


def test_a_mask_id_beyond_the_classes_is_an_error(tmp_path: Path) -> None:
    Image.fromarray(IDS + 1).save(tmp_path / "m.png")
    with pytest.raises(InputError, match=r"m\.png: has class id 9, expected 0 to 8"):
        read_mask(tmp_path / "m.png", NINE)


def test_a_coloured_rendering_is_no_mask(tmp_path: Path) -> None:
    Image.fromarray(np.stack([IDS, IDS, IDS * 0], axis=-1)).save(tmp_path / "m.png")
    with pytest.raises(InputError, match="colour rendering"):
        read_mask(tmp_path / "m.png", NINE)


def test_a_damaged_mask_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.png").write_bytes(b"\x89PNG")
    with pytest.raises(InputError, match=r"m\.png: mask is not an image"):
        read_mask(tmp_path / "m.png", NINE)
