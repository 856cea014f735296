"""Stage `clip`: an encoder learns to name degradations."""

from __future__ import annotations

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from fusionbench.contracts import Draw
from fusionbench.errors import InputError
from fusionbench_methods.sgafusion import load_checkpoint
from fusionbench_methods.sgafusion.semantics.encoder import SemanticConfiguration, SemanticEncoder
from fusionbench_methods.sgafusion.semantics.preparation import CLIP_PREPARATION, Preparation
from fusionbench_methods.sgafusion.semantics.towers import CLIP_TOWER, TowerConfiguration, build_tower
from fusionbench_methods.sgafusion.training.clip_stage import ClipStage, adapt
from tests.methods.sgafusion.training.conftest import CONDITIONS

SMALL_TOWER = TowerConfiguration("small", 32, 8, 32, 2, 16, 24, quick_gelu=True)
OPTIONS = {"adapters": True, "rank": 4, "alpha": 8.0}


def small_encoder(tower=SMALL_TOWER, preparation=None):
    torch.manual_seed(0)
    encoder = SemanticEncoder(SemanticConfiguration(tower, preparation or Preparation(32), CONDITIONS, 16))
    adapt(encoder, OPTIONS)
    return encoder


def step(stage, number, optimiser):
    optimiser.zero_grad()
    losses = stage.loss(stage.batch(Draw(0, "clip", number)))
    losses["total"].backward()
    optimiser.step()
    return float(losses["total"].detach())


def test_the_compact_encoder_learns_to_tell_haze_from_darkness(request_for):
    torch.manual_seed(0)
    stage = ClipStage(request_for("clip", 12))
    optimiser = torch.optim.Adam(stage.module.parameters(), 2e-3)
    losses = [step(stage, number, optimiser) for number in range(80)]
    assert sum(losses[-10:]) < 0.3 * sum(losses[:10])
    report = stage.report()
    assert report["accuracy"] >= 0.9 and report["frames"] == 12
    assert sum(sum(row.values()) for row in report["confusion"].values()) == 12


def test_a_batch_is_a_function_of_its_draw(request_for):
    first, second = (ClipStage(request_for("clip")) for _ in range(2))
    second.batch(Draw(0, "clip", 3))
    one, other = (stage.batch(Draw(0, "clip", 7)) for stage in (first, second))
    assert torch.equal(one["images"], other["images"]) and one["names"] == other["names"]


def test_classes_come_alike_often(request_for):
    stage = ClipStage(request_for("clip", 30))
    labels = torch.cat([stage.batch(Draw(0, "clip", number))["labels"] for number in range(20)])
    assert [float((labels == each).float().mean()) for each in range(3)] == pytest.approx(
        [1 / 3] * 3, abs=0.08
    )


def test_of_an_adapted_tower_adapters_and_head_learn_and_nothing_else(request_for):
    stage = ClipStage(request_for("clip"), small_encoder())
    before = {name: tensor.clone() for name, tensor in stage.module.state_dict().items()}
    optimiser = torch.optim.Adam([w for w in stage.module.parameters() if w.requires_grad], 1e-2)
    for number in range(3):
        step(stage, number, optimiser)
    changed = {
        name for name, tensor in stage.module.state_dict().items() if not torch.equal(tensor, before[name])
    }
    learning = {name for name, weight in stage.module.named_parameters() if weight.requires_grad}
    assert changed == learning
    assert sum(".lora_" in name for name in learning) == 2 * 6 * 2
    assert {name for name in learning if ".lora_" not in name} == {
        "fc1.weight",
        "fc1.bias",
        "fc2.weight",
        "fc2.bias",
    }


def test_an_adapted_tower_learns(request_for):
    stage = ClipStage(request_for("clip", 12), small_encoder())
    optimiser = torch.optim.Adam([w for w in stage.module.parameters() if w.requires_grad], 5e-3)
    losses = [step(stage, number, optimiser) for number in range(60)]
    assert sum(losses[-10:]) < 0.6 * sum(losses[:10])


def test_the_adapter_is_kept_by_peft_with_the_head_beside_it(request_for, tmp_path):
    stage = ClipStage(request_for("clip"), small_encoder())
    optimiser = torch.optim.Adam([w for w in stage.module.parameters() if w.requires_grad], 1e-2)
    step(stage, 0, optimiser)
    stage.write(tmp_path / "clip.safetensors", {"seed": 0})
    torch.manual_seed(0)
    tower = PeftModel.from_pretrained(build_tower(SMALL_TOWER), str(tmp_path / "adapter"))
    stage.module.eval()
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(tower(images), stage.module.tower(images), atol=1e-6)
    head = load_file(tmp_path / "adapter" / "head.safetensors")
    assert torch.equal(head["fc2.weight"], stage.module.fc2.weight)
    kept = load_checkpoint(tmp_path / "clip.safetensors").encoder
    visible = torch.rand(1, 3, 50, 60)
    with torch.no_grad():
        assert torch.allclose(kept.eval()(visible), stage.module(visible), atol=1e-5)


def test_one_step_of_clips_own_tower_with_random_weights(request_for):
    stage = ClipStage(request_for("clip", 2), small_encoder(CLIP_TOWER, CLIP_PREPARATION))
    batch = stage.batch(Draw(0, "clip", 0))
    assert batch["images"].shape == (2, 3, 224, 224)
    learning = {name: weight for name, weight in stage.module.named_parameters() if weight.requires_grad}
    adapters = sum(weight.numel() for name, weight in learning.items() if ".lora_" in name)
    assert adapters == 663_552
    optimiser = torch.optim.Adam(learning.values(), 1e-2)
    step(stage, 0, optimiser)
    step(stage, 1, optimiser)
    assert [name for name, weight in learning.items() if not weight.grad.any()] == []


def test_no_clip_weights_and_no_network(request_for, monkeypatch, tmp_path):
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"ViT-B-32.pt: CLIP's weights are not here; get them with"):
        ClipStage(request_for("clip", encoder="clip"))


def test_there_is_no_such_encoder(request_for):
    with pytest.raises(InputError, match="encoder is 'clap'; expected compact or clip"):
        ClipStage(request_for("clip", encoder="clap"))
