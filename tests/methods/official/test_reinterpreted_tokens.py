"""The layer of YDTR and DATFuse is the transformer whose weights it loads, where that has any effect."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fusionbench_methods import reinterpreted_tokens
from fusionbench_methods.reinterpreted_tokens import TokenLayer, without_attention

WIDTH, HEADS = 16, 8
FIRST = "basicLayer.blocks.0"


def with_attention(block, tensors, tokens):
    """One block by PyTorch's own attention, over windows of one token."""
    attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
    names = {"in_proj_weight": "qkv.weight", "in_proj_bias": "qkv.bias"}
    names |= {"out_proj.weight": "proj.weight", "out_proj.bias": "proj.bias"}
    attention.load_state_dict({ours: tensors[f"{FIRST}.attn.{theirs}"] for ours, theirs in names.items()})
    windows = block.norm1(tokens)[:, None]
    attended = tokens + attention(windows, windows, windows)[0][:, 0]
    return attended + block.mlp(block.norm2(attended))


@torch.no_grad()
def test_a_block_is_one_with_attention_over_a_single_token():
    network = nn.ModuleDict({"basicLayer": TokenLayer(WIDTH)})
    shapes = {"qkv.weight": (3 * WIDTH, WIDTH), "qkv.bias": (3 * WIDTH,)}
    shapes |= {"proj.weight": (WIDTH, WIDTH), "proj.bias": (WIDTH,)}
    tensors = {f"{FIRST}.attn.{name}": torch.randn(shape) for name, shape in shapes.items()}
    network.load_state_dict(without_attention(tensors), strict=False)
    block, tokens = network["basicLayer"].blocks[0], torch.randn(10, WIDTH)
    torch.testing.assert_close(block(tokens), with_attention(block, tensors, tokens), rtol=0, atol=1e-4)


@torch.no_grad()
def test_a_token_is_a_run_of_pixels_of_one_feature_map():
    layer = TokenLayer(WIDTH)
    features = torch.randn(1, WIDTH, 4, 20)
    changed = features.clone()
    changed[0, 3, 1, 13] += 1.0
    # Pixel (1, 13) is the 33rd of its map, the second of the third run of sixteen.
    different = (layer(features) != layer(changed)).flatten(2)
    assert different[0, 3, 32:48].any()
    different[0, 3, 32:48] = False
    assert not different.any()


@torch.no_grad()
def test_a_size_that_sixteen_does_not_divide_gives_tokens_across_feature_maps():
    layer = TokenLayer(WIDTH)
    features = torch.randn(2, WIDTH, 3, 3)
    rows = layer.blocks(features.flatten().view(-1, WIDTH))
    torch.testing.assert_close(layer(features).flatten(), rows.flatten())


@torch.no_grad()
@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_how_many_tokens_are_taken_at_once_changes_nothing(at_once, monkeypatch):
    layer = TokenLayer(WIDTH)
    features = torch.randn(2, WIDTH, 5, 6)
    expected = layer(features)
    monkeypatch.setattr(reinterpreted_tokens, "TOKENS_AT_ONCE", at_once)
    torch.testing.assert_close(layer(features), expected, rtol=0, atol=1e-6)


def test_what_has_no_effect_is_left_out():
    names = ("basicLayer.blocks.0.attn.relative_position_index", "patch_embed.norm.weight", "conv.bias")
    assert list(without_attention(dict.fromkeys(names, torch.zeros(3)))) == ["conv.bias"]
