"""Presets, and the whole way from scenes to a table."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from fusionbench import registry
from fusionbench.cli.app import app
from fusionbench.datasets import open_dataset
from fusionbench.errors import InputError
from fusionbench.training import plan_training
from fusionbench.training.logbook import read_log
from fusionbench.training.settings import read_settings
from fusionbench.training.sources import stage_data
from fusionbench_methods.sgafusion.segmentation_head import SGAFusionHead
from fusionbench_methods.sgafusion.semantics.encoder import DEGRADATION_CLASSES
from fusionbench_methods.sgafusion.training.recipe import PRESETS, SGAFusionRecipe

SMALLER = {
    "limit": "4",
    "longest_side": "160",
    "clip.steps": "60",
    "experts.steps": "40",
    "joint.steps": "30",
    "finetune.steps": "45",
    "joint.crop": "48",
    "finetune.crop": "48",
    "report_frames": "2",
    "joint.report_crop": "64",
    "finetune.report_crop": "64",
}


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_understood(preset):
    settings = read_settings(SGAFusionRecipe.card, preset)
    names = [stage.name for stage in settings.stages]
    own = ["clip", "experts", "joint", "finetune"]
    assert names == (own if preset in ("fixed", "tiny", "vif") else ["clip", "joint", "finetune"])


def test_by_default_nine_degradations_are_told_apart():
    clip = read_settings(SGAFusionRecipe.card, "fixed").stages[0]
    assert set(clip.data.conditions) == set(DEGRADATION_CLASSES)


def test_vif_is_trained_on_by_one_recipe_alone():
    weights = {}
    for preset in PRESETS:
        finetune = read_settings(SGAFusionRecipe.card, preset).stages[-1]
        weights[preset] = finetune.options["loss"]["fidelity"]
    assert {preset for preset, weight in weights.items() if weight} == {"vif"}


def test_the_released_recipe_has_the_released_flaws():
    settings = read_settings(SGAFusionRecipe.card, "released")
    clip, joint, finetune = settings.stages
    assert settings.precision == "fp16"
    assert (clip.options["adapters"], clip.options["normalised"]) == (False, False)
    assert joint.optimisation.schedule == finetune.optimisation.schedule == "half_then_compounding"
    assert joint.optimisation.clip == 1 / 65536
    assert (joint.optimisation.steps / joint.optimisation.epoch, joint.optimisation.batch) == (50, 1)


def test_from_scenes_to_a_table(tmp_path):
    """All stages, smaller still than `tiny`: losses fall, and `eval` uses what came out."""
    out = tmp_path / "run"
    settings = [word for name, value in SMALLER.items() for word in ("--set", f"{name}={value}")]
    command = ["train", "sgafusion", "--recipe", "tiny", "--dataset", "scenes", "--out", str(out), *settings]
    trained = CliRunner().invoke(app, [*command, "--device", "cpu"], catch_exceptions=False)
    assert trained.exit_code == 0, trained.output
    assert f"trained: {out / 'finetune.safetensors'}" in trained.output.replace("\n", "")
    for stage, count in (("clip", 20), ("experts", 10)):
        losses = [row["total"] for row in read_log(out / stage)]
        assert sum(losses[-count:]) < 0.8 * sum(losses[:count]), stage
    segmentation = [row["segmentation"] for row in read_log(out / "joint")]
    assert sum(segmentation[-8:]) < 0.85 * sum(segmentation[:8])
    weights = f"sgafusion={out / 'finetune.safetensors'}"
    kept = ["--results", str(tmp_path / "results"), "--out", str(tmp_path / "tables")]
    asked = ["eval", "--dataset", "scenes", "--limit", "1", "--degradation", "haze", "--metric", "qabf,ssim"]
    methods = ["--method", "sgafusion,average", "--weights", weights]
    table = CliRunner().invoke(app, [*asked, *methods, *kept], catch_exceptions=False)
    assert table.exit_code == 0, table.output
    (written,) = (tmp_path / "tables").glob("*.md")
    assert "fixed, compact encoder" in written.read_text()
    before, after = (
        json.loads((out / f"{stage}.json").read_text())["report"] for stage in ("joint", "finetune")
    )
    assert after.keys() == {"clean", "haze", "low_light"}
    assert after["haze"]["total"] < before["haze"]["total"]
    probe = SGAFusionHead(out / "joint.safetensors")
    assert probe.classes == registry.load("dataset", "scenes").card.mask_classes


def test_no_masks_for_joint(pair_folders, tmp_path):
    card = next(card for card in SGAFusionRecipe.card.stages if card.name == "joint")
    folder = open_dataset("folder", options=pair_folders)
    assert all(folder.labels(sample).mask is None for sample in folder.samples)
    roadscene = tmp_path / "RoadScene"
    for name, kind in (("crop_LR_visible", "visible"), ("cropinfrared", "infrared")):
        (roadscene / name).mkdir(parents=True)
        for number in range(6):
            source = next(iter((tmp_path / "data" / kind).glob("*.png")))
            (roadscene / name / f"FLIR_{number:05d}.png").write_bytes(source.read_bytes())
    settings = read_settings(SGAFusionRecipe.card, "fixed", datasets=["roadscene"]).stages[2]
    with pytest.raises(InputError, match=r"joint: roadscene has no mask for FLIR_00000; .*datasets=scenes"):
        stage_data(card, settings.data, 0, tmp_path, tmp_path / "frames")


def test_the_plan_names_where_things_go(tmp_path):
    plan = plan_training("sgafusion", "tiny", out=tmp_path)
    assert plan.artefact("joint") == tmp_path / "joint.safetensors"
