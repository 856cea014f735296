"""What holds for all methods without weights: cards, shapes, sizes, and independence of the batch."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionbench import registry
from fusionbench.contracts import FusionMethod

REFERENCES = ("infrared", "visible")
NAMES = (
    *(
        "adf",
        "average",
        "dwt",
        "fpde",
        "gff",
        "ifevip",
        "lp",
        "max",
        "mgff",
        "msvd",
        "rp",
        "swt",
        "tif",
        "vsmwls",
    ),
    *REFERENCES,
)

OVERSHOOTING = {"adf", "fpde", "mgff", "tif", "vsmwls"}
"""Published without a cut-off: the harness clamps, and counts."""

ADDING = {"ifevip"}
"""Adds what the infrared image has beyond its background, even to itself."""
CHANNELS = {"luma": 1, "rgb": 3}


def inputs(method, visible, infrared):
    """The tensors a method gets: luminance, or RGB with three different channels."""
    if method.card.colour == "rgb":
        visible = torch.cat([visible, visible / 2, 1 - visible], dim=1)
    return visible, infrared


@pytest.mark.parametrize("name", NAMES)
def test_the_method_is_registered_under_the_name_on_its_card(name, all_methods):
    assert registry.method_class(name) is type(all_methods[name])
    assert all_methods[name].card.name == name
    assert isinstance(all_methods[name], FusionMethod)


@pytest.mark.parametrize("name", NAMES)
def test_only_visible_and_infrared_alone_are_reference_rows(name, all_methods):
    assert all_methods[name].card.reference == (name in REFERENCES)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(NAMES), st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**31))
def test_any_size_gives_a_finite_image_of_that_size_in_range(all_methods, name, height, width, seed):
    method = all_methods[name]
    generator = torch.Generator().manual_seed(seed)
    pair = (torch.rand(1, 1, height, width, generator=generator) for _ in range(2))
    fused = method.fuse(*inputs(method, *pair))
    assert fused.shape == (1, CHANNELS[method.card.colour], height, width)
    assert fused.dtype == torch.float32
    assert torch.isfinite(fused).all()
    low, high = (-1, 2) if name in OVERSHOOTING else (0, 1)
    assert low <= fused.min() <= fused.max() <= high


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ADDING])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 5), (17, 23)], ids=str)
def test_small_and_odd_sizes_of_two_equal_images_give_that_image(name, size, all_methods):
    method = all_methods[name]
    image = torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(32))
    visible = image.repeat(1, CHANNELS[method.card.colour], 1, 1)
    torch.testing.assert_close(method.fuse(visible, image), visible, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_fused_alike_alone_and_in_a_batch(name, all_methods, batch):
    method = all_methods[name]
    visible, infrared = inputs(method, *batch)
    together = method.fuse(visible, infrared)
    alone = [method.fuse(visible[i : i + 1], infrared[i : i + 1]) for i in range(len(visible))]
    assert torch.equal(together, torch.cat(alone))
    assert torch.equal(together.flip(0), method.fuse(visible.flip(0), infrared.flip(0)))


@pytest.mark.parametrize("name", NAMES)
def test_changing_the_result_in_place_leaves_the_sources_as_they_were(name, all_methods, batch):
    method = all_methods[name]
    visible, infrared = inputs(method, *(image.clone() for image in batch))
    before = visible.clone(), infrared.clone()
    method.fuse(visible, infrared).zero_()
    assert torch.equal(visible, before[0])
    assert torch.equal(infrared, before[1])


@pytest.mark.parametrize("name", NAMES)
def test_the_memory_layout_of_a_batch_changes_nothing(name, all_methods, batch):
    method = all_methods[name]
    visible, infrared = inputs(method, *batch)
    transposed = (image.transpose(2, 3).contiguous().transpose(2, 3) for image in (visible, infrared))
    assert torch.equal(method.fuse(*transposed), method.fuse(visible, infrared))
