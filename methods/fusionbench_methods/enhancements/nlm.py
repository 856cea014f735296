"""Denoising by non-local means.

Reference:
    A. Buades, B. Coll, J.-M. Morel: "A non-local algorithm for image denoising", CVPR 2005; computed by
    scikit-image with the parameters its authors advise.
"""

from __future__ import annotations

import numpy as np

from fusionbench.contracts import EnhancementCard, Uint8Image
from fusionbench.images import quantise

PATCH, REACH = 5, 6
"""Side of the patches compared, and how far they are looked for, in pixels."""

STRENGTH = 0.8
"""The filter's parameter h, in standard deviations of the noise that is found."""


class NonLocalMeans:
    """Mean of pixels whose neighbourhoods are alike."""

    card = EnhancementCard(
        name="nlm",
        title="Non-local means",
        against="noise",
        year=2005,
        paper="https://doi.org/10.1109/CVPR.2005.38",
        licence="Apache-2.0 (this implementation), scikit-image: BSD-3-Clause",
        summary="patches of 5x5 within 6 pixels, strength .8 of the noise found",
    )

    def enhance(self, visible: Uint8Image) -> Uint8Image:
        """Denoise `(H, W, 3)`."""
        from skimage.restoration import denoise_nl_means

        from fusionbench_methods.enhancements.noise_found import noise_found

        image = visible.astype(np.float64) / 255
        noise = noise_found(image)
        if noise == 0.0:
            return visible
        smooth = denoise_nl_means(
            image,
            patch_size=PATCH,
            patch_distance=REACH,
            h=STRENGTH * noise,
            sigma=noise,
            fast_mode=True,
            channel_axis=-1,
        )
        return quantise(255 * smooth)
