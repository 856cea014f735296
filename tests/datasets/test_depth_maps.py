"""A user's own depth maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import fusionbench
from fusionbench.contracts import Dataset
from fusionbench.datasets import open_dataset
from fusionbench.errors import InputError
from fusionbench.images import write_png


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, str]:
    generator = np.random.default_rng(0)
    for name in ("a", "b"):
        write_png(tmp_path / "vi" / f"{name}.png", generator.integers(0, 256, (40, 50, 3), dtype=np.uint8))
        write_png(tmp_path / "ir" / f"{name}.png", generator.integers(0, 256, (40, 50), dtype=np.uint8))
    (tmp_path / "depth").mkdir()
    return {
        name: str(tmp_path / path)
        for name, path in (("visible", "vi"), ("infrared", "ir"), ("depth", "depth"))
    }


def opened(folders: dict[str, str]) -> Dataset:
    return open_dataset("folder", options=folders)


def ramp() -> np.ndarray:
    return np.linspace(256, 60000, 40 * 50).reshape(40, 50).astype(np.uint16)


def test_a_16_bit_map_is_in_steps_of_a_256th_of_a_metre_and_its_top_is_sky(folders, tmp_path):
    counts = ramp()
    counts[0] = 65535
    write_png(tmp_path / "depth/a.png", counts)
    dataset = opened(folders)
    depth = dataset.load(dataset.samples[0]).depth
    assert np.isposinf(depth[0]).all()
    np.testing.assert_allclose(depth[1:], counts[1:] / 256.0, rtol=1e-6)


def test_an_array_is_in_metres(folders, tmp_path):
    metres = np.full((40, 50), 12.5, np.float64)
    np.save(tmp_path / "depth/a.npy", metres)
    dataset = opened(folders)
    np.testing.assert_array_equal(dataset.load(dataset.samples[0]).depth, metres.astype(np.float32))


def test_a_map_that_is_missing_fails_its_pair_alone(folders, tmp_path):
    write_png(tmp_path / "depth/b.png", ramp())
    dataset = opened(folders)
    with pytest.raises(InputError, match=r"has no depth map for a; give one a\.png or a\.npy"):
        dataset.load(dataset.samples[0])
    assert dataset.load(dataset.samples[1]).depth is not None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((40, 50), np.uint16), "no distance"),
        (np.full((30, 50), 9, np.uint16), "is 50x30 but its pair is 50x40"),
        (np.full((40, 50), 9, np.uint8), "expected 16-bit grey"),
    ],
)
def test_what_is_no_depth_is_refused_by_name(folders, tmp_path, values, message):
    write_png(tmp_path / "depth/a.png", values)
    dataset = opened(folders)
    with pytest.raises(InputError, match=rf"a\.png: .*{message}"):
        dataset.load(dataset.samples[0])


@pytest.mark.parametrize("bad", [np.nan, -1.0, 0.0])
def test_an_array_with_values_that_are_no_distance_is_refused(folders, tmp_path, bad):
    metres = np.full((40, 50), 12.5, np.float32)
    metres[3, 4] = bad
    np.save(tmp_path / "depth/a.npy", metres)
    dataset = opened(folders)
    with pytest.raises(InputError, match="no distance"):
        dataset.load(dataset.samples[0])


def test_a_pickled_array_is_never_loaded(folders, tmp_path):
    np.save(tmp_path / "depth/a.npy", np.array([{}], dtype=object), allow_pickle=True)
    dataset = opened(folders)
    with pytest.raises(InputError, match="cannot be read as an array"):
        dataset.load(dataset.samples[0])


def test_a_missing_folder_is_refused(folders, tmp_path):
    with pytest.raises(InputError, match="no such folder of depth maps"):
        opened({**folders, "depth": str(tmp_path / "nowhere")})


def test_results_with_and_without_own_depth_never_share_a_table(folders, tmp_path):
    for name in ("a", "b"):
        write_png(tmp_path / "depth" / f"{name}.png", ramp())
    prior = {name: folders[name] for name in ("visible", "infrared")}
    settings = {
        "degradation": "haze",
        "methods": ["average"],
        "metrics": ["sd"],
        "results": tmp_path / "results",
    }
    for options in (prior, folders):
        fusionbench.evaluate("folder", dataset_options=options, **settings)
    tables = fusionbench.leaderboard(tmp_path / "results")
    assert len(tables) == 2
    assert len({table.rows[0].values[table.columns[0]].mean for table in tables}) == 2
