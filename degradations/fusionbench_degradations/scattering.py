"""Koschmieder's law in both images: what lies far away fades into airlight.

I = J t + A (1 - t), t = exp(-tau d), in linear light (Koschmieder, "Theorie der horizontalen Sichtweite",
1924). d is relative depth (`depth`), so tau is the optical depth at the 95th percentile of distance.
"""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from fusionbench.contracts import FloatImage, ImagePair, LinearScene
from fusionbench.degrading import DEPTH_SOURCE
from fusionbench.images import to_grey
from fusionbench_degradations.airlight import infrared_airlight, visible_airlight
from fusionbench_degradations.depth import RelativeDepth, relative_depth
from fusionbench_degradations.exponential import transmission
from fusionbench_degradations.visibility import visible_extinction


class Surroundings(NamedTuple):
    """What scattering needs to know of a pair, the same at every strength."""

    depth: RelativeDepth
    visible_airlight: NDArray[np.float32]
    """`(3,)` in linear light."""
    infrared_airlight: np.float32


_surroundings: WeakKeyDictionary[ImagePair, Surroundings] = WeakKeyDictionary()
"""Estimates of the pairs in use, so that five severities of one pair estimate them once."""


def surroundings_of(pair: ImagePair) -> Surroundings:
    """Depth and airlight of a pair.

    Raises:
        InputError: If the pair's metric depth cannot be used.
    """
    found = _surroundings.get(pair)
    if found is None:
        luma = to_grey(pair.visible)
        found = Surroundings(
            relative_depth(pair, luma), visible_airlight(pair, luma), np.float32(infrared_airlight(pair))
        )
        _surroundings[pair] = found
    return found


def scattered(scene: LinearScene, optical_depth: float, infrared_optical_depth: float) -> LinearScene:
    """Veil both images, and export depth, sky, transmissions and airlights.

    Args:
        scene: The scene as the stages before left it.
        optical_depth: tau of the visible image, not negative.
        infrared_optical_depth: tau of the infrared image.
    """
    depth = surroundings_of(scene.clean).depth.depth
    through = transmission(depth, optical_depth), transmission(depth, infrared_optical_depth)
    return _veiled(scene, *through)


def _veiled(scene: LinearScene, through_visible: FloatImage, through_infrared: FloatImage) -> LinearScene:
    """Veil both images by their transmissions `(H, W)`."""
    depth, airlight, warmth = surroundings_of(scene.clean)
    through = through_visible[..., None]
    maps = {
        # Copies: the estimates serve other severities, whatever is done to the maps.
        "depth": depth.depth.copy(),
        "sky": depth.sky.copy(),
        "transmission": through_visible,
        "airlight": airlight.copy(),
        "infrared_transmission": through_infrared,
        "infrared_airlight": np.asarray(warmth),
        DEPTH_SOURCE: np.asarray(depth.source),
    }
    return scene.changed(
        visible=scene.visible * through + airlight * (np.float32(1) - through),
        infrared=scene.infrared * through_infrared + warmth * (np.float32(1) - through_infrared),
        maps=maps,
    )


def scattered_at_visibility(scene: LinearScene, visibility_km: float, infrared_ratio: float) -> LinearScene:
    """Veil both images as a meteorological visibility does, over the distance in metres.

    Metric depth counts in full, however far; that of the prior ends at three units.

    Adds the maps `visibility_km` and `metres_per_depth_unit` to those of `scattered`.

    Args:
        scene: The scene as the stages before left it.
        visibility_km: Positive.
        infrared_ratio: Extinction in the infrared over that in visible light.
    """
    depth = surroundings_of(scene.clean).depth
    unit = depth.metres_per_unit
    maps = {"visibility_km": np.asarray(visibility_km), "metres_per_depth_unit": np.asarray(unit)}
    distance, extinction = depth.depth, visible_extinction(visibility_km) * unit / 1000.0
    if depth.metres is not None:
        distance, extinction = depth.metres, visible_extinction(visibility_km) / 1000.0
    through = transmission(distance, extinction), transmission(distance, extinction * infrared_ratio)
    return _veiled(scene, *through).changed(maps=maps)
