"""What a step learns from is a function of names and numbers."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionbench.contracts import Draw, named_generator


@settings(deadline=None, max_examples=30)
@given(
    population=st.integers(1, 40),
    count=st.integers(1, 9),
    processes=st.integers(1, 3),
    seed=st.integers(0, 10),
)
def test_every_item_comes_once_in_each_round(population, count, processes, seed):
    steps = -(-2 * population // (count * processes))
    picked = [
        item
        for step in range(steps)
        for rank in range(processes)
        for item in Draw(seed, "clip", step, rank, processes).picks("frames", count, population)
    ]
    for round_ in range(2):
        assert sorted(picked[round_ * population : (round_ + 1) * population]) == list(range(population))


def test_rounds_have_orders_of_their_own():
    rounds = [tuple(Draw(0, "clip", step).picks("frames", 20, 20)) for step in range(3)]
    assert len(set(rounds)) == 3


@pytest.mark.parametrize(
    "other",
    [
        Draw(1, "clip", 5),
        Draw(0, "joint", 5),
        Draw(0, "clip", 6),
        Draw(0, "clip", 5, rank=1, processes=2),
    ],
    ids=["seed", "stage", "step", "rank"],
)
def test_each_part_of_a_draw_changes_its_numbers(other):
    assert Draw(0, "clip", 5).generator("crop").random() != other.generator("crop").random()


def test_purposes_have_streams_of_their_own():
    draw = Draw(0, "clip", 5)
    assert draw.generator("crop").random() != draw.generator("flip").random()
    assert draw.generator("crop").random() == draw.generator("crop").random()


def test_another_process_draws_the_same():
    # Python's hash of text differs between processes; names must not go through it.
    program = "from fusionbench.contracts import Draw; print(Draw(3, 'joint', 7).generator('x').random())"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == str(Draw(3, "joint", 7).generator("x").random())


def test_names_are_kept_apart():
    assert named_generator("ab", "c").random() != named_generator("a", "bc").random()


def test_the_generator_is_numpys_philox_under_a_published_key():
    import hashlib

    layout = b"".join(len(name).to_bytes(8, "little") + name for name in (b"0", b"clip", b"crop", b"5", b"0"))
    key = int.from_bytes(hashlib.blake2b(layout, digest_size=16).digest(), "little")
    expected = np.random.Generator(np.random.Philox(key=key)).random(4)
    assert np.array_equal(Draw(0, "clip", 5).generator("crop").random(4), expected)
