import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench_metrics.blur import BlurEffect, blur

images = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, min_side=11, max_side=24))


def plain_blur(image):
    """The formula along both axes with whole-array filters written out."""
    found = []
    for pixels in (image.astype(np.float64), image.T.astype(np.float64)):
        mirrored = np.pad(pixels, ((5, 5), (0, 0)), mode="symmetric")
        averaged = sum(mirrored[k : k + len(pixels)] for k in range(11)) / 11

        def edges(values):
            return np.abs(ndimage.correlate1d(ndimage.correlate1d(values, [-1, 0, 1], 0), [1, 2, 1], 1))

        sharp, blurred = (edges(values)[2:-1, 2:-1] for values in (pixels, averaged))
        kept = np.minimum(sharp, blurred).sum()
        found.append(kept / sharp.sum() if sharp.sum() > 0 else 1.0)
    return max(found)


def test_blur_is_the_share_of_edges_that_survive_an_average(scene):
    for image in scene:
        assert blur(image) == pytest.approx(plain_blur(image), rel=1e-9)


@given(images)
def test_blur_lies_in_its_range_whatever_the_image(image):
    assert 0.0 <= blur(image) <= 1.0


def test_the_more_an_image_is_blurred_the_higher_its_value(scene):
    sharp = scene[0].astype(float)
    values = [
        blur(np.round(ndimage.gaussian_filter(sharp, width)).astype(np.uint8)) for width in (0, 1, 2, 4)
    ]
    assert values == sorted(values)
    assert values[-1] > values[0] + 0.3


def test_noise_makes_an_image_seem_sharper(scene):
    smooth = np.round(ndimage.gaussian_filter(scene[0].astype(float), 3)).astype(np.uint8)
    noisy = np.clip(smooth + np.random.default_rng(1).normal(0, 10, smooth.shape), 0, 255).astype(np.uint8)
    assert blur(noisy) < blur(smooth)
    assert BlurEffect.card.rewards_noise


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_constant_image_is_blurred_as_much_as_can_be(level):
    assert blur(np.full((20, 30), level, np.uint8)) == 1.0


def test_an_axis_without_edges_counts_as_blurred():
    stripes = np.tile(np.array([0, 0, 255, 255], np.uint8), (20, 6))
    assert blur(stripes) == blur(stripes.T) == 1.0


def test_the_metric_measures_the_grey_fused_image(scene):
    colour = np.zeros((*scene[0].shape, 3), np.uint8)
    sources = SourceImages(*(MeasuredImage(colour, image) for image in scene[1:]))
    assert BlurEffect().measure(MeasuredImage(colour, scene[0]), sources) == blur(scene[0])


def test_eleven_pixels_are_enough_and_fewer_are_refused(scene):
    assert 0 <= blur(scene[0][:11, :11]) <= 1
    with pytest.raises(ValueError, match="needs at least 11x11"):
        blur(scene[0][:10])
