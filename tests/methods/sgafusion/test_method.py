"""SGAFusion as the harness runs it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import fusionbench
from fusionbench import registry
from fusionbench.contracts import FusionMethod
from fusionbench.errors import InputError
from fusionbench.evaluation.method_choice import choose_methods
from fusionbench.method_references import card_with
from fusionbench.ranking.markdown import render_markdown
from fusionbench.ranking.tidy import render_csv
from fusionbench_methods.sgafusion import SGAFusionNet, load_checkpoint, save_checkpoint
from fusionbench_methods.sgafusion.method import SGAFusion

pytest.importorskip("open_clip")


@pytest.fixture
def checkpoint(tmp_path: Path, small_network, small_encoder) -> Path:
    path = tmp_path / "trained.safetensors"
    save_checkpoint(path, small_network("corrected").float(), small_encoder)
    return path


def images(count: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.rand(count, 3, 33, 40), torch.rand(count, 1, 33, 40)


def test_by_default_only_what_lacks_nothing_is_run(tmp_path: Path):
    evaluation = fusionbench.evaluate(
        "scenes",
        dataset_options={"count": "1", "size": "96x72"},
        metrics=["sd"],
        results=tmp_path / "results",
    )
    run = {row.method for row in evaluation.tables[0].rows}
    every = registry.load_all("method")
    slow = {name for name, method in every.items() if not method.card.by_default}
    assert set(every) - run == slow | {name for name, method in every.items() if method.card.needs}
    assert not run & {"densefuse", "sgafusion", "sgafusion-untrained"}


def test_asked_for_all_it_is_among_them():
    chosen, left_out = choose_methods(["all"], {})
    assert "sgafusion" in chosen
    assert any(reason.startswith("sgafusion-untrained: needs to be asked for by name") for reason in left_out)


def test_without_its_extra_it_is_left_out_of_all_with_the_remedy(monkeypatch):
    monkeypatch.setattr("fusionbench.evaluation.method_choice.find_spec", lambda module: None)
    chosen, left_out = choose_methods(["all"], {})
    assert "sgafusion" not in chosen
    assert any("pip install" in reason for reason in left_out if reason.startswith("sgafusion:"))


def test_the_table_says_which_variant_and_which_encoder(tmp_path: Path, checkpoint):
    evaluation = fusionbench.evaluate(
        "scenes",
        dataset_options={"count": "1", "size": "96x72"},
        methods=["sgafusion"],
        weights={"sgafusion": checkpoint},
        metrics=["sd"],
        results=tmp_path / "results",
    )
    assert not evaluation.failures
    assert "corrected, compact encoder" in render_markdown(evaluation.tables[0])
    assert "corrected, compact encoder" in render_csv(evaluation.tables[0])


def test_it_fuses_what_network_and_encoder_do(checkpoint):
    method, (visible, infrared) = SGAFusion(checkpoint), images(2)
    assert isinstance(method, FusionMethod)
    held = load_checkpoint(checkpoint)
    expected = held.network.fuse(visible, infrared, held.encoder.embed(visible)).clamp(0, 1)
    torch.testing.assert_close(method.fuse(visible, infrared), expected, rtol=0, atol=1e-5)


def test_an_image_is_fused_alike_alone_and_in_a_batch(checkpoint):
    method, (visible, infrared) = SGAFusion(checkpoint), images(3)
    alone = [method.fuse(visible[i : i + 1], infrared[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(method.fuse(visible, infrared), torch.cat(alone), rtol=0, atol=1e-5)


def test_the_ablations_of_the_embedding_change_what_is_fused(checkpoint):
    visible, infrared = images()
    fused = {
        kind: SGAFusion(checkpoint, embedding=kind).fuse(visible, infrared)
        for kind in ("true", "zero", "shuffled")
    }
    assert not torch.allclose(fused["true"], fused["zero"])
    assert not torch.allclose(fused["true"], fused["shuffled"])
    held = load_checkpoint(checkpoint)
    expected = held.network.fuse(visible, infrared, torch.zeros(1, 12)).clamp(0, 1)
    torch.testing.assert_close(fused["zero"], expected)


def test_a_network_without_encoder_says_what_to_do(tmp_path: Path):
    torch.save(SGAFusionNet("released").state_dict(), tmp_path / "official.pth")
    with pytest.raises(InputError, match="combine_checkpoints"):
        SGAFusion(tmp_path / "official.pth")
    assert card_with(SGAFusion, tmp_path / "official.pth").detail == "released, no encoder"


def test_random_weights_have_a_name_of_their_own_and_are_never_ranked():
    untrained = registry.method_class("sgafusion-untrained")
    assert untrained.card.reference
    visible, infrared = images()
    before = torch.random.get_rng_state()
    first, second = untrained(), untrained()
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(first.fuse(visible, infrared), second.fuse(visible, infrared))


def test_the_card_is_read_without_torch():
    import subprocess
    import sys

    code = "import sys, fusionbench_methods.sgafusion.method; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_ablation_that_does_not_exist_is_refused(checkpoint):
    with pytest.raises(ValueError, match="must be one of"):
        SGAFusion(checkpoint, embedding="zeros")
