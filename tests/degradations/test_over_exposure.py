from __future__ import annotations

import pytest

from fusionbench.contracts import ImagePair
from fusionbench.degrading import decode_visible, degrade_pair, parse_condition


@pytest.mark.parametrize(("severity", "stops"), [(1, 0.5), (2, 1), (3, 1.5), (4, 2), (5, 2.5)])
def test_light_grows_by_the_stops_until_the_sensor_clips(
    street: ImagePair, severity: int, stops: float
) -> None:
    damaged = degrade_pair(street, parse_condition(f"physical:over_exposure@{severity}"), seed=0).pair
    before, after = decode_visible(street.visible), decode_visible(damaged.visible)
    clipped = before * 2**stops >= 1
    assert (damaged.visible[clipped] == 255).all()
    kept = ~clipped & (damaged.visible < 255)
    assert float(after[kept].mean() / before[kept].mean()) == pytest.approx(2**stops, rel=0.005)


def test_the_infrared_image_is_left_alone(street: ImagePair) -> None:
    assert degrade_pair(street, parse_condition("over_exposure@3"), seed=0).pair.infrared is street.infrared
