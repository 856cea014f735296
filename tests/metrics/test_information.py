import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from fusionbench.contracts import MeasuredImage
from fusionbench_metrics.histogram import entropy_bits, histogram, joint_histogram
from fusionbench_metrics.information import Information, information, kept_information

few_levels = arrays(np.uint8, (12, 9), elements={"max_value": 5})


@given(few_levels, few_levels)
def test_entropies_are_those_of_either_image_and_of_both_together(first, second):
    found = information(joint_histogram(first, second))
    couples = np.unique(np.stack([first.ravel(), second.ravel()]), axis=1, return_counts=True)[1]
    assert found.first == entropy_bits(histogram(first))
    assert found.second == entropy_bits(histogram(second))
    assert found.joint == pytest.approx(entropy_bits(couples), abs=1e-12)


def test_two_images_share_what_their_entropies_exceed_the_joint_one_by():
    assert Information(first=3.0, second=2.0, joint=4.5).shared == 0.5


def test_rounding_never_makes_shared_information_negative():
    assert Information(first=3.0, second=2.0, joint=5.0 + 1e-15).shared == 0.0


def test_entropies_are_computed_once_for_two_images():
    first, second = (MeasuredImage(image, image) for image in np.zeros((2, 3, 4), np.uint8))
    assert kept_information(first, second) is kept_information(first, second)


def test_entropies_of_different_sources_are_kept_apart():
    flat, halves, other = (np.zeros((2, 2), np.uint8) for _ in range(3))
    halves[0], other[0] = 1, 1
    measured = MeasuredImage(other, other)
    assert kept_information(MeasuredImage(flat, flat), measured).shared == 0.0
    assert kept_information(MeasuredImage(halves, halves), measured).shared == 1.0
