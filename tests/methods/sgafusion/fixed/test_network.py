"""The network `fixed`."""

from __future__ import annotations

import pytest
import torch

from fusionbench_methods.sgafusion import load_checkpoint, save_checkpoint
from fusionbench_methods.sgafusion.fixed.configuration import FixedConfiguration
from fusionbench_methods.sgafusion.fixed.frame_experts import DEAD_ZONE, GATES, Thumbnail
from fusionbench_methods.sgafusion.fixed.network import MAPS, SMOOTHING_MAPS, FixedSGAFusionNet, assemble
from fusionbench_methods.sgafusion.fixed.restoration import Restored

SMALL = {"widths": (8, 16, 16, 24), "embedding_width": 12, "segmentation_classes": 3, "transmission_width": 8}


def network(**changes):
    made = FixedSGAFusionNet(**{**SMALL, **changes})
    with torch.no_grad():
        for weight in made.parameters():
            weight += 0.05 * torch.randn(weight.shape)
    return made.eval()


def batch(count=1, size=(37, 50)):
    return torch.rand(count, 3, *size), torch.rand(count, 1, *size), torch.rand(count, 12)


@pytest.mark.parametrize("size", [(37, 50), (64, 64), (2, 3), (1, 1)], ids=str)
def test_any_size_is_fused_restored_and_segmented(size):
    fusion = network()(*batch(2, size))
    assert fusion.fused.shape == fusion.restored.shape == (2, 3, *size)
    assert fusion.segmentation.shape == (2, 3, *size)


@pytest.mark.parametrize(
    "changes", [{}, {"semantics": False}, {"experts": 0}, {"segmentation_classes": 0}], ids=str
)
@pytest.mark.parametrize("rows", [16, 30, 1000])
def test_strips_give_the_image_of_the_whole(changes, rows):
    made, pair = network(**changes), batch(2, (131, 90))
    with torch.no_grad():
        whole = made(*pair)
    strips = made.restore_and_fuse(*pair, rows=rows)
    assert torch.allclose(strips.fused, whole.fused, atol=2e-6)
    assert torch.allclose(strips.restored, whole.restored, atol=2e-6)


def test_every_tensor_receives_a_gradient():
    made, pair = network(), batch(2, (48, 48))
    estimate = made.estimate(*pair)
    fusion = made(*pair, estimate)
    (fusion.fused.square().sum() + fusion.restored.sum() + fusion.segmentation.square().sum()).backward()
    dead = [name for name, weight in made.named_parameters() if weight.grad is None or not weight.grad.any()]
    # Gates take their part through a dead zone; every other expert's weight acts on the image.
    assert [name for name in dead if not name.startswith("frame_experts.gating")] == []


def test_its_own_estimate_given_changes_nothing():
    made, pair = network(), batch()
    with torch.no_grad():
        assert torch.allclose(made(*pair).fused, made(*pair, made.estimate(*pair)).fused, atol=1e-6)


def test_a_frame_told_to_be_clean_keeps_its_colours():
    made, (visible, infrared, embedding) = network(), batch(1, (40, 40))
    with torch.no_grad():
        made.frame_experts.gating.weight.zero_()
        made.frame_experts.gating.bias.fill_(-10.0)
        restored = made(visible, infrared, embedding).restored
    assert torch.allclose(restored, visible, atol=1e-5)


@pytest.mark.parametrize(
    ("damage", "logit", "left"), [(1.0, -30.0, 1.0), (1.0, 0.0, 0.7), (1.0, 30.0, 0.5), (0.0, 30.0, 1.0)]
)
def test_noise_of_damaged_frames_is_smoothed_as_far_as_the_maps_say(damage, logit, left):
    noise = 0.02 * torch.randn(1, 1, 64, 64)
    maps = torch.zeros(1, MAPS, 64, 64)
    maps[:, SMOOTHING_MAPS] = logit
    grey, infrared = (0.5 + noise).expand(-1, 3, -1, -1), torch.full_like(noise, 0.5)
    _, restored = assemble(
        Restored(grey, torch.zeros_like(noise)), infrared, maps, torch.full((1, 1, 1, 1), damage)
    )
    assert float(restored.std() / noise.std()) == pytest.approx(left, abs=0.1)


