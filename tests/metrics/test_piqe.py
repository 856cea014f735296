import numpy as np
import pytest
from scipy import ndimage

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench_metrics.piqe import Piqe, piqe


def patchwork(height, width):
    """Smooth and rough patches; the maximum is odd, so that scaling it to 255 has no ties to round."""
    rows, columns = np.mgrid[0:height, 0:width]
    texture = (5 * rows**3 + 3 * columns**2 + 11 * rows * columns) % 61
    strength = (rows // 32 + columns // 48) % 4
    return (40 + rows // 3 + columns // 4 + texture * strength // 3).astype(np.uint8)


def block_by_block(image):
    """PIQE of an image of whole blocks and of maximum 255, every block judged by itself."""
    offsets = np.arange(-3, 4)
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * (7 / 6) ** 2))
    plain = image.astype(np.float64)
    mean, mean_square = (
        ndimage.correlate(m, window / window.sum(), mode="nearest") for m in (plain, plain**2)
    )
    values = (plain - mean) / (np.sqrt(np.abs(mean_square - mean**2)) + 1)
    distortions = []
    for top in range(0, image.shape[0], 16):
        for left in range(0, image.shape[1], 16):
            block = values[top : top + 16, left : left + 16]
            variance = np.var(block, ddof=1)
            if variance > 0.1:
                smooth = any(
                    np.std(side[start : start + 6], ddof=1) < 0.1
                    for side in (block[0], block[15], block[:, 0], block[:, 15])
                    for start in range(11)
                )
                others = [column for column in range(16) if column not in (7, 9)]
                ratio = np.std(block[:, 7:9], ddof=1) / np.std(block[:, others], ddof=1)
                deviation = np.sqrt(variance)
                noisy = deviation > 2 * abs(ratio - deviation) / max(ratio, deviation)
                distortions.append(smooth * (1 - variance) + noisy * variance)
    return 100 * (sum(distortions) + 1) / (len(distortions) + 1)


def test_the_score_is_that_of_every_block_judged_by_itself(scene):
    for image in scene:
        whole = image[:, :64].copy()
        whole[0, 0] = 255
        assert piqe(whole) == pytest.approx(block_by_block(whole), rel=1e-11)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((96, 160), 72.63857330737949), ((101, 150), 70.8788003698561), ((40, 200), 73.47449552323886)],
)
def test_the_score_is_that_of_a_port_tested_against_matlab(shape, expected):
    # pypiqe 1.2; the second and the third image are completed to whole blocks.
    assert piqe(patchwork(*shape)) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("level", [0, 1, 99, 255])
def test_a_constant_image_is_as_bad_as_can_be(level):
    assert piqe(np.full((40, 50), level, np.uint8)) == 100.0


def test_blur_and_noise_are_worse_than_the_photograph(shared):
    from fusionbench.images import read_visible, to_grey

    folder = shared / "reference" / "sgafusion_outputs" / "M3FD" / "Vis"
    image = to_grey(read_visible(sorted(folder.iterdir())[0]))
    random = np.random.default_rng(1)
    blurred = np.round(ndimage.gaussian_filter(image.astype(float), 2)).astype(np.uint8)
    noisy = np.clip(image + random.normal(0, 15, image.shape), 0, 255).astype(np.uint8)
    assert piqe(image) + 10 < min(piqe(blurred), piqe(noisy))


def test_gain_without_rounding_changes_nothing():
    image = patchwork(64, 96)
    image[0, 0] = 85
    image = np.minimum(image, 85)
    assert piqe(3 * image) == piqe(image)


def test_the_metric_measures_the_grey_fused_image():
    image = patchwork(48, 64)
    colour = np.zeros((48, 64, 3), np.uint8)
    sources = SourceImages(MeasuredImage(colour, image), MeasuredImage(image, image))
    assert Piqe().measure(MeasuredImage(colour, image), sources) == piqe(image)


def test_one_block_is_enough_and_less_is_refused():
    assert 0 < piqe(patchwork(16, 16)) <= 100
    with pytest.raises(ValueError, match="fused: is 20x15, but this metric needs at least 16x16"):
        piqe(patchwork(15, 20))
