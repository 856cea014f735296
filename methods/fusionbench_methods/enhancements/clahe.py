"""Contrast-limited adaptive histogram equalisation of luminance.

Reference:
    K. Zuiderveld: "Contrast Limited Adaptive Histogram Equalization", Graphics Gems IV, 1994; computed by
    scikit-image.
"""

from __future__ import annotations

import numpy as np

from fusionbench.contracts import EnhancementCard, Uint8Image
from fusionbench_methods.enhancements.luminance_gain import with_luminance

CLIP_LIMIT = 0.01
"""Share of a tile's pixels that one grey level may hold; scikit-image's default."""


class AdaptiveEqualisation:
    """Equalise the histogram of luminance tile by tile, with limited contrast."""

    card = EnhancementCard(
        name="clahe",
        title="Contrast-limited adaptive histogram equalisation",
        against="darkness",
        year=1994,
        licence="Apache-2.0 (this implementation), scikit-image: BSD-3-Clause",
        summary="luminance equalised in 8x8 tiles with a clip limit of .01, colours in proportion",
    )

    def enhance(self, visible: Uint8Image) -> Uint8Image:
        """Equalise `(H, W, 3)`."""
        from skimage.exposure import equalize_adapthist

        return with_luminance(
            visible, lambda luma: np.asarray(equalize_adapthist(luma, clip_limit=CLIP_LIMIT), np.float64)
        )
