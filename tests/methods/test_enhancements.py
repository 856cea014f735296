"""Enhancements undo what they are meant to, on images damaged here."""

from __future__ import annotations

import numpy as np
import pytest

from fusionbench import registry
from fusionbench.api import degrade
from fusionbench.contracts import Enhancement
from fusionbench.images import luminance
from fusionbench_methods.enhancements.dcp import airlight_of, dark_channel
from fusionbench_methods.enhancements.gamma import AutomaticGamma, exponent_for
from fusionbench_methods.enhancements.luminance_gain import with_luminance
from fusionbench_methods.enhancements.noise_found import noise_found

NAMES = ("bilateral", "clahe", "dcp", "gamma", "nlm", "retinex")


@pytest.fixture(scope="module")
def scene(shared):
    from fusionbench.datasets import open_dataset

    dataset = open_dataset("msrs", shared / "data", "test")
    pair = dataset.load(next(sample for sample in dataset.samples if sample.native == "day"))
    return pair.visible, pair.infrared


def error(first, second):
    return float(np.abs(first.astype(float) - second).mean())


@pytest.mark.parametrize("name", NAMES)
def test_it_is_registered_under_the_name_on_its_card(name):
    made = registry.enhancement(name)
    assert isinstance(made, Enhancement) and made.card.name == name
    assert made.card.against in {"haze", "darkness", "noise"}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 5), (40, 33)], ids=str)
@pytest.mark.parametrize("value", [None, 0, 255, 90])
def test_any_image_gives_one_of_its_size(name, size, value):
    generator = np.random.default_rng(1)
    image = generator.integers(0, 256, (*size, 3), dtype=np.uint8)
    if value is not None:
        image[:] = value
    before = image.copy()
    better = registry.enhancement(name).enhance(image)
    assert better.shape == image.shape and better.dtype == np.uint8
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(
    ("name", "condition", "share"),
    [("dcp", "haze@3", 0.9), ("bilateral", "noise@4", 0.9), ("nlm", "noise@4", 0.8)],
)
def test_damage_becomes_less(scene, name, condition, share):
    damaged = degrade(*scene, condition)
    better = registry.enhancement(name).enhance(damaged.visible)
    assert error(better, scene[0]) < share * error(damaged.visible, scene[0])


def test_clahe_gives_dark_images_contrast(scene):
    dark = degrade(*scene, "low_light@3").visible
    assert luminance(registry.enhancement("clahe").enhance(dark)).std() > 1.3 * luminance(dark).std()


def test_gamma_brings_a_dark_image_near_the_middle(scene):
    dark = degrade(*scene, "low_light@4").visible
    assert luminance(dark).mean() < 50
    assert abs(luminance(AutomaticGamma().enhance(dark)).mean() - 127.5) < 40


def test_retinex_evens_out_light_that_changes_slowly():
    texture = np.random.default_rng(2).normal(0, 0.1, (48, 1600))
    light = np.linspace(0.15, 0.8, 1600)[None, :]
    image = (255 * np.clip(light * (1 + texture), 0, 1)).astype(np.uint8)[..., None].repeat(3, axis=2)

    def unevenness(of):
        means = luminance(of).reshape(48, 16, 100).mean(axis=(0, 2))[2:-2]
        return np.ptp(means) / means.mean()

    assert unevenness(registry.enhancement("retinex").enhance(image)) < 0.35 * unevenness(image)


def test_the_dark_channel_is_the_smallest_value_near_by():
    image = np.ones((31, 31, 3))
    image[15, 15, 1] = 0.25
    darkest = dark_channel(image)
    assert (darkest[8:23, 8:23] == 0.25).all() and darkest[7, 15] == 1.0


def test_airlight_is_the_colour_of_the_haziest_pixels():
    image = np.full((40, 40, 3), 0.1)
    image[:20] = (0.7, 0.8, 0.9)
    np.testing.assert_allclose(airlight_of(image), (0.7, 0.8, 0.9))


def test_gamma_brings_the_mean_to_the_middle_and_never_darkens():
    assert exponent_for(np.full((4, 4), 0.25)) == pytest.approx(0.5)
    bright = np.full((4, 4, 3), 200, np.uint8)
    np.testing.assert_array_equal(AutomaticGamma().enhance(bright), bright)


def test_noise_is_found_as_large_as_it_is():
    generator = np.random.default_rng(3)
    assert noise_found(0.5 + generator.normal(0, 0.05, (128, 128, 3))) == pytest.approx(0.05, rel=0.05)
    assert noise_found(np.full((64, 64, 3), 0.5)) == 0.0


def test_brightening_keeps_hue():
    image = np.array([[[20, 40, 60], [0, 0, 0]]], np.uint8)
    twice = with_luminance(image, lambda luma: np.clip(2 * luma, 0, 1))
    np.testing.assert_allclose(twice[0, 0], [40, 80, 120], atol=1)
    assert (twice[0, 1] == 0).all()
