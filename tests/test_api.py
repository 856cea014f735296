"""The Python interface has the words of the command line, one call each."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fusionbench
from fusionbench.errors import InputError
from fusionbench.images import read_infrared, read_visible


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    visible = generator.integers(0, 256, (48, 56, 3), dtype=np.uint8)
    return visible, generator.integers(0, 256, (48, 56), dtype=np.uint8)


def test_measure_returns_every_metric_by_name(pair):
    visible, infrared = pair
    values = fusionbench.measure(fusionbench.fuse("average", visible, infrared), visible, infrared)
    assert {"en", "sd", "sf", "mi", "vif", "qabf", "ssim"} <= set(values)
    assert all(isinstance(value, float) for value in values.values())


def test_measure_takes_paths_and_arrays_alike(pair_folders):
    paths = [f"{pair_folders[name]}/pair 0.png" for name in ("visible", "infrared")]
    arrays = [read_visible(Path(paths[0])), read_infrared(Path(paths[1]))]
    assert fusionbench.measure(paths[1], *paths) == fusionbench.measure(arrays[1], *arrays)


def test_measure_refuses_an_image_of_another_size(pair):
    visible, infrared = pair
    with pytest.raises(InputError, match=r"fused is 55x48 but visible is 56x48"):
        fusionbench.measure(infrared[:, 1:], visible, infrared)


def test_measure_refuses_float_images(pair):
    visible, infrared = pair
    with pytest.raises(InputError, match=r"fused: expected a uint8 array, got float64"):
        fusionbench.measure(infrared / 255, visible, infrared)


def test_measure_says_which_metric_needs_a_larger_image(pair):
    visible, infrared = (image[:8, :8] for image in pair)
    with pytest.raises(InputError, match=r"vif: image is 8x8; VIF needs at least"):
        fusionbench.measure(infrared, visible, infrared, metrics=["vif"])


def test_degrade_returns_the_damaged_and_the_clean_pair_and_maps(pair):
    visible, infrared = pair
    result = fusionbench.degrade(visible, infrared, "haze@3", seed=0, image_id="x")
    np.testing.assert_array_equal(result.clean_visible, visible)
    np.testing.assert_array_equal(result.clean_infrared, infrared)
    assert result.visible.shape == visible.shape
    assert not np.array_equal(result.visible, visible)
    assert result.maps["transmission"].shape == infrared.shape


def test_degrade_depends_on_seed_and_image_id(pair):
    results = [
        fusionbench.degrade(*pair, "noise@3", seed=seed, image_id=name).visible
        for seed, name in ((0, "x"), (0, "x"), (1, "x"), (0, "y"))
    ]
    np.testing.assert_array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])
    assert not np.array_equal(results[0], results[3])


def test_degrade_uses_depth_where_it_is_known(pair):
    depth = np.full((48, 56), 10.0, dtype=np.float32)
    depth[:, 28:] = 80.0
    transmission = fusionbench.degrade(*pair, "haze@3", depth=depth).maps["transmission"]
    assert transmission[:, :28].min() > transmission[:, 28:].max()


def test_degrade_refuses_depth_of_another_size(pair):
    with pytest.raises(InputError, match=r"depth: is \(4, 4\), expected \(48, 56\)"):
        fusionbench.degrade(*pair, "haze@3", depth=np.ones((4, 4), np.float32))


def test_fuse_raw_is_the_methods_own_output(pair):
    visible, infrared = pair
    raw = fusionbench.fuse("infrared", visible, infrared, raw=True)
    assert raw.dtype == np.float32
    np.testing.assert_allclose(raw[0], infrared / 255, atol=1e-7)


def test_score_gives_what_evaluate_gives_for_the_same_images(pair_folders, tmp_path):
    for index in range(3):
        paths = [f"{pair_folders[name]}/pair {index}.png" for name in ("visible", "infrared")]
        (tmp_path / "fused").mkdir(exist_ok=True)
        Image.fromarray(fusionbench.fuse("lp", *paths)).save(tmp_path / "fused" / f"pair {index}.png")
    common = {"dataset_options": pair_folders, "results": tmp_path / "results"}
    scored = fusionbench.score("folder", tmp_path / "fused", name="theirs", **common)
    evaluated = fusionbench.evaluate("folder", methods=["lp"], **common)
    means = [[value.mean for value in e.tables[0].rows[0].values.values()] for e in (scored, evaluated)]
    assert means[0] == means[1]


def test_score_refuses_a_folder_that_belongs_to_another_dataset(pair_folders, tmp_path):
    Image.new("L", (64, 48)).save(tmp_path / "else.png")
    with pytest.raises(InputError, match="no image is named like one of the 3 samples"):
        fusionbench.score("folder", tmp_path, name="x", dataset_options=pair_folders, results=tmp_path / "r")


def test_score_fails_the_images_that_are_missing_and_names_the_extra_ones(pair_folders, tmp_path):
    (tmp_path / "fused").mkdir()
    for name in ("pair 0", "pair 1", "stranger"):
        Image.new("L", (64, 48), 90).save(tmp_path / "fused" / f"{name}.png")
    common = {"dataset_options": pair_folders, "results": tmp_path / "results", "metrics": ["en", "ssim"]}
    scored = fusionbench.score("folder", tmp_path / "fused", name="theirs", **common)
    assert len(scored.failures) == 1
    assert "has no image called pair 2" in scored.failures[0]
    assert scored.unscored == ("stranger",)


def test_leaderboard_reads_what_was_evaluated(pair_folders, tmp_path):
    results = tmp_path / "results"
    fusionbench.evaluate(
        "folder", dataset_options=pair_folders, methods=["average"], metrics=["en"], results=results
    )
    (table,) = fusionbench.leaderboard(results)
    assert [row.method for row in table.rows] == ["average"]


def test_an_evaluation_is_a_tidy_frame(pair_folders, tmp_path):
    evaluation = fusionbench.evaluate(
        "folder",
        dataset_options=pair_folders,
        degradation="noise",
        severity="1-2",
        methods=["average", "max"],
        metrics=["en", "ssim"],
        results=tmp_path / "results",
    )
    frame = evaluation.to_dataframe()
    assert set(frame["severity"]) == {"1", "2", "1, 2"}
    assert len(frame) == 3 * 2 * 3


def test_importing_fusionbench_imports_nothing_heavy():
    code = "import sys, fusionbench; print([m for m in ('torch', 'numpy', 'pandas') if m in sys.modules])"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"


def test_measure_refuses_weights_of_a_metric_nobody_asked_for(pair):
    with pytest.raises(InputError, match="niqqe"):
        fusionbench.measure(pair[0], *pair, ["en"], weights={"niqqe": "x.mat"})


def test_score_refuses_clean_outputs_of_another_dataset(pair_folders, tmp_path):
    (tmp_path / "other").mkdir()
    Image.fromarray(np.zeros((48, 64), np.uint8)).save(tmp_path / "other" / "else.png")
    with pytest.raises(InputError, match="check --fused-clean"):
        fusionbench.score(
            "folder",
            pair_folders["visible"],
            name="mine",
            fused_clean=tmp_path / "other",
            dataset_options=pair_folders,
            degradation="haze",
            metrics=["stability_ssim"],
            results=tmp_path / "results",
        )
