from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from fusionbench import registry
from fusionbench.contracts import ImagePair
from fusionbench.datasets import open_dataset
from fusionbench.degrading import degrade_pair, parse_condition, profiles
from fusionbench.degrading.manifest import array_hash

VISIBLE_NAMES = (
    "haze",
    "fog",
    "low_light",
    "noise",
    "over_exposure",
    "rain",
    "motion_blur",
    "defocus",
    "jpeg",
)
INFRARED_NAMES = ("ir_noise", "ir_stripe", "ir_low_contrast", "ir_blur")
NAMES = (*VISIBLE_NAMES, *INFRARED_NAMES)
PUBLISHED = registry.names("degradation_profile")
GOLDEN = list(csv.DictReader((Path(__file__).parent / "golden.csv").read_text().splitlines()))
SCENES = list(csv.DictReader((Path(__file__).parent / "golden_scenes.csv").read_text().splitlines()))
CORE = "numpy._core._multiarray_umath" if np.__version__ >= "2" else "numpy.core._multiarray_umath"

HASH_IN_A_PROCESS = """
import importlib, json, sys
import numpy as np
from fusionbench.contracts import ImagePair
from fusionbench.datasets import open_dataset
from fusionbench.degrading import degrade_pair, parse_condition
from fusionbench.degrading.manifest import array_hash
stored = np.load(sys.argv[1])
pair = ImagePair(str(stored["id"]), stored["visible"], stored["infrared"])
hashes = []
for name in sys.argv[3:]:
    result = degrade_pair(pair, parse_condition(name), 0)
    maps = [array_hash(result.maps[key]) for key in sorted(result.maps)]
    hashes.append([array_hash(result.pair.visible), array_hash(result.pair.infrared), *maps])
core = importlib.import_module(sys.argv[2])
print(json.dumps([hashes, [name for name in core.__cpu_dispatch__ if core.__cpu_features__[name]]]))
"""


def hashes_in_a_process(
    pair: ImagePair, names: list[str], folder: Path, disabled: list[str]
) -> tuple[list[list[str]], list[str]]:
    """Hashes from a fresh interpreter without the named SIMD features, and the features it had left."""
    stored = folder / "pair.npz"
    np.savez(stored, id=pair.id, visible=pair.visible, infrared=pair.infrared)
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join(str(root / part) for part in (".", "degradations"))
    environment = {**os.environ, "PYTHONPATH": path, "NPY_DISABLE_CPU_FEATURES": " ".join(disabled)}
    if disabled:
        # The compiled loops for the plainest CPU too, which no process may find in the common cache.
        compiler = {"CPU_NAME": "generic", "CPU_FEATURES": "", "CACHE_DIR": str(folder / "compiled")}
        environment |= {f"NUMBA_{name}": value for name, value in compiler.items()}
    run = subprocess.run(
        [sys.executable, "-c", HASH_IN_A_PROCESS, str(stored), CORE, *names],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    hashes, features = json.loads(run.stdout)
    return hashes, features


def test_the_same_bits_without_any_optional_simd(street: ImagePair, tmp_path: Path) -> None:
    published = [f"{profile}:{name}" for profile in PUBLISHED for name in profiles.degradation_names(profile)]
    every = (*NAMES, "haze+low_light+noise", *published)
    names = [f"{name}@{severity}" for name in every for severity in (1, 3, 5)]
    fast, optional = hashes_in_a_process(street, names, tmp_path, disabled=[])
    if not optional:
        pytest.skip("this CPU has no SIMD feature beyond numpy's baseline")
    plain, left = hashes_in_a_process(street, names, tmp_path, disabled=optional)
    assert left == []
    assert plain == fast


def test_two_processes_in_opposite_order_agree(street: ImagePair, tmp_path: Path) -> None:
    names = ["haze@2", "low_light@4", "noise@1", "haze+noise@3"]
    forward, _ = hashes_in_a_process(street, names, tmp_path, disabled=[])
    backward, _ = hashes_in_a_process(street, names[::-1], tmp_path, disabled=[])
    assert forward == backward[::-1]


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: row["condition"])
def test_the_bits_are_those_of_the_record(street: ImagePair, row: dict[str, str]) -> None:
    result = degrade_pair(street, parse_condition(row["condition"]), seed=0, dataset="golden").pair
    assert (array_hash(result.visible), array_hash(result.infrared)) == (row["visible"], row["infrared"])


