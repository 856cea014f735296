"""Denoising by the bilateral filter.

Reference:
    C. Tomasi, R. Manduchi: "Bilateral Filtering for Gray and Color Images", ICCV 1998; computed by
    scikit-image.
"""

from __future__ import annotations

import numpy as np

from fusionbench.contracts import EnhancementCard, Uint8Image
from fusionbench.images import quantise

SIGMA_SPACE = 2.0
"""In pixels."""

RANGE_OF_NOISE = 3.0
"""The range parameter, in standard deviations of the noise that is found."""


class BilateralFilter:
    """Mean of near pixels that are alike."""

    card = EnhancementCard(
        name="bilateral",
        title="Bilateral filter",
        against="noise",
        year=1998,
        paper="https://doi.org/10.1109/ICCV.1998.710815",
        licence="Apache-2.0 (this implementation), scikit-image: BSD-3-Clause",
        summary="Gaussian of 2 pixels in space, of three times the noise found in colour",
    )

    def enhance(self, visible: Uint8Image) -> Uint8Image:
        """Denoise `(H, W, 3)`."""
        from skimage.restoration import denoise_bilateral

        from fusionbench_methods.enhancements.noise_found import noise_found

        image = visible.astype(np.float64) / 255
        noise = noise_found(image)
        if noise == 0.0:
            return visible
        smooth = denoise_bilateral(
            image,
            sigma_color=RANGE_OF_NOISE * noise,
            sigma_spatial=SIGMA_SPACE,
            mode="edge",
            channel_axis=-1,
        )
        return quantise(255 * smooth)
