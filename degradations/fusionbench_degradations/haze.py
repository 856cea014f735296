"""Haze: distance fades into airlight, strongly in visible light, slightly in the thermal infrared.

Koschmieder's law I = J t + A (1 - t), t = exp(-tau d), in linear light. d is relative depth (`depth`), so
tau is the optical depth at the 95th percentile of distance.

Infrared: the same law with tau times the ratio of extinction at 10 um to that at 0.55 um by Kim, McArthur,
Korevaar, "Comparison of laser beam propagation at 785 nm and 1550 nm in fog and haze", SPIE 4214 (2001):
(10 / 0.55)^-q with q = 0.16 V + 0.34 for visibilities V from 1 to 6 km. Haze is taken at V = 2 km: q = 0.66,
ratio 0.147. Kim's model is disputed for fog (visibility below 1 km), which is no case of this degradation.
"""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import DegradationCard, FloatImage, ImagePair, LinearScene, RandomStreams
from fusionbench.degrading import DEPTH_SOURCE
from fusionbench.images import to_grey
from fusionbench_degradations.airlight import infrared_airlight, visible_airlight
from fusionbench_degradations.calibration import calibrated_levels
from fusionbench_degradations.depth import RelativeDepth, relative_depth
from fusionbench_degradations.exponential import STEPS, decay
from fusionbench_degradations.filters import rounded

VISIBILITY_KM = 2.0
INFRARED_RATIO = (10.0 / 0.55) ** -(0.16 * VISIBILITY_KM + 0.34)
"""Extinction at 10 um over that at 0.55 um (Kim 2001 at 2 km): 0.147."""


class _Surroundings(NamedTuple):
    """What haze needs to know of a pair, the same at every severity."""

    depth: RelativeDepth
    visible_airlight: NDArray[np.float32]
    infrared_airlight: np.float32


_surroundings: WeakKeyDictionary[ImagePair, _Surroundings] = WeakKeyDictionary()
"""Estimates of the pairs in use, so that five severities of one pair estimate them once."""


class Haze:
    """Airlight over distance in both images."""

    card = DegradationCard(
        name="haze",
        title="Haze",
        stage="medium",
        modality="both",
        summary="L t + A (1 - t), t = exp(-tau d), d relative depth; infrared with 0.147 tau",
        reference="Koschmieder 1924; Kim et al., SPIE 4214, 2001 (infrared extinction at 2 km visibility)",
        parameter="optical depth tau at the scene's 95th percentile of distance",
        levels=calibrated_levels("haze"),
        physical_levels=(0.30, 0.60, 1.0, 1.5, 2.2),
        version="1",
    )

    def apply(self, scene: LinearScene, parameter: float, random: RandomStreams) -> LinearScene:  # noqa: ARG002
        """Veil both images with optical depth `parameter`; nothing here is random."""
        depth, airlight, warmth = _of_pair(scene.clean)
        transmission = _transmission(depth.depth, parameter)
        infrared_transmission = _transmission(depth.depth, parameter * INFRARED_RATIO)
        through = transmission[..., None]
        maps = {
            "depth": depth.depth,
            "sky": depth.sky,
            "transmission": transmission,
            "airlight": airlight,
            "infrared_transmission": infrared_transmission,
            "infrared_airlight": np.asarray(warmth),
            DEPTH_SOURCE: np.asarray(depth.source),
        }
        return scene.changed(
            visible=scene.visible * through + airlight * (np.float32(1) - through),
            infrared=scene.infrared * infrared_transmission
            + warmth * (np.float32(1) - infrared_transmission),
            maps=maps,
        )


def _of_pair(pair: ImagePair) -> _Surroundings:
    found = _surroundings.get(pair)
    if found is None:
        luma = to_grey(pair.visible)
        found = _Surroundings(
            relative_depth(pair, luma), visible_airlight(pair, luma), np.float32(infrared_airlight(pair))
        )
        _surroundings[pair] = found
    return found


def _transmission(depth: FloatImage, optical_depth: float) -> FloatImage:
    """exp(-optical_depth d), exact to 1 part in 16,000."""
    return decay(rounded(depth * np.float32(optical_depth * STEPS)))
