from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fusionbench.datasets.near_duplicates import difference_hash, distances, groups_of, positions_of
from fusionbench.errors import InputError

ALL_BITS = (1 << 64) - 1

hash_values = st.integers(0, ALL_BITS)


def cells(seed: int, size: int = 8) -> np.ndarray:
    """An image of 8 rows of 9 flat cells, `size` pixels each."""
    levels = np.random.default_rng(seed).integers(0, 256, (8, 9))
    return np.kron(levels, np.ones((size, size))).astype(np.uint8)


def test_a_rising_ramp_sets_all_bits_and_a_falling_one_none() -> None:
    ramp = np.tile(np.arange(0, 180, 2, dtype=np.uint8), (64, 1))
    assert difference_hash(ramp) == ALL_BITS
    assert difference_hash(ramp[:, ::-1].copy()) == 0


def test_an_image_without_structure_hashes_to_zero() -> None:
    assert difference_hash(np.full((50, 70), 7, np.uint8)) == 0


@pytest.mark.parametrize("seed", range(5))
def test_bits_are_the_comparisons_of_neighbouring_cells_row_by_row(seed: int) -> None:
    image = cells(seed)
    levels = image[::8, ::8].tolist()
    bits = "".join("01"[row[i + 1] > row[i]] for row in levels for i in range(8))
    assert difference_hash(image) == int(bits, 2)


def test_brightness_contrast_and_size_change_few_bits() -> None:
    image = cells(3, 20)
    darker = (image * 0.4 + 20).astype(np.uint8)
    smaller = np.asarray(Image.fromarray(darker).resize((90, 64)))
    assert bin(difference_hash(image) ^ difference_hash(smaller)).count("1") <= 2


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4)), np.zeros((0, 4), np.uint8)]
)
def test_what_is_no_grey_image_is_refused(image: np.ndarray) -> None:
    with pytest.raises(InputError, match="expected a grey uint8 image"):
        difference_hash(image)


@given(st.lists(hash_values, min_size=1, max_size=8), st.lists(hash_values, min_size=1, max_size=8))
def test_distances_count_the_bits_that_differ(left: list[int], right: list[int]) -> None:
    found = distances(np.array(left, np.uint64), np.array(right, np.uint64))
    assert found.tolist() == [[bin(a ^ b).count("1") for b in right] for a in left]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["00010", "00002"], [10, 2]),
        (["FLIR_6", "FLIR_60"], [6, 60]),
        (["a10", "a2", "b1"], [1, 0, 2]),
        (["00001D", "00004N", "00002D"], [0, 2, 1]),
        (["9" * 30, "1"], [1, 0]),
        ([], []),
    ],
)
def test_positions_are_numbers_where_ids_differ_in_nothing_else(ids: list[str], expected: list[int]) -> None:
    assert positions_of(ids).tolist() == expected


def test_near_images_are_joined_within_the_window_only() -> None:
    hashes = [1, 0xFF << 8, 0xFF << 20]  # 9 bits from the first each, 16 from each other
    far = [ALL_BITS, ALL_BITS >> 32, 0]
    assert groups_of(["1", "11", "12"], hashes, far) == [0, 0, 1]
    assert groups_of(["1", "11", "12"], hashes, far, window=9) == [0, 1, 2]
    assert groups_of(["1", "11", "12"], hashes, far, near=8) == [0, 1, 2]


def test_copies_are_joined_wherever_they_stand_in_either_modality() -> None:
    other = [0, ALL_BITS, 0xFFFFFFFF]
    for visible, infrared in (([5, 5 ^ 0xF, ALL_BITS], other), (other, [5, 5 ^ 0xF, ALL_BITS])):
        assert groups_of(["1", "5000", "9000"], visible, infrared) == [0, 0, 1]
        assert groups_of(["1", "5000", "9000"], visible, infrared, anywhere=3) == [0, 1, 2]


def test_a_sample_between_two_of_one_group_joins_them() -> None:
    odd = [1, ALL_BITS, 1]
    assert groups_of(["1", "2", "3"], odd, odd) == [0, 0, 0]
    assert groups_of(["1", "12", "23"], odd, odd) == [0, 1, 0]


def test_groups_are_numbered_in_the_order_of_their_first_members() -> None:
    assert groups_of(["300", "100", "200"], [1, ALL_BITS, 1], [1, ALL_BITS, 1]) == [0, 1, 0]


def test_images_without_structure_are_no_copies_of_one_another() -> None:
    assert groups_of(["1", "2"], [0, 0], [0, 0]) == [0, 1]
    assert groups_of(["1", "2"], [0, 0], [5, 5]) == [0, 0]


# Few bits, so that many pairs are near.
few_bits = st.integers(0, 7).map(lambda n: 0x0F0F0F0F0F0F0F0F >> n)
samples = st.dictionaries(st.integers(0, 60).map("{:03}".format), st.tuples(few_bits, few_bits), max_size=25)


def grouped(found: dict[str, tuple[int, int]], order: list[str]) -> dict[str, int]:
    groups = groups_of(order, [found[i][0] for i in order], [found[i][1] for i in order])
    return dict(zip(order, groups, strict=True))


@given(samples, st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order(
    found: dict[str, tuple[int, int]], shuffler: random.Random
) -> None:
    order = list(found)
    first = grouped(found, order)
    shuffler.shuffle(order)
    second = grouped(found, order)
    assert {frozenset(i for i in first if first[i] == g) for g in first.values()} == {
        frozenset(i for i in second if second[i] == g) for g in second.values()
    }


@given(samples)
def test_every_pair_that_looks_alike_is_in_one_group(found: dict[str, tuple[int, int]]) -> None:
    groups = grouped(found, sorted(found))
    for left in found:
        for right in found:
            apart = abs(int(left) - int(right))
            bits = min(bin(a ^ b).count("1") for a, b in zip(found[left], found[right], strict=True))
            if bits <= 4 or (bits <= 10 and apart <= 10):
                assert groups[left] == groups[right]
    assert sorted(set(groups.values())) == list(range(len(set(groups.values()))))


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = random.Random(0)
    ids = [f"{n:03}" for n in range(80)]
    hashes = [generator.getrandbits(64) & 0x00FF00FF00FF00FF for _ in ids]
    whole = groups_of(ids, hashes, hashes[::-1])
    monkeypatch.setattr("fusionbench.datasets.near_duplicates._BLOCK", 7)
    assert groups_of(ids, hashes, hashes[::-1]) == whole
    assert 1 < len(set(whole)) < 80


@pytest.mark.parametrize(
    ("ids", "count", "options", "message"),
    [
        (["1", "2"], 1, {}, "2 ids, 1 visible"),
        (["1", "1"], 2, {}, "an id comes twice"),
        (["1"], 1, {"window": -1}, "window -1: expected 0 or more"),
        (["1"], 1, {"near": 65}, "near 65: expected 0 to 64"),
        (["1"], 1, {"anywhere": -1}, "anywhere -1: expected 0 to 64"),
    ],
)
def test_bad_input_is_named(ids: list[str], count: int, options: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        groups_of(ids, [0] * count, [0] * count, **options)
