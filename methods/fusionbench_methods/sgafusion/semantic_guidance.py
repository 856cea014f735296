"""How the embedding of the visible image guides the fusion (figure 1, "cross-attention").

Every form takes features `(N, C, H, W)` and an embedding `(N, E)`, and returns guided features
`(N, C, H, W)`, which the decoder sees beside the unguided ones.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from fusionbench_methods.sgafusion.configuration import SGAFusionConfiguration
from fusionbench_methods.sgafusion.shallow_experts import convolution


class PixelsAsk(nn.Module):
    """Each pixel is a query, the embedding the only key and value (the released code).

    A softmax over one key is 1 whatever the query: the result is one vector an image, added to the projected
    pixels, and the query and key projections never receive a gradient. Kept so that a released checkpoint
    loads and gives what it gave; `constant` is the vector itself.
    """

    def __init__(self, configuration: SGAFusionConfiguration) -> None:
        super().__init__()
        width = configuration.widths[3]
        self.fc1 = convolution(width, width, 1)
        self.fc2 = nn.Linear(configuration.embedding_width, width)
        self.cross_attention = nn.MultiheadAttention(width, configuration.heads, batch_first=True)

    def forward(self, features: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """As the module says."""
        projected = self.fc1(features)
        pixels = projected.flatten(2).transpose(1, 2)
        token = self.fc2(embedding)[:, None]
        attended, _ = self.cross_attention(pixels, token, token)
        guided: torch.Tensor = (attended + pixels).transpose(1, 2).reshape(projected.shape)
        return guided

    def constant(self, embedding: torch.Tensor) -> torch.Tensor:
        """What the attention amounts to, `(N, C)`: `W_o (W_v (fc2 f) + b_v) + b_o`."""
        attention = self.cross_attention
        value_weight = attention.in_proj_weight.chunk(3)[2]
        value_bias = attention.in_proj_bias.chunk(3)[2]
        values = nn.functional.linear(self.fc2(embedding), value_weight, value_bias)
        constant: torch.Tensor = attention.out_proj(values)
        return constant


class VectorGuidance(nn.Module):
    """The same function with the weights that matter: projected pixels plus one vector an image."""

    def __init__(self, configuration: SGAFusionConfiguration) -> None:
        super().__init__()
        width = configuration.widths[3]
        self.fc1 = convolution(width, width, 1)
        self.fc2 = nn.Linear(configuration.embedding_width, width)

    def forward(self, features: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """As the module says."""
        guided: torch.Tensor = self.fc1(features) + self.constant(embedding)[:, :, None, None]
        return guided

    def constant(self, embedding: torch.Tensor) -> torch.Tensor:
        """The vector, `(N, C)`."""
        vector: torch.Tensor = self.fc2(embedding)
        return vector


class AttentionPool:
    """The mean of pixels under a softmax over all of them, one a head, from pieces of rows.

    The sums are kept relative to the largest logit so far (M. Milakov, N. Gimelshein: "Online normalizer
    calculation for softmax", 2018).

    Args:
        directions: A pixel's logit is its product with this, `(N, heads, C)`.
    """

    def __init__(self, directions: torch.Tensor) -> None:
        self._directions = directions
        self._largest = directions.new_full(directions.shape[:2], -torch.inf)
        self._weight = directions.new_zeros(directions.shape[:2])
        self._sum = torch.zeros_like(directions)

    def add(self, rows: torch.Tensor) -> None:
        """Add pixels `(N, C, h, W)`."""
        if rows.shape[2] == 0:
            return
        pixels = rows.flatten(2)
        logits = self._directions @ pixels
        largest = torch.maximum(self._largest, logits.amax(dim=2))
        faded = (self._largest - largest).exp()
        weights = (logits - largest[..., None]).exp()
        self._largest = largest
        self._weight = self._weight * faded + weights.sum(dim=2)
        self._sum = self._sum * faded[..., None] + weights @ pixels.transpose(1, 2)

    def mean(self) -> torch.Tensor:
        """The means so far, `(N, heads, C)`."""
        return self._sum / self._weight[..., None]


class EmbeddingAsks(nn.Module):
    """The embedding is the query, the pixels are keys and values (figure 1 and the authors' README).

    The figure does not say how one answer returns to H x W. Our reading: it is added to every projected
    pixel. The key projection has no bias, which a softmax over keys would cancel.
    """

    def __init__(self, configuration: SGAFusionConfiguration) -> None:
        super().__init__()
        width = configuration.widths[3]
        self.fc1 = convolution(width, width, 1)
        self.fc2 = nn.Linear(configuration.embedding_width, width)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        self.heads = configuration.heads

    def forward(self, features: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """As the module says."""
        projected = self.fc1(features)
        pixels = projected.flatten(2).transpose(1, 2)
        query, keys, values = (
            self._by_head(tokens)
            for tokens in (self.query(self.fc2(embedding)[:, None]), self.key(pixels), self.value(pixels))
        )
        answer = scaled_dot_product_attention(query, keys, values).transpose(1, 2).flatten(2)
        guided: torch.Tensor = projected + self.output(answer).transpose(1, 2)[..., None]
        return guided

    def pool(self, embedding: torch.Tensor) -> AttentionPool:
        """What collects the pixels' share of the answer piece by piece, without projecting any pixel.

        A logit is linear in the pixel: `q . W_k (F x + b)` is `x . F^T W_k^T q` and a constant that the
        softmax cancels; and the answer is linear in the pixels' mean under that softmax.
        """
        query = self._by_head(self.query(self.fc2(embedding)[:, None]))[:, :, 0]
        by_head = self.key.weight.reshape(self.heads, -1, self.key.in_features)
        directions = torch.einsum("nhd,hdc,ci->nhi", query, by_head, self.fc1.weight[:, :, 0, 0])
        return AttentionPool(directions / query.shape[2] ** 0.5)

    def constant_from(self, pooled: torch.Tensor) -> torch.Tensor:
        """The vector `(N, C)` added to every projected pixel, from the pixels' means `(N, heads, C)`."""
        projected = torch.nn.functional.linear(pooled, self.fc1.weight[:, :, 0, 0], self.fc1.bias)
        by_head = self.value.weight.reshape(self.heads, -1, self.value.in_features)
        values = torch.einsum("nhc,hdc->nhd", projected, by_head).flatten(1) + self.value.bias
        constant: torch.Tensor = self.output(values)
        return constant

    def _by_head(self, tokens: torch.Tensor) -> torch.Tensor:
        """`(N, L, C)` to `(N, heads, L, C / heads)`."""
        count, length, _ = tokens.shape
        return tokens.reshape(count, length, self.heads, -1).transpose(1, 2)


def semantic_guidance(
    configuration: SGAFusionConfiguration,
) -> PixelsAsk | VectorGuidance | EmbeddingAsks | None:
    """The module of a configuration, or None for the ablation without semantics."""
    if configuration.semantics == "pixels_ask":
        return PixelsAsk(configuration)
    if configuration.semantics == "embedding_asks":
        return EmbeddingAsks(configuration)
    return VectorGuidance(configuration) if configuration.semantics == "vector" else None
