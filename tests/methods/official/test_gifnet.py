"""GIFNet gives its authors' output."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fusionbench_methods import stripes
from fusionbench_methods.gifnet import windows
from fusionbench_methods.gifnet.method import GIFNet, split
from fusionbench_methods.gifnet.network import GIFNetwork


def network():
    """With other weights than zeros everywhere."""
    torch.manual_seed(0)
    made = GIFNetwork().eval()
    for block in (made.block0, made.block1):
        block.position.relative_positions.normal_()
    made.share.data.fill_(0.5)
    return made


def test_the_authors_output_comes_out(reference, monkeypatch):
    theirs = reference("gifnet")
    method = GIFNet(theirs.weights)
    fuse, fused = method.fuse_plane, []
    monkeypatch.setattr(method, "fuse_plane", lambda *pair: fused.append(fuse(*pair)) or fused[0])
    assert theirs.largest_difference(method.official(theirs.visible, theirs.infrared)) <= 1
    assert theirs.largest_raw_difference(fused[0]) < 1e-3


def test_it_has_the_weights_on_its_card():
    assert sum(weight.numel() for weight in GIFNetwork().parameters()) == GIFNet.card.parameters


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (33, 48), (4, 70)], ids=str)
def test_any_size_is_fused(size):
    fused = network()(torch.rand(2, 1, *size), torch.rand(2, 1, *size))
    assert fused.shape == (2, 1, *size)
    assert torch.isfinite(fused).all()


@torch.no_grad()
def test_images_of_a_batch_do_not_change_one_another():
    images = torch.rand(2, 1, 12, 20), torch.rand(2, 1, 12, 20) ** 3
    together = network()(*images)
    alone = [network()(*(image[index : index + 1] for image in images)) for index in range(2)]
    torch.testing.assert_close(together, torch.cat(alone))


@torch.no_grad()
@pytest.mark.parametrize("size", [(40, 20), (37, 13)], ids=str)
def test_stripes_and_strips_make_no_difference(size, monkeypatch):
    pair = torch.rand(1, 1, *size), torch.rand(1, 1, *size)
    whole = network()(*pair)
    monkeypatch.setattr(stripes, "ROWS", 9)
    monkeypatch.setattr(windows, "WINDOW_ROWS", 1)
    torch.testing.assert_close(network()(*pair), whole)


@pytest.mark.parametrize("shift", [0, 4])
def test_every_row_is_in_one_strip_and_every_pixel_of_it_in_its_windows(shift):
    rows = []
    for strip in windows.strips(84, 20, shift, 2, torch.device("cpu")):
        numbers, columns = strip.windows
        assert len(numbers) % windows.WINDOW == len(columns) % windows.WINDOW == 0
        own = numbers[strip.inner[0]].tolist()
        assert own == list(range(strip.rows.start, strip.rows.stop))
        assert columns[strip.inner[1]].tolist() == list(range(20))
        assert strip.surroundings[0][2:-2].tolist() == own
        rows += own
    assert rows == list(range(84))


def test_pixels_attend_to_their_own_window_only():
    value = torch.zeros(1, 2, 8, 16)
    value[..., 8:] = 1
    asked = torch.rand(1, 2, 8, 16)
    mixed = windows.attended(asked, asked, value, torch.rand(2, 64, 64))
    torch.testing.assert_close(mixed, value)


def test_luminance_is_cut_to_integers_and_chroma_is_not():
    luma, chroma = split(np.array([[[255, 0, 0], [0, 0, 1]]], dtype=np.uint8))
    assert luma.tolist() == [[76, 0]]
    np.testing.assert_allclose(chroma, [[[-43.095, 127.5], [0.5, -0.081]]])
