"""Average and maximum, and the two reference rows."""

from __future__ import annotations

import torch


def test_the_average_is_half_the_sum(all_methods):
    fused = all_methods["average"].fuse(torch.tensor([[[[0.2, 1.0]]]]), torch.tensor([[[[0.6, 0.0]]]]))
    torch.testing.assert_close(fused, torch.tensor([[[[0.4, 0.5]]]]))


def test_the_maximum_takes_the_brighter_pixel(all_methods):
    fused = all_methods["max"].fuse(torch.tensor([[[[0.2, 1.0]]]]), torch.tensor([[[[0.6, 0.0]]]]))
    assert torch.equal(fused, torch.tensor([[[[0.6, 1.0]]]]))


def test_average_and_maximum_do_not_care_which_image_comes_first(all_methods, batch):
    for name in ("average", "max"):
        method = all_methods[name]
        assert torch.equal(method.fuse(*batch), method.fuse(*reversed(batch)))


def test_visible_only_keeps_the_colours(all_methods, batch):
    colour = torch.cat([batch[0], batch[1], 1 - batch[0]], dim=1)
    assert torch.equal(all_methods["visible"].fuse(colour, batch[1]), colour)


def test_infrared_only_is_grey_whatever_the_visible_colours(all_methods, batch):
    colour = torch.cat([batch[0], batch[1], 1 - batch[0]], dim=1)
    fused = all_methods["infrared"].fuse(colour, batch[1])
    for channel in range(3):
        assert torch.equal(fused[:, channel : channel + 1], batch[1])
