import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from fusionbench.contracts import MeasuredImage
from fusionbench_metrics import histogram as module
from fusionbench_metrics.histogram import entropy_bits, histogram, joint_histogram, kept_histogram

images = arrays(np.uint8, (7, 11))


@given(images)
def test_counts_are_those_of_numpy(image):
    np.testing.assert_array_equal(histogram(image), np.histogram(image, bins=256, range=(0, 256))[0])


@given(images, images)
def test_joint_counts_are_those_of_numpy(first, second):
    expected = np.histogram2d(first.ravel(), second.ravel(), bins=256, range=[[0, 256], [0, 256]])[0]
    np.testing.assert_array_equal(joint_histogram(first, second).reshape(256, 256), expected)


def test_an_image_counted_in_parts_has_the_same_histogram(monkeypatch):
    image = np.random.default_rng(11).integers(0, 256, (50, 70), dtype=np.uint8)
    whole = histogram(image)
    monkeypatch.setattr(module, "_PIXELS_AT_ONCE", 99)
    np.testing.assert_array_equal(histogram(image), whole)


def test_empty_bins_add_no_entropy():
    assert entropy_bits(np.array([3, 0, 3, 0, 0, 3, 3])) == pytest.approx(2.0, abs=1e-15)


def test_a_histogram_is_counted_once_an_image():
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    measured = MeasuredImage(image, image)
    assert kept_histogram(measured) is kept_histogram(measured)
