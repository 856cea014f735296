"""Normalisation by the statistics of each image by itself, for images of any size, and in batches of any."""

from __future__ import annotations

import torch
from torch import nn

SMALLEST_VARIANCE = 1e-5
"""Added to every variance."""


class ImageNormalisation(nn.Module):
    """Each channel of each image to a mean and a deviation that were learned.

    Instance normalisation, and batch normalisation in training mode with one image at a time, which is how
    some authors' scripts fuse. torch's own refuse images of one pixel.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, width, H, W)`, same shape."""
        mean, deviation = image_statistics(features)
        scale = self.weight[:, None, None] / deviation
        return torch.addcmul(self.bias[:, None, None] - mean * scale, features, scale)


def image_statistics(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of each channel of each image `(N, C, H, W)`, both `(N, C, 1, 1)`."""
    variance, mean = torch.var_mean(features, dim=(2, 3), unbiased=False, keepdim=True)
    return mean, (variance + SMALLEST_VARIANCE).sqrt()


def image_means(features: torch.Tensor) -> torch.Tensor:
    """Means of the channels of each image, `(N, C, 1, 1)`."""
    return features.mean(dim=(2, 3), keepdim=True)
