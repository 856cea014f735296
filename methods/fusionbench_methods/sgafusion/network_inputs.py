"""What every network of this package is given, checked."""

from __future__ import annotations

import torch

MISSING_EMBEDDING = "this network is guided by semantics; give the embedding of the visible images"


def require_pair(visible: torch.Tensor, infrared: torch.Tensor) -> None:
    """Check the shapes of a pair.

    Raises:
        ValueError: If they are not `(N, 3, H, W)` and `(N, 1, H, W)` with at least one pixel.
    """
    count, channels, height, width = visible.shape
    if channels != 3 or infrared.shape != (count, 1, height, width) or not visible.numel():
        raise ValueError(
            f"visible is {tuple(visible.shape)} and infrared {tuple(infrared.shape)}; "
            "expected (N, 3, H, W) and (N, 1, H, W)"
        )


def required_embedding(embedding: torch.Tensor | None, count: int, width: int) -> torch.Tensor:
    """The embedding, if it is one of `(count, width)`.

    Raises:
        ValueError: If it is missing or has another shape.
    """
    if embedding is None:
        raise ValueError(MISSING_EMBEDDING)
    if embedding.shape != (count, width):
        raise ValueError(f"embedding is {tuple(embedding.shape)}; expected {(count, width)}")
    return embedding
