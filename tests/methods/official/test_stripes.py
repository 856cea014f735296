"""Functions applied to images stripe by stripe."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import avg_pool2d

from fusionbench_methods import stripes
from fusionbench_methods.stripes import in_stripes


def blurred_sum(first, second):
    """Depends on two rows above and below."""
    return avg_pool2d(first + second, 5, stride=1, padding=2)


@pytest.mark.parametrize("height", [1, 6, 7, 8, 14, 20])
def test_stripes_of_two_images_give_what_the_whole_gives(height, monkeypatch):
    monkeypatch.setattr(stripes, "ROWS", 7)
    images = torch.rand(2, 3, height, 4), torch.rand(2, 3, height, 4)
    torch.testing.assert_close(in_stripes(blurred_sum, images, reach=2, channels=3), blurred_sum(*images))


def test_no_stripe_is_higher_than_it_has_to_be(monkeypatch):
    monkeypatch.setattr(stripes, "ROWS", 7)
    heights = []

    def seen(image):
        heights.append(image.shape[-2])
        return image

    in_stripes(seen, (torch.rand(1, 1, 20, 4),), reach=2, channels=1)
    assert heights == [9, 11, 8]
