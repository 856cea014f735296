import importlib
import math
import socket

import numpy as np
import pytest
import torch
from scipy import ndimage

from fusionbench.contracts import MeasuredImage, SourceImages
from fusionbench.errors import InputError
from fusionbench_metrics.brisque import HIGHEST, LOWEST, Brisque, brisque, features, read_model

piq = importlib.import_module("piq.brisque")


def textured(height, width):
    """An image without flat areas, so that no value depends on how rounding falls."""
    rows, columns = np.mgrid[0:height, 0:width]
    waves = 40 * np.sin(rows / 7) + 30 * np.sin(columns / 11 + rows / 23)
    grain = (rows**3 * 5 + columns**2 * 3 + rows * columns * 11 + columns**3) % 61
    return np.round(100 + waves + grain * (1 + columns // 96) / 4).astype(np.uint8)


@pytest.fixture(scope="module")
def numbers():
    """Weights and vectors of a model of the size of the authors'."""
    random = np.random.default_rng(1)
    return random.normal(0, 50, 774).round(4), random.uniform(-1, 1, (774, 36)).round(6)


@pytest.fixture(scope="module")
def model_file(numbers, tmp_path_factory):
    """These in LIBSVM's format, zeros left out."""
    numbers[1][5, 7] = 0.0
    path = tmp_path_factory.mktemp("model") / "allmodel"
    header = "svm_type epsilon_svr\nkernel_type rbf\ngamma 0.05\nnr_class 2\ntotal_sv 774\nrho -153.591\n"
    lines = [
        " ".join([repr(float(weight)), *(f"{i}:{value}" for i, value in enumerate(vector, 1) if value)])
        for weight, vector in zip(*numbers, strict=True)
    ]
    path.write_text(f"{header}probA 5.71401\nSV\n" + " \n".join(lines) + " \n")
    return path


@pytest.fixture(scope="module")
def model(model_file):
    return read_model(model_file)


@pytest.mark.parametrize("shape", [(64, 80), (130, 258)])
def test_the_score_is_that_of_piq_with_the_same_model(shape, model, numbers, monkeypatch):
    weights, vectors = (torch.from_numpy(part.copy()) for part in numbers)
    monkeypatch.setattr(piq, "load_url", lambda url, map_location: (weights, vectors))
    image = textured(*shape)
    expected = piq.brisque(torch.from_numpy(image)[None, None].double(), data_range=255)
    assert brisque(image, model) == pytest.approx(float(expected), rel=1e-8)


def test_features_are_those_of_a_fit_by_trying_every_shape():
    image = textured(50, 67)
    offsets = np.arange(-3, 4)
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * (7 / 6) ** 2))
    plain = image.astype(np.float64)
    mean, mean_square = (
        ndimage.correlate(m, window / window.sum(), mode="constant") for m in (plain, plain**2)
    )
    values = (plain - mean) / (np.sqrt(np.abs(mean_square - mean**2)) + 1)
    expected = []
    for rows, columns in ((0, 1), (1, 0), (1, 1), (1, -1)):
        products = values * np.roll(values, (rows, columns), (0, 1))
        left = math.sqrt(np.mean(products[products < 0] ** 2))
        right = math.sqrt(np.mean(products[products > 0] ** 2))
        skew = left / right
        wanted = np.mean(np.abs(products)) ** 2 / np.mean(products**2)
        wanted *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2

        def gammas(shape):
            return [math.gamma(k / shape) for k in (1, 2, 3)]

        def error(shape, wanted=wanted):
            first, second, third = gammas(shape)
            return abs(second**2 / (first * third) - wanted)

        shape = min((k / 1000 for k in range(200, 10001)), key=error)
        first, second, third = gammas(shape)
        center = (right - left) * second / math.sqrt(first * third)
        expected += [shape, center, left**2, right**2]
    np.testing.assert_allclose(features(image)[2:18], expected, rtol=1e-9)


def test_a_side_of_odd_length_is_halved_upwards(model):
    assert math.isfinite(brisque(textured(51, 67), model))
    assert brisque(textured(51, 67), model) != brisque(textured(50, 66), model)


def test_the_ranges_of_the_features_are_in_order():
    assert len(LOWEST) == len(HIGHEST) == 36
    assert all(low < high for low, high in zip(LOWEST, HIGHEST, strict=True))


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_constant_image_has_no_value(level, model):
    assert math.isnan(brisque(np.full((40, 50), level, np.uint8), model))


def test_an_image_of_many_bands_has_the_value_of_the_whole(model, numbers, monkeypatch):
    import fusionbench_metrics.brisque as module

    image = textured(300, 400)
    in_bands = brisque(image, model)
    monkeypatch.setattr(module, "row_bands", lambda rows, columns: [slice(0, rows)])
    assert brisque(image, model) == pytest.approx(in_bands, rel=1e-10)


def test_the_metric_measures_the_grey_fused_image(model_file, model):
    image = textured(40, 50)
    colour = np.zeros((40, 50, 3), np.uint8)
    sources = SourceImages(MeasuredImage(colour, image), MeasuredImage(image, image))
    measured = Brisque(weights=model_file).measure(MeasuredImage(colour, image), sources)
    assert measured == brisque(image, model)


def test_neither_the_network_nor_the_terminal_is_touched(model_file, monkeypatch, capsys):
    monkeypatch.setattr(socket, "socket", None)
    image = MeasuredImage(textured(40, 50), textured(40, 50))
    Brisque(weights=model_file).measure(image, SourceImages(image, image))
    assert capsys.readouterr() == ("", "")


def test_fourteen_pixels_are_enough_and_fewer_are_refused(model):
    noise = np.random.default_rng(1).integers(0, 256, (14, 14), dtype=np.uint8)
    assert math.isfinite(brisque(noise, model))
    with pytest.raises(ValueError, match="needs at least 14x14"):
        brisque(textured(13, 14), model)


def test_without_a_model_the_error_says_which_file_is_needed_and_how_to_give_it():
    with pytest.raises(
        InputError, match=r"needs the file `allmodel` .*https.*--weights brisque=FILE"
    ) as raised:
        Brisque()
    assert "\n" not in str(raised.value)


def test_a_model_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nothing: cannot be read \(No such file or directory\)"):
        Brisque(weights=tmp_path / "nothing")


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "<!DOCTYPE html>\n<p>Not found",
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("rho -153.591", "rho -155.845"),
        lambda text: text.replace("gamma 0.05\n", ""),
        lambda text: text.replace(" 36:", " 37:"),
        lambda text: text.replace("SV\n", "SV\n1 1:x\n"),
    ],
    ids=["page", "empty", "half", "other-model", "no-gamma", "too-many-features", "no-number"],
)
def test_a_file_that_is_not_the_authors_model_is_refused(damage, model_file, tmp_path):
    path = tmp_path / "allmodel"
    path.write_text(damage(model_file.read_text()))
    with pytest.raises(InputError, match="allmodel: is not the model metric brisque is defined by; it needs"):
        Brisque(weights=path)


def test_a_binary_file_is_refused(tmp_path):
    path = tmp_path / "weights.pt"
    path.write_bytes(bytes(range(256)) * 20)
    with pytest.raises(InputError, match="is not the model"):
        Brisque(weights=path)
