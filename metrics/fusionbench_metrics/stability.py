"""Stability: how little a degradation of the pair changes what a method makes of it.

The fused image of the degraded pair is compared with the same method's fused image of the clean pair. Every
other comparison of fused images has two references and no truth; here the method itself says what it would
have made without the damage, and copying more of one source gains nothing by itself. It is no measure of
quality: what never changes is perfectly stable, such as a copy of a source that the degradation does not
touch. Read it beside the others.

Reference:
    D. Hendrycks, T. Dietterich: "Benchmarking neural network robustness to common corruptions and
    perturbations", ICLR 2019, for judging a method by its change under controlled damage; the two distances
    are those of `fusionbench_metrics.ssim` and `fusionbench_metrics.psnr`.
"""

from __future__ import annotations

from dataclasses import replace

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench_metrics.psnr import PeakSignalToNoiseRatio
from fusionbench_metrics.ssim import StructuralSimilarity


def _against_clean_output(sources: SourceImages) -> SourceImages:
    """The output on the clean pair in the place of both sources, whose mean is then the one comparison."""
    output = sources.clean_output
    if output is None:
        raise ValueError("the method's output on the clean pair is not known")
    return SourceImages(output, output)


class StabilitySsim:
    """SSIM of the fused image with the same method's output on the clean pair."""

    card = replace(
        StructuralSimilarity.card,
        name="stability_ssim",
        title="Stability, as structural similarity",
        label="Stab. SSIM",
        compares="clean_output",
        summary="SSIM between the outputs on the degraded and on the clean pair",
        flat="1 if both outputs are the same constant",
        won_by="an image that ignores the degraded source",
        core=False,
        elsewhere="",
        example=None,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image.

        Raises:
            ValueError: If the output on the clean pair is not given.
        """
        return StructuralSimilarity().measure(fused, _against_clean_output(sources))


class StabilityPsnr:
    """PSNR of the fused image against the same method's output on the clean pair."""

    card = replace(
        PeakSignalToNoiseRatio.card,
        name="stability_psnr",
        title="Stability, as peak signal-to-noise ratio",
        label="Stab. PSNR",
        compares="clean_output",
        summary="PSNR between the outputs on the degraded and on the clean pair; at most 100 dB",
        flat="as any other image; 100 dB if both outputs are equal",
        won_by="an image that ignores the degraded source",
        core=False,
        elsewhere="",
        example=None,
    )

    def measure(self, fused: MeasuredImage, sources: SourceImages) -> float:
        """Measure one image.

        Raises:
            ValueError: If the output on the clean pair is not given.
        """
        return PeakSignalToNoiseRatio().measure(fused, _against_clean_output(sources))
