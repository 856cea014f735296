"""Normalisation by the statistics of each image."""

from __future__ import annotations

import torch
from torch import nn

from fusionbench_methods.image_normalisation import ImageNormalisation


def test_it_is_batch_normalisation_of_each_image_by_itself():
    torch.manual_seed(0)
    images = torch.rand(3, 4, 5, 6)
    ours, theirs = ImageNormalisation(4), nn.BatchNorm2d(4)
    for parameter in ("weight", "bias"):
        values = torch.rand(4)
        ours.get_parameter(parameter).data.copy_(values)
        theirs.get_parameter(parameter).data.copy_(values)
    alone = torch.cat([theirs(image[None]) for image in images])
    torch.testing.assert_close(ours(images), alone)


def test_an_image_of_one_pixel_is_what_the_bias_says():
    normalisation = ImageNormalisation(2)
    normalisation.bias.data.fill_(0.3)
    torch.testing.assert_close(normalisation(torch.rand(1, 2, 1, 1)), torch.full((1, 2, 1, 1), 0.3))
