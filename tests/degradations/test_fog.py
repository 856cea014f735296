from __future__ import annotations

import numpy as np

from fusionbench.contracts import ImagePair
from fusionbench.degrading import DegradedPair, degrade_pair, parse_condition


def fogged(pair: ImagePair, severity: float) -> DegradedPair:
    return degrade_pair(pair, parse_condition(f"physical:fog@{severity}"), seed=0)


def test_fog_is_haze_to_the_visible_image(street: ImagePair) -> None:
    haze = degrade_pair(street, parse_condition("physical:haze@4"), seed=0)
    np.testing.assert_array_equal(fogged(street, 4).pair.visible, haze.pair.visible)


def test_fog_hides_the_infrared_as_far_as_the_visible(street: ImagePair) -> None:
    maps = fogged(street, 3).maps
    np.testing.assert_array_equal(maps["infrared_transmission"], maps["transmission"])
    np.testing.assert_allclose(maps["transmission"], np.exp(-1.0 * maps["depth"]), rtol=1e-4)


def test_the_infrared_under_fog_is_recovered_by_its_ground_truth(real_pair: ImagePair) -> None:
    for severity in (1, 3, 5):
        result = fogged(real_pair, severity)
        transmission = result.maps["infrared_transmission"].astype(np.float64)
        airlight = float(result.maps["infrared_airlight"])
        seen = result.pair.infrared / 255.0
        recovered = (seen - airlight * (1 - transmission)) / transmission
        clear = transmission > 0.1
        # Half a level of rounding, over the transmission.
        bound = (0.5 / 255 / transmission + 1e-5)[clear]
        assert (np.abs(recovered - real_pair.infrared / 255.0)[clear] <= bound).all()
