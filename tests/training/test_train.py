"""Stages, stamps, and what happens when something is wrong."""

from __future__ import annotations

import json
import sys

import pytest
import torch
from safetensors.torch import load_file

from fusionbench.errors import InputError, TrainingError
from fusionbench.training import train
from fusionbench.training.checkpoints import read_checkpoint, write_checkpoint
from fusionbench.training.logbook import read_log
from fusionbench.training.train import dry_run
from tests.toy_recipe import SETTINGS


@pytest.fixture(autouse=True)
def _checkpoint_at_every_step(monkeypatch):
    monkeypatch.setenv("FUSIONBENCH_CHECKPOINT_SECONDS", "0")


def test_stages_run_in_order_and_leave_artefact_stamp_log_and_plot(toy, listener):
    plan = toy.plan("out")
    assert train(plan, listener) == plan.artefact("second")
    assert list(listener.reports) == ["first", "second"]
    for stage, steps in (("first", 24), ("second", 16)):
        folder = plan.out / stage
        assert [int(row["step"]) for row in read_log(folder)] == list(range(steps))
        assert (folder / "losses.png").read_bytes().startswith(b"\x89PNG")
        assert list(folder.glob("events.out.tfevents.*"))
        stamp = json.loads(plan.stamp(stage).read_text())
        assert stamp["report"] == listener.reports[stage]
        assert stamp["identity"]["steps"] == steps
        assert all(name.startswith("roadscene/") for name in stamp["learnt_from"])


def test_tensorboard_reads_what_the_csv_says(toy, listener):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    plan = toy.plan("out")
    train(plan, listener)
    events = EventAccumulator(str(plan.out / "first"))
    events.Reload()
    values = [event.value for event in events.Scalars("total")]
    assert values == pytest.approx([row["total"] for row in read_log(plan.out / "first")])


def test_losses_fall(toy, listener):
    plan = toy.plan("out", {"first.steps": "200"})
    train(plan, listener)
    losses = [row["total"] for row in read_log(plan.out / "first")]
    assert sum(losses[-20:]) < 0.5 * sum(losses[:20])


def test_what_is_done_is_not_done_again(toy, listener):
    train(toy.plan("out"), listener)
    listener.steps.clear()
    train(toy.plan("out"), listener)
    assert listener.steps == []


def test_the_same_seed_gives_the_same_bits_and_another_others(toy, listener):
    artefacts = {}
    for out, changes in (("a", {}), ("b", {}), ("c", {"seed": 4})):
        artefacts[out] = train(toy.plan(out, **changes), listener).read_bytes()
    assert artefacts["a"] == artefacts["b"] != artefacts["c"]


def test_workers_change_no_bit(toy, listener):
    alone = train(toy.plan("alone"), listener).read_bytes()
    assert train(toy.plan("helped", workers=2), listener).read_bytes() == alone


def test_accumulated_batches_are_one_large_one(toy, listener, monkeypatch):
    # Without dropout's randomness a batch of four is two of two, whatever the order.
    settings = (toy.folder / "toy.toml").read_text().replace("accumulate = 2", "accumulate = 1")
    (toy.folder / "toy.toml").write_text(settings)
    monkeypatch.setattr(torch.nn.Dropout, "forward", lambda self, values: values)
    whole = toy.plan("whole", {"second.batch": "4", "second.steps": "1", "noise": "0.0"})
    halves = {"second.batch": "2", "second.accumulate": "2"}
    parts = toy.plan("parts", {**halves, "second.steps": "1", "noise": "0.0"})
    first, second = (load_file(train(plan, listener)) for plan in (whole, parts))
    for name, weight in first.items():
        torch.testing.assert_close(weight, second[name], rtol=1e-5, atol=1e-6)


def test_the_average_of_the_weights_is_what_is_kept(toy, listener):
    plan = toy.plan("out")
    train(plan, listener)
    state = read_checkpoint(plan.out / "first" / "checkpoint.pt")
    kept = load_file(plan.artefact("first"))
    for name, weight in kept.items():
        assert torch.equal(weight, state["average"][f"{name}"])
        assert not torch.equal(weight, state["weights"][f"{name}"])


def test_one_stage_alone(toy, listener):
    train(toy.plan("out"), listener, only="first")
    assert list(listener.reports) == ["first"]
    with pytest.raises(InputError, match="first is not done"):
        train(toy.plan("other"), listener, only="second")


def test_training_anew_from_a_stage_keeps_the_one_before(toy, listener):
    train(toy.plan("out"), listener)
    listener.began_at.clear()
    train(toy.plan("out"), listener, anew_from="second")
    assert listener.began_at == {"second": 0}


def test_another_recipe_does_not_take_what_this_one_did(toy, listener):
    train(toy.plan("out"), listener)
    with pytest.raises(InputError, match=r"was trained by another recipe \(batch is 3 there, 5 here\)"):
        train(toy.plan("out", {"first.batch": "5"}), listener)


