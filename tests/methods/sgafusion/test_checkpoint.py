"""Checkpoints come back as they were, and whatever is not one is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from fusionbench.errors import InputError
from fusionbench_methods.sgafusion import (
    SemanticEncoder,
    SGAFusionNet,
    combine_checkpoints,
    load_checkpoint,
    save_checkpoint,
)
from fusionbench_methods.sgafusion.checkpoint import describe
from fusionbench_methods.sgafusion.semantics.encoder import SemanticConfiguration
from fusionbench_methods.sgafusion.semantics.low_rank_adaptation import Adaptation, adapted
from fusionbench_methods.sgafusion.semantics.preparation import Preparation
from fusionbench_methods.sgafusion.semantics.towers import TowerConfiguration

pytest.importorskip("open_clip")
pytest.importorskip("peft")


def test_network_encoder_and_notes_come_back(tmp_path: Path, small_network, small_encoder):
    path = tmp_path / "a.safetensors"
    network = small_network("corrected", experts=3).float()
    save_checkpoint(path, network, small_encoder, notes={"recipe": "tiny", "seed": 3})
    loaded = load_checkpoint(path)
    assert loaded.notes == {"recipe": "tiny", "seed": 3}
    assert loaded.network.configuration == network.configuration
    assert loaded.encoder.configuration == small_encoder.configuration
    visible, infrared = torch.rand(1, 3, 20, 24), torch.rand(1, 1, 20, 24)
    embedding = small_encoder.embed(visible)
    assert torch.equal(loaded.encoder.embed(visible), embedding)
    assert torch.equal(
        loaded.network(visible, infrared, embedding)[0], network(visible, infrared, embedding)[0]
    )


def test_the_file_says_what_it_is(tmp_path: Path, small_network, small_encoder):
    save_checkpoint(tmp_path / "a.safetensors", small_network("paper").float(), small_encoder)
    described = describe(tmp_path / "a.safetensors")
    assert (described.variant, described.encoder) == ("paper", "compact")


def test_of_an_encoder_on_clip_only_adapters_and_head_are_kept(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path / "none"))
    tower = TowerConfiguration("clip", 32, 8, 32, 2, 16, 24, quick_gelu=True, pretrained=True)
    encoder = SemanticEncoder(SemanticConfiguration(tower, Preparation(32), ("clean", "haze"), 12)).eval()
    weights = {f"visual.{name}": tensor for name, tensor in encoder.tower.state_dict().items()}
    save_file(weights, tmp_path / "clip.safetensors")
    encoder.tower = adapted(encoder.tower, Adaptation(rank=2))
    for name, parameter in encoder.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, encoder=encoder)
    assert path.stat().st_size < (tmp_path / "clip.safetensors").stat().st_size
    loaded = load_checkpoint(path, clip_weights=tmp_path / "clip.safetensors")
    images = torch.rand(2, 3, 40, 40)
    torch.testing.assert_close(loaded.encoder.embed(images), encoder.embed(images), rtol=0, atol=1e-5)
    with pytest.raises(InputError, match=r"ViT-B-32\.pt: CLIP's weights are not here"):
        load_checkpoint(path)
    with pytest.raises(ValueError, match="load the checkpoint with merge=False"):
        save_checkpoint(tmp_path / "c.safetensors", encoder=loaded.encoder)
    unmerged = load_checkpoint(path, clip_weights=tmp_path / "clip.safetensors", merge=False)
    save_checkpoint(tmp_path / "b.safetensors", encoder=unmerged.encoder)
    assert (tmp_path / "b.safetensors").read_bytes() == path.read_bytes()
    weights["visual.proj"] = weights["visual.proj"] + 1
    save_file(weights, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match="stands on other weights of CLIP"):
        load_checkpoint(path, clip_weights=tmp_path / "other.safetensors")


@pytest.mark.parametrize("wrapped", ["plain", "state_dict", "module."])
def test_the_released_code_writes_checkpoints_that_load(tmp_path: Path, wrapped):
    tensors = {
        name: torch.rand_like(tensor) for name, tensor in SGAFusionNet("released").state_dict().items()
    }
    content = {
        "plain": tensors,
        "state_dict": {"epoch": 3, "state_dict": tensors},
        "module.": {f"module.{name}": tensor for name, tensor in tensors.items()},
    }[wrapped]
    torch.save(content, tmp_path / "official.pth")
    loaded = load_checkpoint(tmp_path / "official.pth")
    assert loaded.encoder is None
    assert loaded.network.configuration.variant == "released"
    assert all(torch.equal(tensors[name], tensor) for name, tensor in loaded.network.state_dict().items())


def test_a_mismatch_names_what_is_missing_extra_and_misshapen(tmp_path: Path):
    tensors = SGAFusionNet("released").state_dict()
    tensors["seg_head.bias"] = torch.zeros(5)
    tensors["stranger"] = tensors.pop("fusion_head.bias")
    save_file(tensors, tmp_path / "odd.safetensors")
    with pytest.raises(InputError) as caught:
        load_checkpoint(tmp_path / "odd.safetensors")
    message = str(caught.value)
    assert "odd.safetensors: holds other weights" in message
    assert "missing: fusion_head.bias" in message
    assert "extra: stranger" in message
    assert "misshapen: seg_head.bias is (5,), expected (9,)" in message


def test_a_released_network_is_combined_with_an_encoder(tmp_path: Path, small_encoder):
    torch.save(SGAFusionNet("released").state_dict(), tmp_path / "official.pth")
    small_encoder = SemanticEncoder(replace(small_encoder.configuration, embedding_width=512))
    save_checkpoint(tmp_path / "encoder.safetensors", encoder=small_encoder, notes={"seed": 1})
    combined = tmp_path / "both.safetensors"
    combine_checkpoints(tmp_path / "official.pth", tmp_path / "encoder.safetensors", combined)
    loaded = load_checkpoint(combined)
    assert loaded.network.configuration.variant == "released"
    assert loaded.notes == {"network": {}, "encoder": {"seed": 1}}
    image = torch.rand(1, 3, 32, 32)
    assert torch.equal(loaded.encoder.embed(image), small_encoder.embed(image))
    with pytest.raises(InputError, match="holds no encoder"):
        combine_checkpoints(combined, tmp_path / "official.pth", tmp_path / "x.safetensors")
    with pytest.raises(InputError, match="holds no network"):
        combine_checkpoints(tmp_path / "encoder.safetensors", combined, tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"sgafusion": "{"}, "makes no sense"),
        ({"sgafusion": "{}"}, "makes no sense"),
        ({"sgafusion": '{"format": 99}'}, "has format 99"),
        ({"sgafusion": '{"format": 1, "notes": {}, "network": {"widths": [1]}}'}, "makes no sense"),
        ({"sgafusion": '{"format": 1, "notes": {}, "network": null}'}, "makes no sense"),
        ({"sgafusion": '{"format": 1, "notes": {}}'}, "makes no sense"),
        ({"sgafusion": '{"format": 1, "network": {}}'}, "makes no sense"),
        ({"sgafusion": '{"format": 1, "notes": {}, "encoder": {"tower": 3}}'}, "makes no sense"),
    ],
    ids=str,
)
def test_a_header_that_makes_no_sense_is_an_error(tmp_path: Path, header, message):
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors", header)
    with pytest.raises(InputError, match=message):
        load_checkpoint(tmp_path / "a.safetensors")


def test_another_suffix_is_refused(tmp_path: Path, small_network):
    with pytest.raises(InputError, match=r"ends in \.safetensors"):
        save_checkpoint(tmp_path / "a.pth", small_network("corrected"))


def test_adapters_of_a_compact_tower_are_merged_into_it(tmp_path: Path, small_encoder):
    small_encoder.tower = adapted(small_encoder.tower, Adaptation(rank=2))
    for name, parameter in small_encoder.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    save_checkpoint(tmp_path / "a.safetensors", encoder=small_encoder)
    images = torch.rand(2, 3, 40, 40)
    found = load_checkpoint(tmp_path / "a.safetensors").encoder.embed(images)
    torch.testing.assert_close(found, small_encoder.embed(images), rtol=0, atol=1e-5)


def test_a_network_and_an_encoder_that_do_not_fit_are_refused(tmp_path: Path, small_network, small_encoder):
    wide = small_network("corrected", embedding_width=20)
    with pytest.raises(ValueError, match="takes embeddings of 20 numbers, the encoder gives 12"):
        save_checkpoint(tmp_path / "a.safetensors", wide, small_encoder)
    save_checkpoint(tmp_path / "wide.safetensors", wide)
    save_checkpoint(tmp_path / "encoder.safetensors", encoder=small_encoder)
    combined = tmp_path / "both.safetensors"
    combine_checkpoints(tmp_path / "wide.safetensors", tmp_path / "encoder.safetensors", combined)
    with pytest.raises(InputError, match=r"both\.safetensors: .*the encoder gives 12"):
        load_checkpoint(combined)


def test_nothing_is_no_checkpoint(tmp_path: Path):
    with pytest.raises(ValueError, match="needs a network, an encoder, or both"):
        save_checkpoint(tmp_path / "a.safetensors")


def test_notes_must_be_values_for_json(tmp_path: Path, small_encoder):
    with pytest.raises(ValueError, match="plain values for JSON"):
        save_checkpoint(str(tmp_path / "a.safetensors"), encoder=small_encoder, notes={"path": tmp_path})