@pytest.mark.parametrize("row", SCENES, ids=lambda row: f"{row['image']} {row['condition']}")
def test_the_bits_of_generated_scenes_are_those_of_the_record(row: dict[str, str]) -> None:
    scenes = open_dataset("scenes", options={"size": "320x240"})
    sample = next(sample for sample in scenes.samples if sample.id == row["image"])
    result = degrade_pair(scenes.load(sample), parse_condition(row["condition"]), 0, "scenes").pair
    assert (array_hash(result.visible), array_hash(result.infrared)) == (row["visible"], row["infrared"])


@pytest.mark.parametrize("name", NAMES)
def test_real_pairs_come_out_the_same_in_any_order(real_pair: ImagePair, name: str) -> None:
    severities = (1.0, 3.0, 5.0)
    condition = parse_condition(name)
    first = [degrade_pair(replace(real_pair), condition.with_severity(s), 0) for s in severities]
    shared_pair = replace(real_pair)
    second = [degrade_pair(shared_pair, condition.with_severity(s), 0) for s in reversed(severities)]
    for one, other in zip(first, reversed(second), strict=True):
        np.testing.assert_array_equal(one.pair.visible, other.pair.visible)
        np.testing.assert_array_equal(one.pair.infrared, other.pair.infrared)


@pytest.mark.parametrize("name", VISIBLE_NAMES)
def test_every_severity_is_worse_than_the_one_before(real_pair: ImagePair, name: str) -> None:
    # Every second pixel is enough to order them, and keeps the test short on large images.
    clean = real_pair.visible[::2, ::2]
    psnr, ssim = [], []
    for severity in (1, 1.5, 2, 3, 4, 5):
        condition = parse_condition(name).with_severity(severity)
        damaged = degrade_pair(real_pair, condition, 0).pair.visible[::2, ::2]
        psnr.append(peak_signal_noise_ratio(clean, damaged))
        ssim.append(structural_similarity(clean, damaged, channel_axis=2))
    assert psnr == sorted(psnr, reverse=True)
    assert ssim == sorted(ssim, reverse=True)
    assert len(set(psnr)) == len(psnr)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)).flatmap(
        lambda size: st.tuples(
            arrays.arrays(np.uint8, (*size, 3)), arrays.arrays(np.uint8, size), st.sampled_from(NAMES)
        )
    ),
    st.floats(1, 5),
)
def test_any_size_and_content_is_degraded_repeatably(
    images: tuple[NDArray[np.uint8], NDArray[np.uint8], str], severity: float
) -> None:
    visible, infrared, name = images
    pair = ImagePair("any", visible, infrared)
    condition = parse_condition(name).with_severity(severity)
    result = degrade_pair(pair, condition, seed=3)
    assert result.pair.visible.shape == visible.shape
    assert all(np.isfinite(values).all() for values in result.maps.values())
    again = degrade_pair(replace(pair), condition, seed=3).pair
    np.testing.assert_array_equal(result.pair.visible, again.visible)
    np.testing.assert_array_equal(result.pair.infrared, again.infrared)


@settings(max_examples=30, deadline=None)
@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12))), st.sampled_from(NAMES))
def test_grey_visible_images_stay_grey(grey: NDArray[np.uint8], name: str) -> None:
    pair = ImagePair("grey", np.repeat(grey[..., None], 3, axis=2), grey)
    result = degrade_pair(pair, parse_condition(f"{name}@4"), seed=0).pair.visible
    assert (np.ptp(result, axis=2) == 0).all()


@settings(max_examples=30, deadline=None)
@given(arrays.arrays(np.uint8, (8, 8, 3)), st.floats(1, 5))
def test_transmission_and_airlight_are_physical_on_tiny_images(
    visible: NDArray[np.uint8], severity: float
) -> None:
    pair = ImagePair("tiny", visible, visible[..., 0])
    maps = degrade_pair(pair, parse_condition("haze").with_severity(severity), seed=0).maps
    assert (maps["transmission"] > 0).all()
    assert (maps["transmission"] <= 1).all()
    assert (maps["infrared_transmission"] >= maps["transmission"]).all()
    assert (maps["airlight"] > 0).all()
    assert (maps["airlight"] <= 1).all()