def test_a_checkpoint_of_another_recipe_is_refused_by_name(toy, listener):
    plan = toy.plan("out")
    with pytest.raises(TrainingError):
        train(toy.plan("out", {"first.poison": "20"}), listener)
    with pytest.raises(InputError, match=r"checkpoint.pt: is a checkpoint of another recipe \(poison is 20"):
        train(plan, listener)


def test_a_loss_that_is_not_finite_stops_and_names_the_batch(toy, listener):
    plan = toy.plan("out", {"first.poison": "20"})
    with pytest.raises(TrainingError, match=r"first, step 20: the loss is nan, from roadscene/FLIR_0000"):
        train(plan, listener)
    state = read_checkpoint(plan.out / "first" / "checkpoint.pt")
    assert state["steps"] == 20
    assert all(weight.isfinite().all() for weight in state["weights"].values())


def test_ctrl_c_loses_no_step(toy, listener, monkeypatch):
    import os
    import signal

    monkeypatch.setenv("FUSIONBENCH_CHECKPOINT_SECONDS", "1000")
    plan = toy.plan("out")

    class Interrupting:
        def __getattr__(self, name):
            return getattr(listener, name)

        def stepped(self, stage, done, steps, losses):
            listener.stepped(stage, done, steps, losses)
            if done == 7:
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(plan, Interrupting())
    assert read_checkpoint(plan.out / "first" / "checkpoint.pt")["steps"] in (7, 8)
    interrupted = train(plan, listener).read_bytes()
    assert interrupted == train(toy.plan("whole"), listener).read_bytes()


def test_an_artefact_that_was_changed_is_refused(toy, listener):
    plan = toy.plan("out")
    train(plan, listener)
    plan.artefact("first").write_bytes(b"something else")
    with pytest.raises(InputError, match=r"first\.safetensors: was changed after training"):
        train(plan, listener)


def test_a_damaged_checkpoint_is_named(toy, listener):
    plan = toy.plan("out")
    path = plan.out / "first" / "checkpoint.pt"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PK not really")
    with pytest.raises(InputError, match=r"checkpoint.pt: is damaged; remove it"):
        train(plan, listener)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of file sizes")
def test_a_full_disk_keeps_the_last_checkpoint(tmp_path):
    import resource
    import signal

    path = tmp_path / "checkpoint.pt"
    write_checkpoint(path, {"weights": torch.zeros(10)})
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(InputError, match=r"checkpoint.pt: cannot be written .* goes on from the last"):
            write_checkpoint(path, {"weights": torch.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_two_runs_do_not_share_a_folder(toy, listener, monkeypatch):
    monkeypatch.setattr("fusionbench.training.surroundings.LOCK_ATTEMPTS", 2)
    met = []

    class Intruder:
        def began(self, *_):
            with pytest.raises(InputError, match="another training is running there"):
                train(toy.plan("out"), listener)
            met.append("refused")

        def stepped(self, *_): ...

        def ended(self, *_): ...

    train(toy.plan("out"), Intruder(), only="first")
    assert met == ["refused"]


def test_a_dry_run_tries_every_stage_and_keeps_nothing(toy, listener):
    expected = dry_run(toy.plan("out"), listener)
    assert set(expected) == {"first", "second"} and all(seconds > 0 for seconds in expected.values())
    assert [step for _, step in listener.steps] == [1, 2, 1, 2]
    assert not (toy.folder / "out").exists()


def test_the_number_of_processes_is_checked(toy, listener):
    with pytest.raises(InputError, match=r"there are 1; start them with `torchrun --nproc-per-node 2"):
        train(toy.plan("out", processes=2), listener)


def test_a_method_without_a_recipe_says_which_have_one(toy):
    from fusionbench.training import plan_training

    with pytest.raises(InputError, match=r"average: offers no recipe to train it by; these do: .*sgafusion"):
        plan_training("average", out=toy.folder / "out")


def test_there_is_no_such_stage(toy, listener):
    with pytest.raises(InputError, match="no stage is called 'third'; this recipe has first, second"):
        train(toy.plan("out"), listener, only="third")


def test_a_dataset_too_small_for_its_split(toy, listener):
    for path in (toy.root / "RoadScene").glob("*/FLIR_0000[1-9].jpg"):
        path.unlink()
    with pytest.raises(InputError, match="dataset roadscene: 1 pairs are too few to be split"):
        train(toy.plan("out"), listener)


def test_no_dataset_at_all(toy, listener):
    (toy.folder / "toy.toml").write_text(SETTINGS.replace('datasets = ["roadscene"]', ""))
    with pytest.raises(InputError, match="--dataset: name the datasets to learn from"):
        train(toy.plan("out"), listener)


def test_a_torn_last_line_of_a_log_is_dropped(toy, listener):
    plan = toy.plan("out")
    train(plan, listener)
    log = plan.out / "first" / "log.csv"
    whole = log.read_text()
    log.write_text(whole[:-2])
    assert len(read_log(plan.out / "first")) == 23
    assert whole.splitlines()[0].split(",")[:2] == ["step", "total"]
