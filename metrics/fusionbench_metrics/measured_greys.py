"""Grey images as a metric takes them, for the formulas that are also plain functions of three arrays."""

from __future__ import annotations

from fusionbench.contracts import MeasuredImage, SourceImages, Uint8Image


def measured_greys(
    fused: Uint8Image, visible: Uint8Image, infrared: Uint8Image
) -> tuple[MeasuredImage, SourceImages]:
    """Wrap a fused image and its sources, with nothing kept yet.

    Args:
        fused: `(H, W)`.
        visible: `(H, W)`.
        infrared: `(H, W)`.
    """
    return (
        MeasuredImage(fused, fused),
        SourceImages(MeasuredImage(visible, visible), MeasuredImage(infrared, infrared)),
    )
