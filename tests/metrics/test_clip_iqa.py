import importlib
import socket
import sys
import warnings

import numpy as np
import pytest
import torch

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench.errors import InputError
from fusionbench_metrics.clip_iqa import NETWORK, PROMPTS, ClipIqa


def measured(image):
    return MeasuredImage(image, image if image.ndim == 2 else image[..., 0])


def value(metric, image):
    return metric.measure(measured(image), SourceImages(measured(image), measured(image)))


def coloured(seed, height=70, width=101):
    small = np.random.default_rng(seed).integers(0, 256, (height // 7 + 1, width // 7 + 1, 3), dtype=np.uint8)
    return np.kron(small, np.ones((7, 7, 1), np.uint8))[:height, :width]


@pytest.fixture(scope="module")
def open_clip():
    return pytest.importorskip("open_clip")


@pytest.fixture(scope="module")
def network(open_clip):
    """CLIP RN50 with random weights, centred so that images differ in what it sees."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = open_clip.CLIP(**open_clip.get_model_config(NETWORK)).eval()
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if ".bn" in name and name.endswith("weight"):
                    parameter.uniform_(0.5, 1)
                # As published; piq rounds to this too.
                parameter.copy_(parameter.half())
            pool = network.visual.attnpool
            positions = pool.positional_embedding.clone()
            pool.positional_embedding.zero_()
            typical = torch.from_numpy(coloured(9, 224, 224)).permute(2, 0, 1)[None] / 128 - 1
            pool.c_proj.bias.sub_(network.encode_image(typical)[0])
            pool.c_proj.bias.copy_(pool.c_proj.bias.half())
            pool.positional_embedding.copy_(positions)
            network.logit_scale.fill_(6)
    return network


@pytest.fixture(scope="module")
def weights(network, tmp_path_factory):
    from safetensors.torch import save_file

    path = tmp_path_factory.mktemp("clip") / "open_clip_model.safetensors"
    # In half precision, as published.
    halves = {name: t.half() if t.is_floating_point() else t for name, t in network.state_dict().items()}
    save_file({name: tensor.contiguous() for name, tensor in halves.items()}, path)
    return path


@pytest.fixture(scope="module")
def metric(weights):
    return ClipIqa(weights=weights)


def test_values_are_those_of_piq_with_the_same_weights(metric, network, open_clip, monkeypatch):
    piq, clip = (importlib.import_module(f"piq.{name}") for name in ("clip_iqa", "feature_extractors.clip"))
    monkeypatch.setattr(clip, "load", lambda: clip.build_model(dict(network.state_dict())).float())
    tokens = open_clip.get_tokenizer(NETWORK)(list(PROMPTS))
    monkeypatch.setattr(piq, "download_tensor", lambda url, folder: tokens)
    theirs = piq.CLIPIQA(data_range=255)
    images = [coloured(seed) for seed in range(3)]
    expected = [float(theirs(torch.from_numpy(image).permute(2, 0, 1)[None].float())) for image in images]
    assert np.ptp(expected) > 0.02
    assert [value(metric, image) for image in images] == pytest.approx(expected, abs=1e-4)


def test_a_torchscript_archive_gives_the_same_value_and_no_warning(metric, network, tmp_path):
    path = tmp_path / "RN50.pt"
    example = torch.rand(1, 3, 224, 224), torch.zeros(1, 77, dtype=torch.long)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(network, example, check_trace=False, strict=False).save(path)
    assert value(ClipIqa(weights=path), coloured(1)) == value(metric, coloured(1))


def test_colour_counts_and_grey_is_three_equal_channels(metric):
    grey = coloured(1)[..., 0]
    assert value(metric, grey) == value(metric, np.repeat(grey[..., None], 3, axis=2))
    assert value(metric, grey) != value(metric, coloured(1))


def test_values_lie_between_0_and_1_for_any_size_and_for_a_constant_image(metric):
    for image in (coloured(2, 32, 32), coloured(3, 33, 64), np.full((40, 50), 128, np.uint8)):
        assert 0 <= value(metric, image) <= 1


def test_an_image_below_32_pixels_is_refused(metric):
    with pytest.raises(ValueError, match="fused: is 32x31, but this metric needs at least 32x32"):
        value(metric, coloured(1, 31, 32))


def test_neither_the_network_nor_the_terminal_is_touched(weights, monkeypatch, capsys):
    monkeypatch.setattr(socket, "socket", None)
    value(ClipIqa(weights=weights), coloured(1))
    assert capsys.readouterr() == ("", "")


def test_without_weights_the_error_says_which_file_is_needed_and_how_to_give_it(open_clip):
    expected = r"needs OpenAI's weights of CLIP RN50 .*https.*--weights clip_iqa=FILE"
    with pytest.raises(InputError, match=expected) as raised:
        ClipIqa()
    assert "\n" not in str(raised.value)


def test_a_file_of_weights_that_is_missing_is_named(open_clip, tmp_path):
    with pytest.raises(InputError, match="nothing: no such file; metric clip_iqa needs"):
        ClipIqa(weights=tmp_path / "nothing")


@pytest.mark.parametrize("name", ["RN50.pt", "RN50.safetensors"])
def test_a_file_of_another_kind_is_refused(name, open_clip, tmp_path):
    path = tmp_path / name
    path.write_bytes(b"<!DOCTYPE html><p>Not found" * 20)
    with pytest.raises(InputError, match=f"{name}: does not hold OpenAI's weights of CLIP RN50"):
        ClipIqa(weights=path)


def test_weights_of_another_network_are_refused(open_clip, network, tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "other.safetensors"
    save_file({"visual.conv1.weight": torch.zeros(8, 3, 3, 3)}, path)
    with pytest.raises(InputError, match=r"other\.safetensors: does not hold"):
        ClipIqa(weights=path)


def test_without_the_extra_the_error_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(InputError) as raised:
        ClipIqa(weights=tmp_path / "RN50.pt")
    expected = 'metric clip_iqa needs the extra "quality": pip install "ivif-fusionbench[quality]"'
    assert str(raised.value) == expected
