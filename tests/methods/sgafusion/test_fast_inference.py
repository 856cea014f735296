"""Folded inference in pieces computes what the plain forward does."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from fusionbench_methods.sgafusion.configuration import VARIANTS
from fusionbench_methods.sgafusion.fast_inference import fuse_in_pieces
from fusionbench_methods.sgafusion.row_stages import Kernel, Piece, RowConvolution, RowQueue


def inputs(height: int, width: int, count: int = 1, precision: torch.dtype = torch.float64):
    images = torch.rand(count, 3, height, width), torch.rand(count, 1, height, width), torch.rand(count, 12)
    return tuple(image.to(precision) for image in images)


@settings(max_examples=60)
@given(
    variant=st.sampled_from(VARIANTS),
    height=st.integers(1, 40),
    width=st.integers(1, 24),
    rows=st.integers(1, 41),
    count=st.integers(1, 3),
    experts=st.integers(0, 3),
    semantics=st.booleans(),
)
def test_any_size_piece_and_batch_gives_the_plain_image(
    small_network, variant, height, width, rows, count, experts, semantics
):
    torch.manual_seed(0)
    changes = {} if semantics else {"semantics": "none"}
    network = small_network(variant, experts=experts, **changes)
    pair = inputs(height, width, count)
    with torch.no_grad():
        expected, _ = network(*pair)
        found = fuse_in_pieces(network, *pair, rows)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10 * float(expected.abs().max()))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("count", [1, 2])
def test_single_precision_takes_the_compiled_loop_to_the_same_image(small_network, variant, count):
    network = small_network(variant).float()
    pair = inputs(37, 29, count, torch.float32)
    expected, _ = network(*pair)
    for streaming in (False, True):
        found = network.fuse(*pair, streaming=streaming)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5 * float(expected.detach().abs().max()))


def test_the_sources_are_left_as_they_were(small_network):
    network = small_network("released").float()
    pair = inputs(20, 20, 2, torch.float32)
    before = [each.clone() for each in pair]
    network.fuse(*pair)
    assert all(torch.equal(one, other) for one, other in zip(pair, before, strict=True))


def test_the_result_carries_no_gradient_and_can_be_used_in_one(small_network):
    network = small_network("corrected").float()
    fused = network.fuse(*inputs(16, 16, 1, torch.float32))
    assert not fused.requires_grad
    (fused * torch.ones(1, requires_grad=True)).sum().backward()


class LargestTensor(TorchDispatchMode):
    """Notes the most bytes any operation's result takes."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        result = function(*arguments, **(keywords or {}))
        if isinstance(result, torch.Tensor):
            self.bytes = max(self.bytes, result.numel() * result.element_size())
        return result


@pytest.mark.parametrize("variant", VARIANTS)
def test_streaming_takes_no_more_memory_for_a_higher_image(small_network, variant):
    network = small_network(variant).float()
    largest = []
    for height in (400, 800):
        pair = inputs(height, 200, 1, torch.float32)
        network.fuse(*(each[..., :16, :] if each.ndim == 4 else each for each in pair))
        with LargestTensor() as watched:
            network.fuse(*pair, streaming=True)
        largest.append(watched.bytes - pair[0].numel() * 4)
    # What grows is the fused image alone.
    assert largest[1] <= largest[0]


@settings(max_examples=40)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.integers(1, 6), st.booleans())
def test_a_convolution_of_pieces_is_that_of_the_whole(heights, width, odd):
    height = sum(heights)
    image = torch.rand(2, 3, height, width, dtype=torch.float64)
    kernel = Kernel(torch.rand(4, 3, 3 if odd else 1, 3 if odd else 1).double(), torch.rand(4).double())
    assume(height > 0)
    stage = RowConvolution(kernel, 0.1)
    parts, top = [], 0
    for index, rows in enumerate(heights):
        piece = Piece(image[:, :, top : top + rows], last=index == len(heights) - 1)
        parts.append(stage.push(piece).rows)
        top += rows
    expected = torch.nn.functional.conv2d(image, *kernel, padding=1 if odd else 0)
    expected = torch.nn.functional.leaky_relu(expected, 0.1)
    torch.testing.assert_close(torch.cat(parts, dim=2), expected)


def test_a_queue_gives_rows_back_in_order():
    image = torch.arange(10.0).reshape(1, 1, 10, 1)
    queue, taken = RowQueue(), []
    for top, count in ((0, 1), (3, 0), (4, 5), (7, 3)):
        rows = image[:, :, top : {0: 3, 3: 4, 4: 7, 7: 10}[top]]
        taken += queue.exchange(rows, count)
    assert torch.cat(taken, dim=2).flatten().tolist() == list(range(9))
