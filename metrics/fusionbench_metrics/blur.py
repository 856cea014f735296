"""Blur: how little the fused image loses when it is blurred once more.

Reference:
    F. Crete, T. Dolmiere, P. Ladret, M. Nicolas: "The blur effect: perception and estimation with a new
    no-reference perceptual blur metric", Human Vision and Electronic Imaging XII, SPIE 6492, 2007, as
    scikit-image computes it.
"""

from __future__ import annotations

import math

import numpy as np

from fusionbench.contracts import MeasuredImage, MetricCard, SourceImages, Uint8Image
from fusionbench_metrics.grey_images import check_grey

AVERAGED = 11
"""Length in pixels of the average that blurs the image once more."""

MINIMUM_SIZE = AVERAGED
"""One whole average."""


def blur(fused: Uint8Image) -> float:
    """Share of the image's edges that another blur leaves, along the axis where it leaves more.

    Along an axis, with S the magnitude of the Sobel derivative and B that of the image averaged over 11
    pixels along the same axis (mirrored at the edge), it is `1 - sum max(0, S - B) / sum S`; both sums leave
    out two pixels at the start and one at the end. A sharp image loses its edges to the average, a blurred
    one has none to lose.

    Args:
        fused: `(H, W)` grey uint8, at least 11x11.

    Returns:
        From 0 (sharp) to 1 (blurred); 1 where there are no edges along an axis, as in a constant image: what
        any image tends to when it is blurred more and more.

    Raises:
        ValueError: If the image is not grey uint8 or is smaller than 11x11.
    """
    from skimage.measure import blur_effect

    check_grey(MINIMUM_SIZE, fused=fused)
    with np.errstate(invalid="ignore"):
        along_axes = blur_effect(fused.astype(np.float64), h_size=AVERAGED, reduce_func=None)
    # Without edges along an axis, scikit-image has NaN before 0.25.2 and 1 since.
    return max(1.0 if math.isnan(value) else float(value) for value in along_axes)


class BlurEffect:
    """Blur of the fused image."""

    card = MetricCard(
        name="blur",
        title="Blur effect",
        label="Blur",
        direction="lower",
        compares="fused",
        value_range=(0.0, 1.0),
        minimum_size=MINIMUM_SIZE,
        summary="share of the edges that an average over 11 pixels leaves, the larger of both axes",
        reference="Crete et al., SPIE 6492, 2007, as scikit-image's blur_effect",
        version="1",
        border="mirrored, edge pixel included; sums leave out two pixels at the start, one at the end",
        flat="1, the worst: what an image tends to when it is blurred more and more",
        rewards_noise=True,
        won_by="noise",
        example=0.282162,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:  # noqa: ARG002
        """Measure one image, in grey; see `blur`."""
        return blur(fused.grey)
