import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import rgb2ycbcr

from fusionbench.contracts import ImagePair, MeasuredImage, SourceImages
from fusionbench.fusing import fuse_pairs
from fusionbench.images import read_visible
from fusionbench.ready_methods import ready_method
from fusionbench_metrics.chroma_error import LARGEST, ChromaError, chroma_error

COLOUR = np.random.default_rng(1).integers(0, 256, (20, 31, 3), dtype=np.uint8)
OTHER = np.random.default_rng(2).integers(0, 256, (20, 31, 3), dtype=np.uint8)

colours = st.tuples(*[st.integers(0, 255)] * 3)


def filled(colour):
    return np.full((3, 4, 3), colour, np.uint8)


def test_white_turned_red_is_off_by_the_chroma_of_red():
    # Cb = -0.299 * 255 / 1.772, Cr = 0.701 * 255 / 1.402 = 127.5
    expected = math.hypot(0.299 * 255 / 1.772, 127.5)
    assert chroma_error(filled((255, 0, 0)), filled((255, 255, 255))) == pytest.approx(expected, rel=1e-14)


def test_green_for_magenta_reaches_the_upper_end_of_the_range():
    worst = chroma_error(filled((0, 255, 0)), filled((255, 0, 255)))
    assert worst == pytest.approx(LARGEST, rel=1e-14)
    assert ChromaError.card.value_range == (0.0, LARGEST)


@given(colours, colours)
def test_no_two_colours_are_farther_apart_than_green_and_magenta(first, second):
    assert chroma_error(filled(first), filled(second)) <= LARGEST * (1 + 1e-14)


def test_the_distance_is_that_of_an_independent_conversion():
    # scikit-image gives studio range: 224 levels of chroma where full range has 255.
    chroma = [rgb2ycbcr(image)[..., 1:] * 255 / 224 for image in (COLOUR, OTHER)]
    expected = np.mean(np.linalg.norm(chroma[0] - chroma[1], axis=2))
    # Its coefficients are rounded to four or five digits.
    assert chroma_error(COLOUR, OTHER) == pytest.approx(expected, rel=1e-4)


def test_the_distance_is_the_mean_of_every_pixel_by_hand():
    def chroma(red, green, blue):
        luminance = 0.299 * red + 0.587 * green + 0.114 * blue
        return (blue - luminance) / 1.772, (red - luminance) / 1.402

    pixels = zip(COLOUR.reshape(-1, 3).tolist(), OTHER.reshape(-1, 3).tolist(), strict=True)
    distances = [math.dist(chroma(*fused), chroma(*visible)) for fused, visible in pixels]
    assert chroma_error(COLOUR, OTHER) == pytest.approx(math.fsum(distances) / len(distances), rel=1e-12)


def test_an_image_of_many_bands_has_the_mean_over_all_of_them():
    tall = np.tile(COLOUR, (60, 3, 1))
    assert chroma_error(tall, np.tile(OTHER, (60, 3, 1))) == pytest.approx(
        chroma_error(COLOUR, OTHER), rel=1e-13
    )


@given(colours, st.integers(-255, 255))
def test_changing_only_the_luminance_costs_exactly_nothing(colour, change):
    change = min(max(change, -min(colour)), 255 - max(colour))
    assert chroma_error(filled([channel + change for channel in colour]), filled(colour)) == 0.0


def test_a_fused_image_with_the_chroma_the_harness_carries_over_has_no_error():
    muted = 64 + COLOUR // 2
    pair = ImagePair(id="x", visible=muted, infrared=64 + OTHER[..., 0] // 2)
    fused = fuse_pairs(ready_method("average", device="cpu"), [pair])[0].image
    assert not np.array_equal(fused, muted)
    assert chroma_error(fused, muted) == 0.0


def test_grey_has_no_chroma_whether_it_has_one_channel_or_three():
    grey = COLOUR[..., 0]
    three = np.repeat(grey[..., None], 3, axis=2)
    assert chroma_error(grey, three) == 0.0
    assert chroma_error(grey, OTHER) == chroma_error(three, OTHER) == chroma_error(OTHER, grey) > 0


def test_turning_people_green_is_worse_than_turning_them_grey():
    skin = filled((200, 150, 120))
    green, grey = filled((90, 220, 90)), filled((165, 165, 165))
    assert chroma_error(green, skin) > 2 * chroma_error(grey, skin) > 0


def test_the_error_is_symmetric():
    assert chroma_error(COLOUR, OTHER) == chroma_error(OTHER, COLOUR)


def test_the_metric_compares_the_colours_of_the_fused_and_the_visible_image():
    grey = COLOUR[..., 0]
    sources = SourceImages(MeasuredImage(OTHER, grey), MeasuredImage(grey, grey))
    assert ChromaError().measure(MeasuredImage(COLOUR, grey), sources) == chroma_error(COLOUR, OTHER)


def test_one_pixel_is_enough():
    assert chroma_error(COLOUR[:1, :1], OTHER[:1, :1]) > 0


@pytest.mark.parametrize(
    "bad",
    [COLOUR.astype(float), COLOUR[..., :2], COLOUR[:0], COLOUR[0, 0]],
    ids=["float", "two-channels", "empty", "one-dimensional"],
)
def test_what_is_no_8_bit_image_is_refused(bad):
    with pytest.raises(ValueError, match=r"fused: expected a uint8 image \(H, W, 3\) or \(H, W\)"):
        chroma_error(bad, COLOUR)


def test_images_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match="visible: is 30x20 but fused is 31x20"):
        chroma_error(COLOUR, OTHER[:, 1:])


def test_the_example_on_the_card_is_that_of_the_colour_files(shared):
    root = shared / "reference" / "sgafusion_outputs" / "LLVIP"
    value = chroma_error(read_visible(root / "Ours" / "2.jpg"), read_visible(root / "Vis" / "2.jpg"))
    assert ChromaError.card.example == pytest.approx(value, rel=1e-5)
