from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionbench.datasets.grouped_split import Item, assigned, count_parts, read_shares, remarks
from fusionbench.errors import InputError

SHARES = {"train": 70.0, "val": 10.0, "test": 20.0}


def in_groups(*sizes: int) -> list[Item]:
    """Images without annotation, in groups of these sizes."""
    groups = [group for group, size in enumerate(sizes) for _ in range(size)]
    return [Item(f"{place:04}", group, None) for place, group in enumerate(groups)]


def drives(count: int, seed: int = 0) -> list[Item]:
    """Groups of various sizes with boxes: cars everywhere, buses in every fifth group."""
    generator = random.Random(seed)
    items = []
    for group in range(count):
        for _ in range(generator.randint(1, 30)):
            boxes = {"Car": generator.randint(0, 8), "Bus": int(group % 5 == 0)}
            items.append(Item(f"{len(items):05}", group, boxes))
    return items


def test_shares_name_the_parts() -> None:
    assert read_shares("70/10/20") == SHARES
    assert read_shares("66.5/33.5") == {"train": 66.5, "test": 33.5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("70/20/20", "sum to 110; write two or three that sum to 100"),
        ("100", "1 shares, or one that is not above 0"),
        ("25/25/25/25", "4 shares"),
        ("100/0/0", "not above 0"),
        ("120/-20", "not above 0"),
        ("nan/50", "not above 0"),
        ("most/few", "is not a row of numbers"),
    ],
)
def test_shares_that_make_no_sense_are_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_shares(text)


def test_many_groups_meet_the_shares_of_images_and_of_every_class() -> None:
    items = drives(250)
    counts = count_parts(items, assigned(items, SHARES, 0), list(SHARES))
    for name, share in SHARES.items():
        assert counts[name].images / len(items) == pytest.approx(share / 100, abs=0.01)
        for label in ("Car", "Bus"):
            whole = sum(part.boxes[label] for part in counts.values())
            assert counts[name].boxes[label] / whole == pytest.approx(share / 100, abs=0.01)


def test_images_alone_are_balanced_where_there_is_no_box() -> None:
    counts = count_parts((items := in_groups(*[1] * 100)), assigned(items, SHARES, 0), list(SHARES))
    assert [part.images for part in counts.values()] == [70, 10, 20]


def test_each_part_gets_a_group_even_beside_a_huge_one() -> None:
    parts = assigned(in_groups(1000, 1, 1), SHARES, 0)
    assert parts[0] == "train"
    assert Counter(parts.values()) == {"train": 1, "val": 1, "test": 1}


def test_fewer_groups_than_parts_is_an_error() -> None:
    with pytest.raises(InputError, match=r"12 images make only 2 groups.*too few for 3 parts; lower --near"):
        assigned(in_groups(6, 6), SHARES, 0)


def test_a_seed_gives_one_split_and_another_seed_another() -> None:
    items = in_groups(*[2] * 60)
    assert assigned(items, SHARES, 1) == assigned(items, SHARES, 1)
    assert assigned(items, SHARES, 1) != assigned(items, SHARES, 2)


group_items = st.lists(
    st.tuples(st.integers(0, 12), st.none() | st.dictionaries(st.sampled_from("abc"), st.integers(0, 5))),
    min_size=3,
    max_size=60,
).filter(lambda found: len({group for group, _ in found}) >= 3)


@given(group_items, st.integers(0, 9), st.randoms(use_true_random=False))
def test_every_group_is_in_one_part_no_part_is_empty_and_order_is_nothing(
    found: list[tuple[int, dict[str, int] | None]], seed: int, shuffler: random.Random
) -> None:
    items = [Item(f"{place:03}", group, boxes) for place, (group, boxes) in enumerate(found)]
    parts = assigned(items, SHARES, seed)
    assert parts.keys() == {item.group for item in items}
    assert set(parts.values()) == set(SHARES)
    counts = count_parts(items, parts, list(SHARES))
    assert sum(part.images for part in counts.values()) == len(items)
    assert sum(part.groups for part in counts.values()) == len(parts)
    shuffler.shuffle(items)
    assert assigned(items, SHARES, seed) == parts


def remarked(items: list[Item]) -> list[str]:
    parts = assigned(items, SHARES, 0)
    return list(remarks(items, SHARES, count_parts(items, parts, list(SHARES))))


def test_a_group_larger_than_a_share_is_remarked() -> None:
    lines = remarked(in_groups(15, *[1] * 85))
    assert any("group 0 (0000 to 0014) holds 15 of 100 images (15 %)" in line for line in lines)
    assert any(line.endswith("more than the share of val (10 %)") for line in lines)


def test_a_class_of_few_groups_is_remarked() -> None:
    items = drives(100)
    lines = remarked([Item(i.id, i.group, {**(i.boxes or {}), "Tram": int(i.group == 3)}) for i in items])
    assert sum("Tram (" in line for line in lines) == 3


def test_missing_annotations_are_remarked() -> None:
    assert remarked(in_groups(*[1] * 60))[0] == "no boxes: balanced by the number of images only"
    items = drives(60)
    items[0] = Item(items[0].id, items[0].group, None)
    assert f"1 of {len(items)} images have no annotation" in remarked(items)[0]
