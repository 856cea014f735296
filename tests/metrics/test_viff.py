import numpy as np
import pytest
from scipy import signal

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench_metrics.vif import VisualInformationFidelity
from fusionbench_metrics.viff import FusionFidelity, fusion_fidelity

TEXTURE = np.random.default_rng(33).integers(64, 160, (60, 72), dtype=np.uint8)


def window_of(size):
    offsets = np.arange(size) - size // 2
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * (size / 5) ** 2))
    return window / window.sum()


def gain_and_information(source, fused, window):
    """Maps of the gain, of the information that passes and of that in the source, in decimal logarithms."""

    def mean(image):
        return signal.convolve2d(image, window, mode="valid")

    noise = 0.005 * 255 * 255
    source_variance = np.maximum(mean(source**2) - mean(source) ** 2, 0)
    fused_variance = np.maximum(mean(fused**2) - mean(fused) ** 2, 0)
    gain = (mean(source * fused) - mean(source) * mean(fused)) / (source_variance + 1e-10)
    rest = fused_variance - gain * gain * (source_variance + 1e-10)
    without = (source_variance < 1e-10) | (fused_variance < 1e-10) | (gain < 0)
    gain[without] = 0
    passed = np.log10(1 + gain**2 * source_variance / (np.maximum(rest, 1e-10) + noise))
    return gain, passed, np.log10(1 + source_variance / noise)


def plain_fidelity(fused, visible, infrared):
    fused, visible, infrared = (image.astype(np.float64) for image in (fused, visible, infrared))
    ratios = []
    for scale, size in enumerate((17, 9, 5, 3)):
        window = window_of(size)
        if scale > 0:
            fused, visible, infrared = (
                signal.convolve2d(image, window, mode="valid")[::2, ::2]
                for image in (fused, visible, infrared)
            )
        of_visible = gain_and_information(visible, fused, window)
        of_infrared = gain_and_information(infrared, fused, window)
        passed = contained = 0.0
        for position in np.ndindex(of_visible[0].shape):
            chosen = of_infrared if of_infrared[0][position] < of_visible[0][position] else of_visible
            passed += chosen[1][position] + 1e-7
            contained += chosen[2][position] + 1e-7
        ratios.append(passed / contained)
    return np.dot(ratios, [1, 0, 0.15, 1]) / 2.15


def test_fidelity_is_that_of_a_plain_formulation_window_by_window(scene):
    assert fusion_fidelity(*scene) == pytest.approx(plain_fidelity(*scene), rel=1e-9)


def test_three_equal_images_have_fidelity_one():
    assert fusion_fidelity(TEXTURE, TEXTURE, TEXTURE) == pytest.approx(1.0, abs=1e-9)


def test_more_contrast_than_the_sources_gives_more_than_one():
    doubled = 2 * (TEXTURE - np.uint8(64))
    assert fusion_fidelity(doubled, TEXTURE, TEXTURE) > 1.5


def test_a_constant_fused_image_passes_nothing():
    assert fusion_fidelity(np.full_like(TEXTURE, 90), TEXTURE, TEXTURE) == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize("level", [0, 17, 255])
def test_two_constant_sources_give_one(level):
    flat = np.full_like(TEXTURE, level)
    assert fusion_fidelity(TEXTURE, flat, flat) == pytest.approx(1.0, abs=1e-12)


def test_the_source_with_the_smaller_gain_counts_alone():
    faint = TEXTURE // 4
    alone = fusion_fidelity(faint, TEXTURE, TEXTURE)
    assert fusion_fidelity(faint, TEXTURE, faint) == pytest.approx(alone, rel=1e-9)
    assert fusion_fidelity(faint, faint, TEXTURE) == pytest.approx(alone, rel=1e-9)


def test_a_source_that_is_constant_counts_instead_of_the_other():
    flat = np.full_like(TEXTURE, 80)
    assert fusion_fidelity(TEXTURE, TEXTURE, flat) == pytest.approx(1.0, abs=1e-12)
    assert fusion_fidelity(255 - TEXTURE, flat, TEXTURE) == pytest.approx(1.0, abs=1e-12)


def test_swapping_the_sources_changes_nothing_without_ties(scene):
    fused, visible, infrared = scene
    there = fusion_fidelity(fused, visible, infrared)
    assert fusion_fidelity(fused, infrared, visible) == pytest.approx(there, rel=1e-12)


def test_of_two_sources_with_the_same_gain_the_visible_one_counts():
    # No gain is positive here, so that all are zero: the value is the floor over what the source has.
    negative, faint = 255 - TEXTURE, TEXTURE // 4
    of_texture, of_faint = (fusion_fidelity(negative, source, source) for source in (TEXTURE, faint))
    assert of_texture < of_faint
    assert fusion_fidelity(negative, TEXTURE, faint) == pytest.approx(of_texture, rel=1e-9)
    assert fusion_fidelity(negative, faint, TEXTURE) == pytest.approx(of_faint, rel=1e-9)


def test_what_vif_kept_of_the_sources_gives_the_same_value(scene):
    fused, visible, infrared = scene
    sources = SourceImages(MeasuredImage(visible, visible), MeasuredImage(infrared, infrared))
    VisualInformationFidelity().measure(MeasuredImage(visible, visible), sources)
    assert FusionFidelity().measure(MeasuredImage(fused, fused), sources) == fusion_fidelity(*scene)
