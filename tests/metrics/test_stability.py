"""Stability compares the output on the degraded pair with the output on the clean one, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench_metrics.stability import StabilityPsnr, StabilitySsim


def wrapped(image: np.ndarray) -> MeasuredImage:
    return MeasuredImage(image, image)


@pytest.fixture
def sources(scene):
    """The pair, and as clean output the fused image with a brighter corner."""
    fused, visible, infrared = scene
    clean_output = fused.copy()
    clean_output[:20, :20] += 9
    return SourceImages(wrapped(visible), wrapped(infrared), wrapped(clean_output))


def test_stability_as_ssim_is_that_of_scikit_image_between_both_outputs(scene, sources):
    expected = structural_similarity(
        sources.clean_output.grey,
        scene[0],
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
    )
    assert StabilitySsim().measure(wrapped(scene[0]), sources) == pytest.approx(expected, rel=1e-12)


def test_stability_as_psnr_is_that_of_scikit_image_between_both_outputs(scene, sources):
    expected = peak_signal_noise_ratio(sources.clean_output.grey, scene[0], data_range=255)
    assert StabilityPsnr().measure(wrapped(scene[0]), sources) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("metric", "best"), [(StabilitySsim(), 1.0), (StabilityPsnr(), 100.0)])
def test_an_output_that_does_not_change_is_perfectly_stable(metric, best, scene):
    fused, visible, infrared = scene
    sources = SourceImages(wrapped(visible), wrapped(infrared), wrapped(fused))
    assert metric.measure(wrapped(fused), sources) == pytest.approx(best, rel=1e-12)


@pytest.mark.parametrize("metric", [StabilitySsim(), StabilityPsnr()])
def test_the_sources_do_not_matter(metric, scene, sources):
    other = SourceImages(sources.infrared, sources.visible, sources.clean_output)
    assert metric.measure(wrapped(scene[0]), other) == metric.measure(wrapped(scene[0]), sources)


@pytest.mark.parametrize("metric", [StabilitySsim(), StabilityPsnr()])
def test_without_the_clean_output_there_is_a_clear_error(metric, scene):
    sources = SourceImages(wrapped(scene[1]), wrapped(scene[2]))
    with pytest.raises(ValueError, match="output on the clean pair is not known"):
        metric.measure(wrapped(scene[0]), sources)
