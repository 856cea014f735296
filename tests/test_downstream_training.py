"""Protocol B: networks trained for each method, kept, and used by the method they were trained for."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint

import pytest

from fusionbench import registry
from fusionbench.api import evaluate, leaderboard
from fusionbench.cli.app import app
from fusionbench.errors import InputError, TrainingError, UnknownNameError
from fusionbench.ranking.markdown import render_markdown
from tests.toy_detector import write_m3fd

METHODS = "visible,infrared,max"


@pytest.fixture
def taught(monkeypatch):
    """A registered detector that learns how bright things are."""
    found = registry.entry_points

    def entry_points(group):
        own = [EntryPoint("taught", "tests.toy_detector:Taught", group)]
        return [*found(group=group), *(own if group == "fusionbench.detectors" else [])]

    monkeypatch.setattr(registry, "entry_points", entry_points)
    registry._entry_points.cache_clear()
    yield
    registry._entry_points.cache_clear()


@pytest.fixture
def train(taught, tmp_path, invoke):
    root = write_m3fd(tmp_path / "data", scenes=5)

    def call(*more, methods=METHODS):
        given = ["--dataset", "m3fd", "--root", str(root), "--split", "all", "--method", methods]
        return invoke("train-detector", "taught", *given, "--out", str(tmp_path / "taught"), *more)

    return call


@pytest.fixture
def invoke():
    from typer.testing import CliRunner

    from fusionbench.errors import FusionbenchError

    def call(*arguments):
        result = CliRunner().invoke(app, list(arguments))
        if isinstance(result.exception, FusionbenchError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return call


def run(tmp_path, **more):
    given = {"methods": METHODS.split(","), "metrics": ["map"], "weights": {"taught": tmp_path / "taught"}}
    return evaluate("m3fd", root=tmp_path / "data", results=tmp_path / "results", **{**given, **more})


def test_every_method_gets_a_network_a_seed(train, tmp_path):
    train("--seeds", "0,3")
    found = sorted(
        path.relative_to(tmp_path / "taught").as_posix() for path in tmp_path.glob("taught/*/*.pt")
    )
    assert found == [f"{name}/seed{seed}.pt" for name in ("infrared", "max", "visible") for seed in (0, 3)]


def test_each_learns_from_its_own_images(train, tmp_path):
    train("--seeds", "0")
    levels = {
        name: json.loads((tmp_path / f"taught/{name}/seed0.pt").read_text())["level"]
        for name in METHODS.split(",")
    }
    # Of the pair each camera sees one object; fused, both are bright.
    assert levels["max"] > levels["visible"] and levels["max"] > levels["infrared"]


def test_what_is_there_is_not_trained_again_and_what_is_missing_is(train, tmp_path):
    train("--seeds", "0,1")
    kept = tmp_path / "taught/max/seed0.pt"
    before = kept.stat().st_mtime_ns
    (tmp_path / "taught/max/seed1.pt").unlink()
    output = train("--seeds", "0,1")
    assert "visible: done before" in output and "max: training, seed 1" in output
    assert kept.stat().st_mtime_ns == before


def test_a_folder_of_another_training_is_refused(train):
    train("--seeds", "0")
    with pytest.raises(InputError, match="tells of another training"):
        train("--seeds", "0", "--epochs", "3")


def test_a_mistyped_option_costs_no_fusing_and_does_not_stand_in_the_way(train, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("fusionbench.downstream_training.fuse_pairs", lambda *_: pytest.fail("fused"))
        with pytest.raises(InputError, match="option 'lr' is none"):
            train("--set", "lr=1")
    assert not (tmp_path / "taught").exists()
    train("--seeds", "0")


def test_a_training_that_kept_no_network_does_not_stand_in_the_way(train, tmp_path, monkeypatch):
    def fails(*_):
        raise TrainingError("no memory")

    with monkeypatch.context() as patched:
        patched.setattr("tests.toy_detector.Taught.train", fails)
        with pytest.raises(TrainingError, match="no memory"):
            train("--seeds", "0", "--epochs", "3")
    train("--seeds", "0")
    assert json.loads((tmp_path / "taught/training.json").read_text())["settings"]["epochs"] == 50


def test_a_method_without_weights_is_refused_before_the_others_are_trained(train, tmp_path):
    with pytest.raises(InputError, match="method seafusion needs its authors' weights"):
        train("--seeds", "0", methods="max,seafusion")
    assert not (tmp_path / "taught").exists()


def test_a_start_that_is_not_there_is_refused(train):
    with pytest.raises(InputError, match=r"--start absent.pt: no such file to start a training from"):
        train("--start", "absent.pt")


def test_a_seed_that_generators_cannot_take_is_refused(train):
    with pytest.raises(InputError, match=r"--seeds 0,4294967296: 4294967296 is too large"):
        train("--seeds", "0,4294967296")


def test_a_network_that_cannot_check_its_training_is_refused(train, monkeypatch):
    monkeypatch.delattr("tests.toy_detector.Taught.check_training")
    with pytest.raises(InputError, match="detector taught: cannot be trained here, it has no check_training"):
        train()


def test_networks_judge_the_methods_they_were_trained_for(train, tmp_path):
    train("--seeds", "0")
    (table,) = run(tmp_path).tables
    figures = {row.method: next(iter(row.values.values())).mean for row in table.rows}
    assert figures["max"] == pytest.approx(1.0)
    assert figures["visible"] < 1.0
    text = render_markdown(table)
    assert "trained for each method on its own fused images of m3fd all (5 clean pairs" in text
    assert "frozen" not in text


def test_figures_are_means_over_seeds_and_every_seed_is_shown(train, tmp_path):
    # The second network asks for more than there is, and finds nothing.
    train("--seeds", "0,90")
    (table,) = run(tmp_path).tables
    row = next(row for row in table.rows if row.method == "max")
    assert row.figures["map seed0"].mean == pytest.approx(1.0)
    assert row.figures["map seed90"].mean == pytest.approx(0.0)
    value = next(iter(row.values.values()))
    assert value.mean == pytest.approx(0.5)
    assert value.interval == pytest.approx((0.0, 1.0))


def test_a_seed_added_between_two_severities_is_not_shown_for_both(train, tmp_path):
    train("--seeds", "0")
    run(tmp_path, degradation="noise", severity="2")
    train("--seeds", "0,1")
    run(tmp_path, degradation="noise", severity="1")
    (board,) = leaderboard(tmp_path / "results")
    assert board.severities == (1.0, 2.0)
    row = next(row for row in board.rows if row.method == "max")
    assert "map seed1" not in row.figures and row.values


def test_a_method_without_networks_is_refused_with_the_remedy(train, tmp_path):
    train("--seeds", "0")
    with pytest.raises(InputError, match=r"holds no detector trained for average; .*--method average"):
        run(tmp_path, methods=["average"])


def test_a_folder_that_does_not_say_how_it_was_trained_is_refused(train, tmp_path):
    train("--seeds", "0")
    (tmp_path / "taught/training.json").unlink()
    with pytest.raises(InputError, match="does not say how its networks were trained"):
        run(tmp_path)


def test_another_network_is_another_cell(train, tmp_path):
    train("--seeds", "0")
    run(tmp_path)
    network = tmp_path / "taught/max/seed0.pt"
    network.write_text(network.read_text().replace('"epochs": 50', '"epochs": 51'))
    assert run(tmp_path).report.computed == 5


def test_an_image_without_annotation_stops_before_anything_is_trained(train, tmp_path):
    next((tmp_path / "data/M3FD_Detection/Annotation").iterdir()).unlink()
    with pytest.raises(InputError, match="has no annotation; add it, or leave the image out"):
        train("--seeds", "0")
    assert not list(tmp_path.glob("taught/*/*.pt"))


def test_a_command_trains_what_it_is_called_by(invoke):
    with pytest.raises(InputError, match=r"unet is a segmenter: train it with .*train-segmenter unet"):
        invoke("train-detector", "unet", "--method", "max")


def test_a_network_nobody_knows_is_looked_for_among_those_of_the_command(invoke):
    with pytest.raises(UnknownNameError, match="no segmenter is called 'nosuch'"):
        invoke("train-segmenter", "nosuch", "--method", "max")


def test_a_detector_that_cannot_be_trained_is_refused(taught, tmp_path, invoke):
    root = write_m3fd(tmp_path / "data", scenes=2)
    with pytest.raises(InputError, match="detector torchvision: cannot be trained here"):
        invoke(
            "train-detector",
            "torchvision",
            "--dataset",
            "m3fd",
            "--root",
            str(root),
            "--split",
            "all",
            "--method",
            "max",
        )


def test_segmenters_go_the_same_way(invoke, tmp_path):
    dataset = ["--dataset", "scenes", "--dataset-option", "count=3", "--dataset-option", "size=96x64"]
    small = ["--size", "64", "--batch", "2", "--epochs", "1", "--seeds", "0,1", "--device", "cpu"]
    out = str(tmp_path / "unets")
    invoke("train-segmenter", "unet", *dataset, "--method", "visible,average", *small, "--out", out)
    evaluation = evaluate(
        "scenes",
        dataset_options={"count": "3", "size": "96x64"},
        methods=["visible", "average"],
        metrics=["miou"],
        weights={"unet": out},
        results=tmp_path / "results",
    )
    (table,) = evaluation.tables
    assert [column.metric for column in table.columns] == ["miou", "miou_objects"]
    average = next(row for row in table.rows if row.method == "average")
    assert {"miou seed0", "miou seed1"} <= average.figures.keys()
    assert 0.0 < next(iter(average.values.values())).mean < 1.0
