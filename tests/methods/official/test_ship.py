"""SHIP gives its authors' output."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from fusionbench_methods.ship import CROSS, PLUS, SHIP, InvertibleMixing, SHIPNet, differences

PROGRAM = """
import sys
from pathlib import Path
import numpy as np
from PIL import Image
from fusionbench_methods.ship import SHIP

weights, visible, infrared, output = sys.argv[1:]
method, fused = SHIP(Path(weights)), []
fuse = method.fuse_plane
method.fuse_plane = lambda *pair: fused.append(fuse(*pair)) or fused[0]
image = method.official(*(np.asarray(Image.open(path)) for path in (visible, infrared)))
np.savez(output, fused=fused[0], image=image)
"""


def test_the_authors_output_comes_out(reference, tmp_path):
    theirs = reference("ship")
    inputs = theirs.weights.parents[2] / "reference" / "methods" / "inputs"
    paths = [theirs.weights, inputs / "LLVIP_1_vis.png", inputs / "LLVIP_1_ir.png", tmp_path / "output.npz"]
    # Instructions that round as theirs did: the network magnifies rounding of convolutions in a few places,
    # and with AVX-512 one pixel of 300,000 is 1.3e-3 away.
    environment = os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", PROGRAM, *map(str, paths)], env=environment, check=True)
    with np.load(tmp_path / "output.npz") as ours:
        assert theirs.largest_difference(ours["image"]) <= 1
        assert theirs.largest_raw_difference(ours["fused"]) < 1e-3


def test_it_has_the_weights_on_its_card():
    assert sum(weight.numel() for weight in SHIPNet().parameters()) == SHIP.card.parameters


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (33, 48)], ids=str)
def test_any_size_is_fused(size):
    fused = mixing_network()(torch.rand(2, 1, *size), torch.rand(2, 1, *size))
    assert fused.shape == (2, 1, *size)
    assert torch.isfinite(fused).all()


@torch.no_grad()
def test_images_of_a_batch_do_not_change_one_another():
    network, images = mixing_network(), (torch.rand(2, 1, 12, 20), torch.rand(2, 1, 12, 20) ** 3)
    alone = [network(*(image[index : index + 1] for image in images)) for index in range(2)]
    torch.testing.assert_close(network(*images), torch.cat(alone))


@pytest.mark.parametrize("places", [PLUS, CROSS], ids=["plus", "cross"])
def test_central_differences_take_most_of_the_neighbours_off_the_middle(places):
    kernel = differences(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]).view(1, 1, 1, 5), places)
    assert kernel.flatten()[list(places)].tolist() == pytest.approx([1, 2, 3 - 0.8 * 15, 4, 5])
    assert kernel.sum().item() == pytest.approx(0.2 * 15)


def test_channels_are_mixed_by_the_product_of_the_factors():
    mixing = InvertibleMixing(2)
    mixing.p.copy_(torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    mixing.sign_s.copy_(torch.tensor([1.0, -1.0]))
    for factor, values in (("lower", [[9.0, 9.0], [2.0, 9.0]]), ("upper", [[9.0, 3.0], [9.0, 9.0]])):
        mixing.get_parameter(factor).data.copy_(torch.tensor(values))
    mixed = mixing(torch.tensor([1.0, 10.0]).view(1, 2, 1, 1))
    # (1 3; 0 -1), then (1 0; 2 1), then exchanged.
    assert mixed.flatten().tolist() == pytest.approx([2 * 31 - 10, 31])


def mixing_network():
    """With channels that are mixed: the factors of an untrained one are zeros."""
    torch.manual_seed(0)
    network = SHIPNet()
    for part in network.modules():
        if isinstance(part, InvertibleMixing):
            part.p.copy_(torch.eye(len(part.sign_s)))
            part.sign_s.fill_(1)
    return network
