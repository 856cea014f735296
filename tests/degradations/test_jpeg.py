from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from fusionbench.contracts import ImagePair
from fusionbench.degrading import degrade_pair, parse_condition


def through_a_file(image: np.ndarray, quality: int) -> np.ndarray:
    """What a JPEG file written and read by Pillow gives."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality, subsampling=2)
    return np.asarray(Image.open(stream))


@pytest.mark.parametrize(("severity", "quality"), [(1, 60), (2, 40), (3, 25), (4, 15), (5, 8), (2.5, 33)])
def test_the_image_is_what_a_decoder_gives_back(street: ImagePair, severity: float, quality: int) -> None:
    damaged = degrade_pair(street, parse_condition(f"physical:jpeg@{severity}"), seed=0).pair
    np.testing.assert_array_equal(damaged.visible, through_a_file(street.visible, quality))
    assert damaged.infrared is street.infrared


def test_it_comes_after_everything_else_on_the_one_rounded_image(street: ImagePair) -> None:
    noisy = degrade_pair(street, parse_condition("physical:noise@3"), seed=0).pair.visible
    both = degrade_pair(street, parse_condition("physical:jpeg@3+noise@3"), seed=0).pair.visible
    np.testing.assert_array_equal(both, through_a_file(noisy, 25))


def test_a_grey_camera_stays_grey(street: ImagePair) -> None:
    grey = np.repeat(street.visible[..., :1], 3, axis=2)
    damaged = degrade_pair(ImagePair("g", grey, street.infrared), parse_condition("jpeg@5"), seed=0).pair
    assert (np.ptp(damaged.visible, axis=2) == 0).all()
