"""Embeddings by image: one that has been embedded is not embedded again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import torch

from fusionbench_methods.sgafusion.semantics.encoder import SemanticEncoder

CAPACITY = 8192
"""Images remembered: 16 MiB of embeddings of 512 numbers."""


class EmbeddingCache:
    """Embeds images one by one, so that an embedding does not depend on its batch.

    Args:
        encoder: Must not be changed while the cache is in use.
    """

    def __init__(self, encoder: SemanticEncoder) -> None:
        self._encoder = encoder
        self._known: OrderedDict[bytes, torch.Tensor] = OrderedDict()

    @torch.no_grad()
    def embed(self, visible: torch.Tensor) -> torch.Tensor:
        """From visible images `(N, 3, H, W)` in [0, 1] to embeddings `(N, E)` on their device."""
        return torch.cat([self._of(image) for image in visible.chunk(len(visible))]).to(visible.device)

    def _of(self, image: torch.Tensor) -> torch.Tensor:
        values = image.detach().float().contiguous().cpu().numpy()
        key = hashlib.blake2b(repr(values.shape).encode() + values.tobytes(), digest_size=16).digest()
        if key not in self._known:
            self._known[key] = self._encoder.embed(image)
            if len(self._known) > CAPACITY:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]