def test_gates_are_shut_and_open_beyond_the_dead_zone():
    experts = network().frame_experts
    with torch.no_grad():
        experts.gating.weight.zero_()
        for probability, gate in ((DEAD_ZONE - 0.01, 0.0), (1 - DEAD_ZONE + 0.01, 1.0), (0.5, 0.5)):
            experts.gating.bias.fill_(float(torch.logit(torch.tensor(probability))))
            assert experts.gates(torch.zeros(1, 12)).tolist() == [pytest.approx([gate] * len(GATES))]


def test_thumbnails_average_light_not_its_encoding():
    visible = torch.zeros(1, 3, 96, 128)
    visible[..., ::2] = 1.0
    assert torch.allclose(Thumbnail.of(visible, visible[:, :1]).visible, torch.full((1, 3, 48, 64), 0.5))


def test_without_semantics_the_embedding_plays_no_part():
    made, (visible, infrared, embedding) = network(semantics=False), batch()
    with torch.no_grad():
        told, untold = made(visible, infrared, embedding), made(visible, infrared)
    assert torch.equal(told.fused, untold.fused)


def test_with_semantics_it_does():
    made, (visible, infrared, embedding) = network(), batch()
    with torch.no_grad():
        assert not torch.equal(
            made.fuse(visible, infrared, embedding), made.fuse(visible, infrared, 2 * embedding)
        )


def test_without_experts_the_visible_image_enters_as_it_is():
    made = network(experts=0)
    assert made.frame_experts is None and made.estimate(*batch()) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"widths": (8, 16, 16)}, "the encoder has four"),
        ({"experts": 3}, "has 2, or 0"),
        ({"widths": (8, 16, 20, 24)}, "multiples of reduction=8"),
        ({"embedding_width": 0}, "embedding_width is 0"),
        ({"segmentation_classes": -1}, "0 or more"),
    ],
    ids=str,
)
def test_configurations_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        FixedConfiguration(**change)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((1, 3, 8, 8), (1, 1, 8, 9), (1, 12)), "visible is"),
        (((1, 3, 8, 8), (1, 1, 8, 8), (1, 11)), "embedding is"),
        (((1, 3, 8, 8), (1, 1, 8, 8), None), "embedding"),
    ],
    ids=["infrared", "embedding", "none"],
)
def test_shapes_that_do_not_fit_are_refused(shapes, message):
    tensors = [None if shape is None else torch.rand(shape) for shape in shapes]
    with pytest.raises(ValueError, match=message):
        network()(*tensors)


@pytest.mark.parametrize("half", [False, True])
def test_a_checkpoint_gives_the_network_back(tmp_path, small_encoder, half):
    made, pair = network(), batch()
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, made, small_encoder, half=half)
    again = load_checkpoint(path)
    assert again.network.configuration == made.configuration
    assert next(again.network.parameters()).dtype == torch.float32
    close = 2e-2 if half else 0.0
    assert (again.network.fuse(*pair) - made.fuse(*pair)).abs().max() <= close


def test_half_precision_is_half_the_file(tmp_path):
    made = network()
    for name, half in (("a", False), ("b", True)):
        save_checkpoint(tmp_path / f"{name}.safetensors", made, half=half)
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in "ab"]
    assert sizes[1] < 0.6 * sizes[0]


def test_mixed_precision_stays_close():
    made, pair = network(), batch(1, (64, 64))
    with torch.no_grad():
        whole = made(*pair).fused
        with torch.autocast("cpu", torch.bfloat16):
            mixed = made(*pair).fused
    assert mixed.dtype == torch.float32
    assert (mixed - whole).abs().mean() < 0.01
