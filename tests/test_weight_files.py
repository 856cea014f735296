"""Files of weights are read without running what is in them."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from fusionbench.errors import InputError
from fusionbench.weight_files import find_weights, load_exactly, read_header, read_tensors

TENSORS = {"a": torch.arange(3.0), "b.c": torch.ones(2, 2)}


def same(found: dict[str, torch.Tensor]) -> bool:
    return found.keys() == TENSORS.keys() and all(torch.equal(found[name], TENSORS[name]) for name in TENSORS)


class Malicious:
    """Runs a command when it is unpickled by a reader that trusts it."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self):
        return os.mkdir, (str(self.witness),)


def test_safetensors_come_with_their_header(tmp_path: Path):
    save_file(TENSORS, tmp_path / "w.safetensors", {"made": "today"})
    assert same(read_tensors(tmp_path / "w.safetensors").tensors)
    assert read_header(tmp_path / "w.safetensors") == {"made": "today"}


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model", "params"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_what_torch_saved_is_unwrapped(tmp_path: Path, wrapper, prefix):
    named = {prefix + name: tensor for name, tensor in TENSORS.items()}
    torch.save(named if wrapper is None else {wrapper: named, "epoch": 4}, tmp_path / "w.pth")
    assert same(read_tensors(tmp_path / "w.pth").tensors)
    assert read_header(tmp_path / "w.pth") == {}


@pytest.mark.filterwarnings("ignore")
def test_torchscript_archives_give_their_tensors_where_they_are_trusted(tmp_path: Path):
    module = torch.nn.Linear(2, 3)
    torch.jit.trace(module, torch.zeros(1, 2)).save(tmp_path / "w.pt")
    found = read_tensors(tmp_path / "w.pt", trusted=True).tensors
    assert torch.equal(found["weight"], module.weight)
    with pytest.raises(InputError, match="is no file of tensors alone"):
        read_tensors(tmp_path / "w.pt")


@pytest.mark.parametrize("writer", ["torch", "pickle"])
def test_a_file_that_would_run_something_is_refused_and_does_not_run(tmp_path: Path, writer):
    content = {"a": torch.zeros(1), "b": Malicious(tmp_path / "ran")}
    path = tmp_path / "w.pth"
    if writer == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(
        InputError, match=r"w\.pth: is no file of tensors alone .* objects that would have to be run"
    ):
        read_tensors(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
def test_damaged_and_missing_files_are_named(tmp_path: Path, name):
    with pytest.raises(InputError, match="no such weights file"):
        read_tensors(tmp_path / name)
    (tmp_path / name).write_bytes(b"nonsense")
    with pytest.raises(InputError, match=name):
        read_tensors(tmp_path / name)


def test_a_file_without_tensors_by_name_is_refused(tmp_path: Path):
    torch.save([torch.zeros(1)], tmp_path / "w.pth")
    with pytest.raises(InputError, match="holds no tensors by name"):
        read_tensors(tmp_path / "w.pth")


def test_a_module_gets_all_its_weights_and_no_others():
    module = torch.nn.Linear(2, 3)
    weights = {"weight": torch.ones(3, 2), "bias": torch.ones(3)}
    load_exactly(module, weights, Path("w"))
    assert torch.equal(module.weight, weights["weight"])
    with pytest.raises(InputError, match="missing: bias; extra: b"):
        load_exactly(module, {"weight": torch.ones(3, 2), "b": torch.ones(3)}, Path("w"))


def test_weights_are_looked_for_beside_in_the_named_folder_and_in_the_cache(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path / "named"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert find_weights("w.pt", tmp_path / "beside") is None
    for folder in ("cache/fusionbench/weights", "named", "beside"):
        path = tmp_path / folder / "w.pt"
        path.parent.mkdir(parents=True)
        path.touch()
        assert find_weights("w.pt", tmp_path / "beside") == path
