"""Weights as authors publish them: found, checked, converted, downloaded from a server on this machine."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from fusionbench.contracts import MethodCard, WeightsFile
from fusionbench.errors import InputError
from fusionbench.official_weights import (
    get_official_weights,
    has_official_weights,
    official_tensors,
    where_official_weights_are,
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.fixture
def card(tmp_path):
    """Of a method with two files, which lie in `published`."""
    published = tmp_path / "published"
    published.mkdir()
    torch.save({"w": torch.arange(3.0)}, published / "encoder.pth")
    np.savez(published / "decoder.npz", w=np.ones((2, 2), np.float32))
    files = tuple(
        WeightsFile(
            name=name,
            size=(published / name).stat().st_size,
            sha256=hashlib.sha256((published / name).read_bytes()).hexdigest(),
            licence="none stated",
            part=part,
            note="converted",
        )
        for name, part in (("encoder.pth", "encoder"), ("decoder.npz", "decoder"))
    )
    return MethodCard(name="two", title="Two", official_weights=files)


def test_files_are_read_by_part(card, tmp_path, folder):
    tensors = official_tensors(card, tmp_path / "published")
    assert set(tensors) == {"encoder.w", "decoder.w"}
    assert tensors["encoder.w"].tolist() == [0, 1, 2] and tensors["decoder.w"].shape == (2, 2)


@pytest.mark.parametrize("place", ["", "two"])
def test_they_are_found_in_the_usual_folder_with_and_without_the_methods_name(card, tmp_path, folder, place):
    (folder / place).parent.mkdir(exist_ok=True)
    (tmp_path / "published").rename(folder / place) if place else (tmp_path / "published").rename(folder)
    assert has_official_weights(card)
    assert where_official_weights_are(card) == folder / place
    assert set(official_tensors(card)) == {"encoder.w", "decoder.w"}


def test_missing_ones_say_how_to_get_them(card, folder):
    assert not has_official_weights(card)
    with pytest.raises(
        InputError,
        match=r"method two needs its authors' weights \(encoder.pth, decoder.npz\); get them by fusionbench "
        r"weights get two",
    ):
        official_tensors(card)


def test_another_file_of_that_name_is_refused(card, tmp_path, folder):
    torch.save({"w": torch.zeros(3)}, tmp_path / "published" / "encoder.pth")
    with pytest.raises(
        InputError,
        match=r"published.encoder\.pth: is not the authors' file of method two .*fusionbench weights get two",
    ):
        official_tensors(card, tmp_path / "published")


def test_they_are_converted_once_to_one_file(card, tmp_path, folder):
    path = get_official_weights(card, tmp_path / "published")
    assert path == folder / "two" / "two.safetensors"
    before = path.stat().st_mtime_ns
    assert get_official_weights(card, tmp_path / "published") == path
    assert path.stat().st_mtime_ns == before
    for given in (None, path):
        tensors = official_tensors(card, given)
        assert tensors["encoder.w"].tolist() == [0, 1, 2]


def test_a_converted_file_of_other_weights_is_refused(card, tmp_path, folder):
    path = get_official_weights(card, tmp_path / "published")
    newer = replace(card, official_weights=(replace(card.official_weights[0], sha256="0" * 64),))
    with pytest.raises(InputError, match=r"two\.safetensors: does not hold the authors' weights of two"):
        official_tensors(newer, path)


def test_a_single_file_of_several_is_not_enough(card, tmp_path, folder):
    with pytest.raises(InputError, match=r"method two needs encoder.pth, decoder.npz; name the folder"):
        official_tensors(card, tmp_path / "published" / "encoder.pth")


def test_a_source_without_a_file_is_named(card, tmp_path, folder):
    (tmp_path / "published" / "decoder.npz").unlink()
    with pytest.raises(InputError, match=r"published: has no decoder\.npz of method two"):
        get_official_weights(card, tmp_path / "published")


def test_one_without_an_address_says_what_to_do(card, folder):
    with pytest.raises(InputError, match=r"encoder\.pth of method two cannot be downloaded .*convert it"):
        get_official_weights(card)


def test_arrays_that_hold_objects_are_refused(card, tmp_path, folder):
    from fusionbench.weight_files import read_tensors

    np.savez(tmp_path / "objects.npz", w=np.array([{}], dtype=object))
    with pytest.raises(InputError, match=r"objects\.npz: is no archive of arrays"):
        read_tensors(tmp_path / "objects.npz")


def test_a_converted_file_with_other_tensors_is_refused_and_made_again(card, tmp_path, folder):
    from safetensors.torch import load_file, save_file

    from fusionbench.weight_files import read_header

    path = get_official_weights(card, tmp_path / "published")
    save_file({name: value / 2 for name, value in load_file(path).items()}, path, dict(read_header(path)))
    with pytest.raises(InputError, match=r"two\.safetensors: does not hold"):
        official_tensors(card)
    path.write_bytes(path.read_bytes()[:100])
    assert get_official_weights(card, tmp_path / "published") == path
    assert official_tensors(card)["encoder.w"].tolist() == [0, 1, 2]
