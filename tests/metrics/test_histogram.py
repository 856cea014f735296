import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench_metrics import histogram as module
from fusionbench_metrics.cc import CorrelationCoefficient
from fusionbench_metrics.histogram import (
    entropy_bits,
    histogram,
    joint_histogram,
    kept_histogram,
    kept_joint_histogram,
)
from fusionbench_metrics.mi import MutualInformation
from fusionbench_metrics.mse import MeanSquaredError
from fusionbench_metrics.nmi import NormalisedMutualInformation
from fusionbench_metrics.psnr import PeakSignalToNoiseRatio
from fusionbench_metrics.qncie import NonlinearCorrelation
from fusionbench_metrics.scd import CorrelationOfDifferences

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


def test_a_joint_histogram_is_counted_once_for_two_images_in_this_order():
    first, second = (MeasuredImage(image, image) for image in np.eye(4, dtype=np.uint8).reshape(2, 2, 4))
    kept = kept_joint_histogram(first, second)
    assert kept_joint_histogram(first, second) is kept
    np.testing.assert_array_equal(kept, joint_histogram(first.grey, second.grey))


def test_seven_metrics_count_every_pair_of_images_once_and_the_sources_once_for_all(monkeypatch, scene):
    counted = []

    def counting(first, second):
        counted.append(1)
        return joint_histogram(first, second)

    monkeypatch.setattr(module, "joint_histogram", counting)
    fused, visible, infrared = (MeasuredImage(image, image) for image in scene)
    another = MeasuredImage(scene[0][::-1], scene[0][::-1])
    sources = SourceImages(visible, infrared)
    metrics = (
        MutualInformation,
        NormalisedMutualInformation,
        NonlinearCorrelation,
        CorrelationCoefficient,
        CorrelationOfDifferences,
        MeanSquaredError,
        PeakSignalToNoiseRatio,
    )
    for metric in metrics:
        metric().measure(fused, sources)
    assert len(counted) == 3
    for metric in metrics:
        metric().measure(another, sources)
    assert len(counted) == 5
