"""The folder networks are trained into: of one training only, by as many processes as one likes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from fusionbench.errors import InputError
from fusionbench.trained_networks import TrainedNetworks

SETTINGS = {"epochs": 3, "options": {"lr": 0.1}}

TRAINING = """
import sys
from pathlib import Path
from fusionbench.trained_networks import TrainedNetworks
with TrainedNetworks(Path(sys.argv[1])).joined({"epochs": 3, "options": {"lr": 0.1}}, "note") as part:
    (part.room / "fused.png").write_text("x")
    print("in", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def networks(tmp_path):
    return TrainedNetworks(tmp_path / "networks")


@pytest.fixture
def another_process(networks):
    """One that trains into the folder."""
    command = [sys.executable, "-c", TRAINING, str(networks.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "in\n"
        yield process
        process.kill()


def keep(part, method="max", seed=0):
    trained = part.room / "weights.pt"
    trained.write_text(f"{method} {seed}")
    return part.keep(trained, method, seed, "identity")


def done(networks, method="max", identity="identity"):
    with networks.joined(SETTINGS, "note") as part:
        return part.done(method, 0, identity)


def rooms(networks):
    return [path for path in networks.folder.glob(".training-*") if path.is_dir()]


def test_a_network_is_kept_by_method_and_seed(networks):
    with networks.joined(SETTINGS, "by one recipe") as part:
        kept = keep(part, "dcp>lp", 0)
    assert kept.relative_to(networks.folder).as_posix() == "dcp_lp/seed0.pt"
    assert networks.of("dcp>lp") == {"seed0": kept}
    assert done(networks, "dcp>lp") == kept
    assert done(networks, "dcp>lp", "a method that changed") is None
    assert networks.training["note"] == "by one recipe"


def test_nothing_but_networks_is_left(networks):
    with networks.joined(SETTINGS, "note") as part:
        keep(part)
    assert rooms(networks) == []
    with pytest.raises(KeyboardInterrupt), networks.joined(SETTINGS, "note") as part:
        raise KeyboardInterrupt
    assert not part.room.exists()


def test_a_network_whose_stamp_was_not_written_is_none(networks):
    with networks.joined(SETTINGS, "note") as part:
        path = keep(part)
    path.with_suffix(".json").unlink()
    assert networks.of("max") == {} and done(networks) is None


def test_a_network_that_changed_is_not_done(networks):
    with networks.joined(SETTINGS, "note") as part:
        keep(part).write_text("other")
    assert done(networks) is None


@pytest.mark.parametrize("lost", [False, True])
def test_where_networks_are_another_training_is_refused(networks, lost):
    with networks.joined(SETTINGS, "note") as part:
        keep(part)
    if lost:
        (networks.folder / "training.json").unlink()
    with pytest.raises(InputError, match="another training"), networks.joined({"epochs": 4}, "note"):
        pass


def test_where_no_network_was_kept_another_training_is_welcome(networks):
    with networks.joined(SETTINGS, "note"):
        pass
    with networks.joined({"epochs": 4}, "note"):
        pass
    assert networks.training["settings"] == {"epochs": 4}


def test_a_network_of_another_training_is_told_apart(networks):
    with networks.joined(SETTINGS, "note") as part:
        keep(part)
    path = networks.folder / "training.json"
    path.write_text(json.dumps({"note": "note", "settings": {"epochs": 4}}))
    with pytest.raises(InputError, match=r"is not of the training that training\.json tells of"):
        networks.of("max")


@pytest.mark.parametrize("stamp", ["no stamp", '{"file": "../other.pt"}', '{"file": ""}', "[]"])
def test_a_damaged_stamp_is_named_and_made_anew(networks, stamp):
    with networks.joined(SETTINGS, "note") as part:
        keep(part).with_suffix(".json").write_text(stamp)
    with pytest.raises(InputError, match=r"seed0\.json: is damaged, or its network is gone"):
        networks.of("max")
    assert done(networks) is None
    with networks.joined(SETTINGS, "note") as part:
        keep(part)
    assert list(networks.of("max")) == ["seed0"]


def test_what_was_trained_before_the_folder_became_anothers_is_not_kept(networks):
    with networks.joined(SETTINGS, "note") as part:
        (networks.folder / "training.json").write_text('{"note": "n", "settings": {"epochs": 4}}')
        with pytest.raises(InputError, match="became a folder of another training while this one ran"):
            keep(part)
    assert not list(networks.folder.glob("max/*"))


def test_settings_as_a_file_gives_them_are_the_same_settings(networks):
    with networks.joined({"classes": ("a", "b")}, "note") as part:
        keep(part)
    with networks.joined({"classes": ["a", "b"]}, "note") as part:
        assert part.done("max", 0, "identity") is not None


def test_while_one_trains_another_training_is_refused(networks, another_process):
    with pytest.raises(InputError, match="another training"), networks.joined({"epochs": 4}, "note"):
        pass
    assert networks.training["settings"] == SETTINGS


def test_two_of_one_training_do_not_disturb_each_other(networks, another_process):
    (theirs,) = rooms(networks)
    with networks.joined(SETTINGS, "note") as part:
        keep(part)
        assert part.room != theirs
    assert (theirs / "fused.png").is_file()


def test_what_a_killed_training_left_is_removed_by_the_next(networks, another_process):
    (left,) = rooms(networks)
    another_process.kill()
    another_process.wait()
    assert left.is_dir()
    with networks.joined({"epochs": 4}, "note") as part:
        assert rooms(networks) == [part.room]


def test_a_file_in_the_way_is_named(networks):
    networks.folder.write_text("a file")
    refused = pytest.raises(InputError, match=r"networks: is no folder that can be written \(File exists\)")
    with refused, networks.joined(SETTINGS, "note"):
        pass


def test_a_folder_in_the_way_of_a_file_is_one_line(networks):
    (networks.folder / "training.json").mkdir(parents=True)
    refused = pytest.raises(InputError, match=r"can be written \(Is a directory\)")
    with refused, networks.joined(SETTINGS, "note"):
        pass
