"""Metrics that compare with the method's own output on the clean pair get it, whoever fused it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fusionbench

STABILITY = ["stability_ssim", "stability_psnr"]


@pytest.fixture
def stability(run, pair_folders, tmp_path):
    """Evaluate the stability of methods under noise; returns the tidy frame."""

    def evaluated(methods, degradation="noise", **more):
        more = {"metrics": STABILITY, **more}
        evaluation = run(
            pair_folders, tmp_path / "results", methods=methods, degradation=degradation, severity=3, **more
        )
        assert evaluation.failures == ()
        return evaluation.to_dataframe().set_index(["method", "metric"])["mean"]

    return evaluated


def by_hand(options, method: str) -> float:
    """Mean stability as SSIM, from single calls."""
    values = []
    for visible in sorted(Path(options["visible"]).glob("*.png")):
        infrared = Path(options["infrared"]) / visible.name
        damaged = fusionbench.degrade(visible, infrared, "noise@3", image_id=visible.stem, dataset="folder")
        fused = fusionbench.fuse(method, damaged.visible, damaged.infrared)
        clean = fusionbench.fuse(method, visible, infrared)
        found = fusionbench.measure(fused, visible, infrared, ["stability_ssim"], fused_clean=clean)
        values.append(found["stability_ssim"])
    return float(np.mean(values))


def test_stability_is_measured_against_the_methods_own_output_on_the_clean_pair(stability, pair_folders):
    found = stability(["average", "max"])
    for method in ("average", "max"):
        assert found[method, "stability_ssim"] == pytest.approx(by_hand(pair_folders, method), rel=1e-12)


def test_a_copy_of_the_source_that_is_not_degraded_is_perfectly_stable(stability):
    found = stability(["infrared", "average"])
    assert [found["infrared", metric] for metric in STABILITY] == [pytest.approx(1.0), 100.0]
    assert found["average", "stability_ssim"] < 0.99


def test_a_clean_condition_has_no_rows_of_stability(run, pair_folders, tmp_path):
    evaluation = run(
        pair_folders,
        tmp_path / "results",
        methods=["average"],
        degradation="clean",
        metrics=["en", "stability_ssim"],
    )
    assert [column.metric for column in evaluation.tables[0].columns] == ["en"]
    assert evaluation.failures == ()


def test_a_method_that_fails_on_the_clean_pair_lacks_only_its_stability(
    run, pair_folders, tmp_path, write_method
):
    picky = write_method("""
        if float(visible.std()) == 0:
            raise ValueError("too flat")
        return infrared
    """)
    for path in Path(pair_folders["visible"]).iterdir():
        Image.fromarray(np.full((48, 64), 90, np.uint8)).save(path)
    evaluation = run(
        pair_folders,
        tmp_path / "results",
        methods=[picky],
        degradation="noise",
        severity=5,
        metrics=["en", "stability_ssim"],
    )
    (row,) = evaluation.tables[0].rows
    assert [column.metric for column in row.values] == ["en"]
    assert all("too flat" in failure for failure in evaluation.failures)


def test_score_takes_a_folder_of_the_clean_outputs(stability, pair_folders, tmp_path):
    expected = stability(["average"])
    for visible in sorted(Path(pair_folders["visible"]).glob("*.png")):
        infrared = Path(pair_folders["infrared"]) / visible.name
        damaged = fusionbench.degrade(visible, infrared, "noise@3", image_id=visible.stem, dataset="folder")
        outputs = {"clean": (visible, infrared), "noisy": (damaged.visible, damaged.infrared)}
        for name, pair in outputs.items():
            (tmp_path / name).mkdir(exist_ok=True)
            Image.fromarray(fusionbench.fuse("average", *pair)).save(tmp_path / name / visible.name)
    scored = fusionbench.score(
        "folder",
        tmp_path / "noisy",
        name="mine",
        fused_clean=tmp_path / "clean",
        dataset_options=pair_folders,
        degradation="noise",
        severity=3,
        metrics=STABILITY,
        results=tmp_path / "scored",
    )
    found = scored.to_dataframe().set_index("metric")["mean"]
    for metric in STABILITY:
        assert found[metric] == pytest.approx(expected["average", metric], rel=1e-12)
