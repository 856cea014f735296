"""The transformer layer that YDTR and DATFuse share, as it runs: without attention, on runs of pixels.

Both papers describe a Swin transformer (Z. Liu et al., "Swin Transformer: Hierarchical Vision Transformer
using Shifted Windows", ICCV 2021) over the features of single pixels. The weights were trained in a layer
that differs from it twice, so fusing with them must:

- windows are one token wide, so attention is over a single token: its softmax is 1, it returns the token's
  value, and queries, keys and relative positions have no effect;
- features `(N, C, H, W)` are not transposed but read in memory order as rows of `C` numbers, so that a token
  is not the features of a pixel but a run of `C` neighbouring pixels of one feature map.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import gelu

EXPANSION = 4
"""Width between the two layers of a perceptron, in widths of a token."""

TOKENS_AT_ONCE = 1 << 16
"""Tokens are independent of each other: in parts, their wide layers need little memory."""


class Value(nn.Module):
    """What is left of attention over one token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.value = nn.Linear(width, width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """`(..., width)`, same shape."""
        projected: torch.Tensor = self.proj(self.value(tokens))
        return projected


class Perceptron(nn.Module):
    """Two layers with a Gaussian error linear unit between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, EXPANSION * width)
        self.fc2 = nn.Linear(EXPANSION * width, width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """`(..., width)`, same shape."""
        mixed: torch.Tensor = self.fc2(gelu(self.fc1(tokens)))
        return mixed


class Block(nn.Module):
    """Value and perceptron, each on normalised tokens and added to them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = Value(width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Perceptron(width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """`(..., width)`, same shape."""
        attended = tokens + self.attn(self.norm1(tokens))
        mixed: torch.Tensor = attended + self.mlp(self.norm2(attended))
        return mixed


class TokenLayer(nn.Module):
    """Two blocks on the tokens of feature maps."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.blocks = nn.Sequential(Block(width), Block(width))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, width, H, W)`, same shape; no token holds numbers of two images."""
        parts = torch.split(features.reshape(-1, self.width), TOKENS_AT_ONCE)
        return torch.cat([self.blocks(part) for part in parts]).reshape(features.shape)


def without_attention(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The authors' tensors without what has no effect, by the names of `TokenLayer`.

    Args:
        tensors: With `basicLayer.blocks.N.attn.qkv`, the layers of queries, keys and values as one.

    Returns:
        With `basicLayer.blocks.N.attn.value` for it, and without relative positions and the normalisation
        of a patch embedding, which the file holds and nothing applies.
    """
    kept: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        if "relative_position" in name or name.startswith("patch_embed."):
            continue
        if ".attn.qkv." in name:
            kept[name.replace(".qkv.", ".value.")] = tensor[2 * len(tensor) // 3 :]
        else:
            kept[name] = tensor
    return kept
