from __future__ import annotations

import hashlib
import struct

import numpy as np
from scipy import stats

from fusionbench.degrading import NamedStreams

STREAMS = NamedStreams("msrs", "00001D", "noise", 0)


def test_normals_have_the_moments_of_a_standard_normal() -> None:
    sample = STREAMS.normal("sensor", (1_000_000,)).astype(np.float64)
    assert abs(sample.mean()) < 0.004
    assert abs(sample.var() - 1) < 0.005
    assert abs(stats.kurtosis(sample, fisher=False) - 3) < 0.02
    assert abs(stats.skew(sample)) < 0.01


def test_normals_follow_the_normal_distribution() -> None:
    sample = STREAMS.normal("sensor", (200_000,)).astype(np.float64)
    assert stats.kstest(sample, "norm").pvalue > 0.01


def test_neighbouring_normals_are_independent() -> None:
    sample = STREAMS.normal("sensor", (1_000_000,)).astype(np.float64)
    for lag in (1, 2, 3, 4):
        assert abs((sample[:-lag] * sample[lag:]).mean()) < 0.005


def test_uniforms_fill_the_unit_interval_evenly() -> None:
    sample = STREAMS.uniform("angle", (200_000,))
    assert sample.min() >= 0
    assert sample.max() < 1
    assert stats.kstest(sample, "uniform").pvalue > 0.01


def test_the_documented_key_layout_draws_the_same_numbers() -> None:
    fields = ["fusionbench-degrade/1", "msrs", "00001D", "noise", "sensor", "0"]
    layout = b"".join(struct.pack("<Q", len(field.encode())) + field.encode() for field in fields)
    words = struct.unpack("<2Q", hashlib.blake2b(layout, digest_size=16).digest())
    generator = np.random.Philox(key=words[0] | words[1] << 64)
    numbers = [
        (word >> shift) & 0xFFFF for word in generator.random_raw(5).tolist() for shift in (0, 16, 32, 48)
    ]
    expected = stats.norm.ppf((np.array(numbers) + 0.5) / 65536)
    np.testing.assert_allclose(STREAMS.normal("sensor", (4, 5)).ravel(), expected, rtol=1e-6, atol=1e-7)


def test_every_part_of_the_name_changes_the_field() -> None:
    names = [
        NamedStreams("m3fd", "00001D", "noise", 0),
        NamedStreams("msrs", "00002D", "noise", 0),
        NamedStreams("msrs", "00001D", "low_light", 0),
        NamedStreams("msrs", "00001D", "noise", 1),
        STREAMS,
    ]
    fields = {name.normal("sensor", (8,)).tobytes() for name in names}
    fields.add(STREAMS.normal("another", (8,)).tobytes())
    assert len(fields) == 6


def test_parts_that_join_to_the_same_text_do_not_collide() -> None:
    first = NamedStreams("ab", "c", "noise", 0).uniform("x", (4,))
    second = NamedStreams("a", "bc", "noise", 0).uniform("x", (4,))
    assert not np.array_equal(first, second)


def test_a_larger_field_begins_with_the_smaller_one() -> None:
    np.testing.assert_array_equal(STREAMS.normal("x", (10,)), STREAMS.normal("x", (3, 7)).ravel()[:10])
