"""ControlFusion's haze (Tang et al., "ControlFusion", NeurIPS 2025), whose levels are not published."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from fusionbench.contracts import Degradation, DegradationProfileCard, FloatImage
from fusionbench.degrading import DEPTH_SOURCE
from fusionbench_degradations.exponential import STEPS, decay
from fusionbench_degradations.filters import rounded
from fusionbench_degradations.profiles.display_degradation import DisplayScene, Maps, display_degradation
from fusionbench_degradations.scattering import surroundings_of

_REFERENCE = "ControlFusion, NeurIPS 2025 (t = exp(-beta min(1 - depth, 0.7)), beta 1 to 2, A 0.6 to 0.9)"
_FARTHEST = 0.7
_AIRLIGHT = (0.6, 0.9)


def _haze(seen: DisplayScene, scattering: float) -> tuple[FloatImage, Maps]:
    depth = surroundings_of(seen.scene.clean).depth
    # Its depth is nearness in [0, 1], so 1 - depth grows with distance.
    farness = depth.depth / max(depth.depth.max(), np.float32(1e-6))
    distance = np.minimum(farness, np.float32(_FARTHEST))
    transmission = decay(rounded(distance * np.float32(scattering * STEPS)))
    share = float(seen.random.uniform("airlight", (1,))[0])
    airlight = np.float32(_AIRLIGHT[0] + (_AIRLIGHT[1] - _AIRLIGHT[0]) * share)
    through = transmission[..., None]
    maps = {
        "transmission": transmission,
        "display_airlight": np.asarray(airlight),
        DEPTH_SOURCE: np.asarray(depth.source),
    }
    return seen.display * through + airlight * (np.float32(1) - through), maps


class ControlFusion:
    """Haze that ends at seven tenths of the depth."""

    card = DegradationProfileCard(
        name="controlfusion",
        title="ControlFusion",
        summary="haze on sRGB values over depth cut off at 0.7; severities span the published range of beta "
        "evenly; its other degradations have no published levels and are left out; infrared untouched",
        reference=_REFERENCE,
    )

    @cached_property
    def degradations(self) -> Mapping[str, Degradation]:
        """Its one degradation."""
        haze = display_degradation(
            _haze,
            "haze",
            "Haze after ControlFusion",
            "J t + A (1 - t) in sRGB, t = exp(-beta min(d, 0.7)), d in [0, 1], A uniform in [0.6, 0.9]",
            _REFERENCE,
            parameter="scattering coefficient beta",
            levels=(1.0, 1.25, 1.5, 1.75, 2.0),
            stage="medium",
        )
        return {"haze": haze}
