"""What every batched metric asks of its images: as `grey_images`, for tensors."""

from __future__ import annotations

import torch

from fusionbench.contracts import MeasuredBatch, SourceBatch


def check_batch(minimum_size: int, fused: MeasuredBatch, sources: SourceBatch | None = None) -> None:
    """Refuse a batch a metric is not defined for.

    Args:
        minimum_size: Smallest height and width the metric is defined for.
        fused: The fused images.
        sources: Their sources, for a metric that looks at them.

    Raises:
        ValueError: If a batch is not uint8 `(N, H, W)`, its images are too small, or two batches differ.
    """
    named = {"fused": fused.grey}
    if sources is not None:
        named |= {"visible": sources.visible.grey, "infrared": sources.infrared.grey}
    for name, grey in named.items():
        if grey.dtype != torch.uint8 or grey.ndim != 3:
            raise ValueError(f"{name}: expected grey uint8 images (N, H, W), got {grey.dtype} {grey.shape}")
        if min(grey.shape[1:]) < minimum_size:
            raise ValueError(
                f"{name}: images are {grey.shape[2]}x{grey.shape[1]}, but this metric needs at least "
                f"{minimum_size}x{minimum_size} pixels"
            )
        if grey.shape != fused.grey.shape:
            raise ValueError(f"{name}: is {tuple(grey.shape)} but fused is {tuple(fused.grey.shape)}")
