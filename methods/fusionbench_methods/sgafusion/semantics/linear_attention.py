"""Self-attention with plain linear projections, in place of torch's fused module.

`torch.nn.MultiheadAttention` keeps its three projections in one tensor and never calls its output projection
as a module, so adapters put on it are dead, or count twice. With four linear layers each can be adapted.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention


class LinearAttention(nn.Module):
    """Self-attention, called as `torch.nn.MultiheadAttention` with the batch first.

    Args:
        width: Channels.
        heads: Attention heads; `width` is a multiple of it.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)
        self.heads = heads

    @classmethod
    def of(cls, attention: nn.MultiheadAttention) -> LinearAttention:
        """The same attention, with copies of its weights."""
        made = cls(attention.embed_dim, attention.num_heads)
        with torch.no_grad():
            projections = (made.q_proj, made.k_proj, made.v_proj)
            weights, biases = (each.chunk(3) for each in (attention.in_proj_weight, attention.in_proj_bias))
            for projection, weight, bias in zip(projections, weights, biases, strict=True):
                projection.weight.copy_(weight)
                projection.bias.copy_(bias)
            made.out_proj.load_state_dict(attention.out_proj.state_dict())
        return made

    def forward(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, **options: Any
    ) -> tuple[torch.Tensor, None]:
        """Attend to tokens `(N, L, C)`.

        Args:
            query: The tokens.
            key: The same tokens.
            value: The same tokens.
            **options: `need_weights` (there are none to give) and `attn_mask`, which must be None.

        Raises:
            ValueError: If there is a mask.
        """
        if options.get("attn_mask") is not None:
            raise ValueError("an image tower has no attention mask")
        queries, keys, values = (
            self._by_head(projection(tokens))
            for projection, tokens in ((self.q_proj, query), (self.k_proj, key), (self.v_proj, value))
        )
        attended = scaled_dot_product_attention(queries, keys, values).transpose(1, 2).flatten(2)
        return self.out_proj(attended), None

    def _by_head(self, tokens: torch.Tensor) -> torch.Tensor:
        """`(N, L, C)` to `(N, heads, L, C / heads)`."""
        count, length, _ = tokens.shape
        return tokens.reshape(count, length, self.heads, -1).transpose(1, 2)


def with_linear_attention(tower: nn.Module) -> nn.Module:
    """Replace every `MultiheadAttention` of a tower, in place; its output stays what it was."""
    for name, module in list(tower.named_modules()):
        if isinstance(module, nn.MultiheadAttention):
            parent, _, own = name.rpartition(".")
            setattr(tower.get_submodule(parent), own, LinearAttention.of(module))
    return tower
