"""DenseFuse, with the authors' weights and with ours."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from fusionbench.api import fuse
from fusionbench.cli.app import app
from fusionbench.errors import InputError
from fusionbench.fusing import fuse_raw
from fusionbench.images import read_pair
from fusionbench.ready_methods import ready_method
from fusionbench.training.logbook import read_log
from fusionbench_methods.densefuse.network import DenseFuseNet


@pytest.fixture
def official(shared):
    path = shared / "weights" / "methods" / "densefuse" / "densefuse_gray.model"
    if not path.is_file():
        pytest.skip(f"needs the authors' weights ({path} is not there)")
    return path


def test_the_authors_output_comes_out(shared, official):
    inputs = shared / "reference" / "methods" / "inputs"
    visible = Image.open(inputs / "LLVIP_1_vis.png").convert("L")
    infrared = Image.open(inputs / "LLVIP_1_ir.png").convert("L")
    method = ready_method("densefuse", official, "cpu").method
    grey = [
        torch.from_numpy(np.asarray(image, np.float32) / 255)[None, None] for image in (visible, infrared)
    ]
    with torch.no_grad():
        ours = method.fuse(*grey)[0, 0].numpy() * 255
    stored = np.load(shared / "reference" / "methods" / "densefuse" / "LLVIP_1_raw.npz")
    low, high = float(stored["lo"]), float(stored["hi"])
    theirs = low + stored["q"].astype(np.float64) / 65535 * (high - low)
    assert np.abs(ours - theirs).max() < 1e-4 * (high - low)
    shown = np.asarray(Image.open(shared / "reference" / "methods" / "densefuse" / "LLVIP_1_official.png"))
    colour = np.asarray(Image.open(inputs / "LLVIP_1_vis.png").convert("RGB"))
    assert np.abs(method.official(colour, np.asarray(infrared)).astype(int) - shown).max() <= 1


def test_it_has_the_weights_of_the_paper():
    assert sum(weight.numel() for weight in DenseFuseNet().parameters()) == 74_193


@pytest.mark.parametrize("size", [(1, 1), (1, 20), (33, 47)], ids=str)
def test_any_size_is_fused(size):
    network = DenseFuseNet()
    assert network.fuse(torch.rand(2, 1, *size), torch.rand(2, 1, *size)).shape == (2, 1, *size)


def test_two_equal_images_are_given_back_as_one_is():
    network, image = DenseFuseNet(), torch.rand(1, 1, 20, 20)
    assert torch.allclose(network.fuse(image, image), network(image), atol=1e-6)


def test_it_needs_weights(monkeypatch, tmp_path):
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path))
    with pytest.raises(InputError, match=r"densefuse needs its authors' weights .*weights get densefuse"):
        fuse("densefuse", np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8))


def test_weights_of_another_network_are_named(shared):
    path = shared / "weights" / "methods" / "densefuse" / "densefuse_rgb.model"
    with pytest.raises(InputError, match=r"holds other weights .*conv1.conv2d.weight is"):
        ready_method("densefuse", path, "cpu")


def test_the_engine_trains_it_and_its_weights_serve(tmp_path, shared):
    command = ["train", "densefuse", "--dataset", "roadscene", "--root", str(shared / "data")]
    few = ["--set", "steps=60", "--set", "limit=6", "--set", "crop=64", "--set", "warm_up=5"]
    done = CliRunner().invoke(app, [*command, *few, "--out", str(tmp_path / "run"), "--device", "cpu"])
    assert done.exit_code == 0, done.output
    losses = [row["total"] for row in read_log(tmp_path / "run" / "autoencoder")]
    assert sum(losses[-10:]) < 0.6 * sum(losses[:10])
    weights = tmp_path / "run" / "autoencoder.safetensors"
    folder = shared / "data" / "RoadScene"
    name = sorted((folder / "cropinfrared").glob("*.jpg"))[0].name
    pair = read_pair("a", folder / "crop_LR_visible" / name, folder / "cropinfrared" / name)
    fused = fuse_raw(ready_method("densefuse", weights, "cpu"), pair)
    assert fused.shape == (1, *pair.size) and float(fused.std()) > 0.05
