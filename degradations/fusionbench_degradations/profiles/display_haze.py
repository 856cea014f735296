"""Koschmieder's law on display values with grey random airlight, as two papers have it."""

from __future__ import annotations

import numpy as np

from fusionbench.contracts import FloatImage
from fusionbench.degrading import DEPTH_SOURCE
from fusionbench_degradations.exponential import transmission
from fusionbench_degradations.profiles.display_degradation import DisplayScene, Maps
from fusionbench_degradations.scattering import surroundings_of


def display_haze(
    seen: DisplayScene, scattering: float, *, darkest: float, brightest: float, farthest: float = 1.0
) -> tuple[FloatImage, Maps]:
    """J t + A (1 - t) in sRGB, t = exp(-scattering d), d relative depth over its largest value.

    Args:
        seen: What is hazed.
        scattering: Coefficient beta over the largest depth.
        darkest: Least airlight A, in sRGB; A is uniform between the two and fixed for an image.
        brightest: Most airlight.
        farthest: Depth, in [0, 1], beyond which haze grows no more.
    """
    depth = surroundings_of(seen.scene.clean).depth
    normalised = depth.depth / max(depth.depth.max(), np.float32(1e-6))
    through = transmission(np.minimum(normalised, np.float32(farthest)), scattering)
    share = float(seen.random.uniform("airlight", (1,))[0])
    airlight = np.float32(darkest + (brightest - darkest) * share)
    hazy = seen.display * through[..., None] + airlight * (np.float32(1) - through[..., None])
    maps = {
        "transmission": through,
        "display_airlight": np.asarray(airlight),
        DEPTH_SOURCE: np.asarray(depth.source),
    }
    return hazy, maps
