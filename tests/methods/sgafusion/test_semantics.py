"""The semantic branch: preparation, towers, adapters, embeddings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from fusionbench.errors import InputError
from fusionbench_methods.sgafusion.semantics import towers
from fusionbench_methods.sgafusion.semantics.embedding_cache import EmbeddingCache
from fusionbench_methods.sgafusion.semantics.encoder import (
    CLIP_SEMANTICS,
    COMPACT_SEMANTICS,
    SemanticConfiguration,
    SemanticEncoder,
)
from fusionbench_methods.sgafusion.semantics.linear_attention import LinearAttention, with_linear_attention
from fusionbench_methods.sgafusion.semantics.low_rank_adaptation import (
    Adaptation,
    adapted,
    adapter_weights,
    load_adapter_weights,
    merged,
)
from fusionbench_methods.sgafusion.semantics.preparation import (
    CLIP_PREPARATION,
    RELEASED_PREPARATION,
    Preparation,
)

open_clip = pytest.importorskip("open_clip")
pytest.importorskip("peft")


def small_clip(layers: int = 2) -> torch.nn.Module:
    vision = {"image_size": 32, "patch_size": 8, "width": 32, "layers": layers, "head_width": 16}
    text = {"context_length": 8, "vocab_size": 8, "width": 8, "heads": 1, "layers": 1}
    return open_clip.CLIP(24, vision, text, quick_gelu=True).visual.eval()


@pytest.mark.parametrize("size", [(480, 640), (70, 93), (50, 20)], ids=str)
def test_resizing_is_that_of_pillow(size):
    # Within the range even where the filter overshoots, which Pillow cuts off between its two passes.
    image = np.random.default_rng(0).integers(60, 196, (*size, 3), dtype=np.uint8)
    visible = torch.from_numpy(image / 255.0).permute(2, 0, 1)[None]
    ours = RELEASED_PREPARATION(visible)[0].permute(1, 2, 0).numpy() * 255
    pillow = np.asarray(Image.fromarray(image).resize((224, 224), Image.Resampling.BICUBIC), np.float64)
    # Pillow rounds to 8 bits after either direction.
    assert np.abs(ours - pillow).max() < 2
    assert np.abs(ours - pillow).mean() < 0.4


def test_normalisation_is_that_of_open_clip():
    transform = open_clip.image_transform(224, is_train=False, resize_mode="squash")
    image = np.random.default_rng(1).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    expected = transform(Image.fromarray(image))
    ours = CLIP_PREPARATION(torch.from_numpy(image / 255.0).permute(2, 0, 1)[None].float())[0]
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-5)


def test_linear_attention_is_torchs():
    tower = small_clip()
    images = torch.rand(3, 3, 32, 32)
    with torch.no_grad():
        expected = tower(images)
        found = with_linear_attention(tower)(images)
    assert not any(isinstance(module, torch.nn.MultiheadAttention) for module in tower.modules())
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-6)


def test_linear_attention_refuses_a_mask():
    tokens = torch.rand(1, 2, 8)
    with pytest.raises(ValueError, match="mask"):
        LinearAttention(8, 2)(tokens, tokens, tokens, attn_mask=torch.zeros(2, 2))


def test_the_clip_tower_is_that_of_openais_weights():
    published = open_clip.get_model_config("ViT-B-32-quickgelu")
    tower = towers.CLIP_TOWER
    vision = published["vision_cfg"]
    assert published["embed_dim"] == tower.output
    assert published["quick_gelu"] is tower.quick_gelu is True
    assert all(
        vision[name] == getattr(tower, name) for name in ("image_size", "layers", "width", "patch_size")
    )
    tags = open_clip.pretrained.get_pretrained_cfg("ViT-B-32-quickgelu", "openai")
    assert tags["url"] == towers.CLIP_ADDRESS
    assert (tags["mean"], tags["std"]) == (CLIP_PREPARATION.mean, CLIP_PREPARATION.deviation)


@pytest.mark.parametrize("rank", [1, 4])
def test_an_adapted_layer_adds_the_scaled_product_once(rank):
    tower = adapted(with_linear_attention(small_clip(layers=1)), Adaptation(rank=rank, alpha=6))
    checked = 0
    for module in tower.modules():
        if not hasattr(module, "lora_A"):
            continue
        down, up = module.lora_A["default"].weight, module.lora_B["default"].weight
        torch.nn.init.normal_(up)
        tokens = torch.rand(5, module.in_features)
        expected = tokens @ (module.weight + 6 / rank * up @ down).T + module.bias
        torch.testing.assert_close(module(tokens), expected, rtol=1e-4, atol=1e-4)
        checked += 1
    assert checked == 6


def test_every_adapter_receives_a_gradient_and_nothing_else_of_the_tower_does():
    tower = adapted(with_linear_attention(small_clip()), Adaptation())
    for name, parameter in tower.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    tower(torch.rand(4, 3, 32, 32)).square().sum().backward()
    trained = {name for name, parameter in tower.named_parameters() if parameter.requires_grad}
    assert len(trained) == 2 * 6 * 2
    assert all("lora_" in name for name in trained)
    gradients = {name: parameter.grad for name, parameter in tower.named_parameters()}
    assert all(gradients[name].any() for name in trained)
    assert all(gradient is None for name, gradient in gradients.items() if name not in trained)


def test_fresh_adapters_change_nothing_and_merged_ones_all_they_did():
    tower, images = with_linear_attention(small_clip()), torch.rand(3, 3, 32, 32)
    with torch.no_grad():
        plain = tower(images)
        wrapped = adapted(tower, Adaptation())
        torch.testing.assert_close(wrapped(images), plain)
        for name, parameter in wrapped.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter)
        changed = wrapped(images)
        assert (changed - plain).abs().max() > 0.01
        torch.testing.assert_close(merged(wrapped)(images), changed, rtol=0, atol=1e-4)


def test_adapters_survive_being_stored():
    torch.manual_seed(1)
    first = adapted(with_linear_attention(small_clip()), Adaptation())
    for name, parameter in first.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    stored = {name: tensor.clone() for name, tensor in adapter_weights(first).items()}
    torch.manual_seed(1)
    second = adapted(with_linear_attention(small_clip()), Adaptation())
    load_adapter_weights(second, stored)
    images = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(second(images), first(images), rtol=0, atol=0)
    with pytest.raises(ValueError, match="adapters of this tower"):
        load_adapter_weights(second, dict(list(stored.items())[1:]))


def test_the_embedding_is_the_hidden_layer_of_the_head(small_encoder):
    images = torch.rand(2, 3, 40, 50)
    with torch.no_grad():
        embedding = small_encoder.embed(images)
        torch.testing.assert_close(small_encoder(images), small_encoder.fc2(embedding))
    assert embedding.shape == (2, 12)
    assert embedding.min() >= 0


def test_the_compact_encoder_is_small_and_as_wide_as_the_network_expects():
    encoder = SemanticEncoder(COMPACT_SEMANTICS)
    assert encoder.embed(torch.rand(1, 3, 48, 64)).shape == (1, 512)
    assert sum(parameter.numel() for parameter in encoder.tower.parameters()) < 600_000


@pytest.mark.parametrize("configuration", [CLIP_SEMANTICS, COMPACT_SEMANTICS], ids=["clip", "compact"])
def test_a_configuration_survives_a_checkpoints_header(configuration):
    stored = json.loads(json.dumps(configuration.as_json()))
    assert SemanticConfiguration.from_json(stored) == configuration


def test_openais_weights_give_the_features_of_open_clip(tmp_path: Path):
    configuration = towers.TowerConfiguration("clip", 32, 8, 32, 2, 16, 24, quick_gelu=True, pretrained=True)
    theirs = small_clip()
    save_file(
        {f"visual.{name}": tensor.contiguous() for name, tensor in theirs.state_dict().items()},
        tmp_path / "open_clip_model.safetensors",
    )
    tower = towers.build_tower(configuration).eval()
    towers.load_pretrained(tower, tmp_path / "open_clip_model.safetensors")
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(tower(images), theirs(images), rtol=0, atol=2e-6)


def test_missing_weights_are_an_error_and_never_random(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    tower = towers.build_tower(towers.CLIP_TOWER)
    with pytest.raises(InputError, match=r"ViT-B-32\.pt: CLIP's weights are not here; get them with"):
        towers.load_pretrained(tower)
    save_file({"visual.proj": torch.zeros(2, 2)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match="does not hold the weights of CLIP"):
        towers.load_pretrained(tower, tmp_path / "other.safetensors")


def test_an_image_is_embedded_once_and_alike_in_any_batch(small_encoder):
    calls = []
    embed = small_encoder.embed
    small_encoder.embed = lambda images: calls.append(len(images)) or embed(images)
    cache, images = EmbeddingCache(small_encoder), torch.rand(3, 3, 20, 30)
    together = cache.embed(images)
    assert torch.equal(cache.embed(images[1:2]), together[1:2])
    assert torch.equal(cache.embed(images.flip(0)), together.flip(0))
    assert calls == [1, 1, 1]


def test_a_preparation_is_never_out_of_range():
    image = torch.zeros(1, 3, 64, 64)
    image[..., ::2] = 1
    prepared = Preparation(24)(image)
    assert 0 <= prepared.min() <= prepared.max() <= 1
