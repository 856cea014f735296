"""Stages `experts`, `joint` and `finetune`."""

from __future__ import annotations

import pytest
import torch

from fusionbench.contracts import Draw
from fusionbench.errors import InputError
from fusionbench_methods.sgafusion import SGAFusionNet, load_checkpoint, save_checkpoint
from fusionbench_methods.sgafusion.semantics.encoder import COMPACT_SEMANTICS, SemanticEncoder
from fusionbench_methods.sgafusion.training.experts_stage import ExpertsStage
from fusionbench_methods.sgafusion.training.fusion_batches import estimate_in
from fusionbench_methods.sgafusion.training.fusion_stages import FusionStage

SMALL = {"widths": (8, 16, 16, 24), "crop": 64, "report_frames": 1, "report_crop": 96}
MIXTURE = {"clean": 1.0, "haze": 1.0, "low_light": 1.0}


@pytest.fixture
def clip(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "clip.safetensors"
    save_checkpoint(path, None, SemanticEncoder(COMPACT_SEMANTICS))
    return path


@pytest.fixture
def experts(tmp_path, clip, request_for):
    torch.manual_seed(0)
    path = tmp_path / "experts.safetensors"
    ExpertsStage(request_for("experts", earlier={"clip": clip}, mixture=MIXTURE)).write(path, {})
    return path


@pytest.fixture
def earlier(clip, experts):
    return {"clip": clip, "experts": experts}


def trained(stage, steps, rate, again=None):
    """Mean losses before and after: on batches it did not learn from, or on the few it learns again."""
    learning = [weight for weight in stage.module.parameters() if weight.requires_grad]
    optimiser = torch.optim.Adam(learning, rate)
    judged = "held out" if again is None else "x"
    before = losses_of(stage, judged)
    for number in range(steps):
        optimiser.zero_grad()
        stage.loss(stage.batch(Draw(0, "x", number if again is None else number % again)))["total"].backward()
        optimiser.step()
    return before, losses_of(stage, judged)


@torch.no_grad()
def losses_of(stage, judged="held out"):
    rows = [stage.loss(stage.batch(Draw(0, judged, number))) for number in range(4)]
    return {name: sum(float(row[name]) for row in rows) / len(rows) for name in rows[0]}


def test_experts_learn_on_thumbnails(clip, request_for):
    torch.manual_seed(0)
    stage = ExpertsStage(request_for("experts", 8, {"clip": clip}, mixture=MIXTURE))
    encoder = {name: tensor.clone() for name, tensor in stage._encoder.state_dict().items()}
    losses, after = trained(stage, 60, 3e-3)
    for term in ("total", "exposure", "airlight", "transmission"):
        assert after[term] < 0.75 * losses[term], term
    assert all(torch.equal(tensor, encoder[name]) for name, tensor in stage._encoder.state_dict().items())
    report = stage.report()
    assert report["transmission error"] < 0.2 and report["frames"] == 12


def test_joint_learns_fusion_and_segmentation_and_leaves_the_experts_alone(earlier, request_for):
    torch.manual_seed(0)
    stage = FusionStage(request_for("joint", earlier=earlier, mixture=MIXTURE, **SMALL))
    before = {name: tensor.clone() for name, tensor in stage.module.state_dict().items()}
    losses, after = trained(stage, 30, 2e-3)
    assert after["segmentation"] < 0.7 * losses["segmentation"]
    weights = stage.module.state_dict()
    unchanged = {name for name, tensor in weights.items() if torch.equal(tensor, before[name])}
    assert unchanged == {name for name in before if name.startswith("frame_experts.")}
    report = stage.report()
    assert set(report) == set(MIXTURE) and report["clean"]["damage"] == 0.0 < report["haze"]["damage"]


def test_finetune_starts_from_joint_and_leaves_segmentation_alone(tmp_path, earlier, request_for):
    torch.manual_seed(0)
    joint = FusionStage(request_for("joint", earlier=earlier, **SMALL))
    path = tmp_path / "joint.safetensors"
    joint.write(path, {})
    stage = FusionStage(request_for("finetune", earlier={**earlier, "joint": path}, mixture=MIXTURE, **SMALL))
    for name, tensor in joint.module.state_dict().items():
        assert torch.equal(stage.module.state_dict()[name], tensor)
    # The closed form is hard to beat in seconds: of four batches, learnt again and again, it knows more.
    losses, after = trained(stage, 60, 5e-4, again=4)
    assert after["total"] < 0.995 * losses["total"]
    assert torch.equal(stage.module.seg_head.weight, joint.module.seg_head.weight)
    assert not torch.equal(stage.module.fusion_head.weight, joint.module.fusion_head.weight)


def test_a_batch_is_a_function_of_its_draw(earlier, request_for):
    stages = [
        FusionStage(request_for("finetune", earlier=earlier, mixture=MIXTURE, **SMALL)) for _ in range(2)
    ]
    stages[1].batch(Draw(0, "finetune", 1))
    one, other = (stage.batch(Draw(0, "finetune", 5)) for stage in stages)
    assert one["names"] == other["names"]
    assert all(torch.equal(one[name], other[name]) for name in one if name != "names")


def test_told_the_truth_gates_are_the_truth(earlier, request_for):
    stage = FusionStage(
        request_for("finetune", 12, earlier, mixture={"haze": 1.0, "clean": 1.0}, truth=1.0, **SMALL)
    )
    batch = stage.batch(Draw(0, "finetune", 0))
    assert set(map(tuple, estimate_in(batch).gates.tolist())) == {(1.0, 0.0, 1.0), (0.0, 0.0, 0.0)}


@pytest.mark.parametrize("variant", ["released", "paper", "corrected"])
def test_the_released_structure_is_trained_by_the_same_stages(tmp_path, clip, request_for, variant):
    torch.manual_seed(0)
    options = {**SMALL, "widths": (8, 16, 16, 16), "variant": variant}
    stage = FusionStage(request_for("joint", 2, {"clip": clip}, **options))
    assert isinstance(stage.module, SGAFusionNet)
    losses, after = trained(stage, 12, 2e-3)
    assert after["total"] < losses["total"]
    stage.write(tmp_path / "joint.safetensors", {"seed": 1})
    again = load_checkpoint(tmp_path / "joint.safetensors")
    assert again.network.configuration.variant == variant
    assert again.notes == {"seed": 1, "mask_classes": list(stage._request.data.mask_classes)}


@pytest.mark.parametrize(
    "options", [{"semantics": False}, {"experts": False}], ids=["no semantics", "no experts"]
)
def test_ablations_are_trained(tmp_path, clip, request_for, options):
    told = {"semantics": options.get("semantics", True)}
    path = tmp_path / "experts.safetensors"
    ExpertsStage(request_for("experts", earlier={"clip": clip}, mixture=MIXTURE, **told)).write(path, {})
    earlier = {"clip": clip, "experts": path}
    stage = FusionStage(request_for("finetune", 2, earlier, mixture=MIXTURE, **SMALL, **options))
    losses, after = trained(stage, 2, 1e-3)
    assert after["total"] != losses["total"]
    assert stage.module.configuration.semantics is options.get("semantics", True)
    assert (stage.module.frame_experts is None) is (not options.get("experts", True))


def test_a_joint_stage_of_another_variant_is_refused(tmp_path, clip, request_for):
    options = {**SMALL, "widths": (8, 16, 16, 16)}
    joint = FusionStage(request_for("joint", earlier={"clip": clip}, variant="corrected", **options))
    path = tmp_path / "joint.safetensors"
    joint.write(path, {})
    with pytest.raises(InputError, match="holds a network of the variant corrected, the recipe trains fixed"):
        FusionStage(request_for("finetune", earlier={"clip": clip, "joint": path}, **options))


def test_fixed_needs_its_experts(clip, request_for):
    with pytest.raises(InputError, match="needs the stage experts before it"):
        FusionStage(request_for("joint", earlier={"clip": clip}, **SMALL))


def test_every_stage_after_it_needs_clip(request_for):
    for name in ("experts", "joint", "finetune"):
        with pytest.raises(InputError, match=f"stage {name}: needs the stage clip before it"):
            (ExpertsStage if name == "experts" else FusionStage)(request_for(name))


def test_there_is_no_such_variant(clip, request_for):
    with pytest.raises(InputError, match="variant is 'mended'; expected released, paper, corrected, fixed"):
        FusionStage(request_for("joint", earlier={"clip": clip}, variant="mended"))
