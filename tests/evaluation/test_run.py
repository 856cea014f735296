"""A run computes what is missing, keeps what it has, and gives the same numbers however it is run."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet
import pytest

import fusionbench
from fusionbench.errors import FusionbenchError
from fusionbench.evaluation.run import Silent


def files_of(results: Path) -> dict[str, bytes]:
    return {str(path.relative_to(results)): path.read_bytes() for path in sorted(results.rglob("*.parquet"))}


@pytest.fixture
def expected(run, pair_folders, tmp_path) -> dict[str, bytes]:
    """Rows of an uninterrupted run in one process, one image at a time."""
    run(pair_folders, tmp_path / "expected")
    return files_of(tmp_path / "expected")


class StopAfter(Silent):
    """Interrupts a run, as Ctrl-C does, after some results."""

    def __init__(self, results: int) -> None:
        self.left = results

    def advanced(self, result) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def test_values_do_not_depend_on_the_batch_size(run, pair_folders, tmp_path, expected):
    run(pair_folders, tmp_path / "batched", batch_size=3)
    assert files_of(tmp_path / "batched") == expected


def test_values_of_a_network_do_not_depend_on_the_batch_size(run, pair_folders, tmp_path, write_method):
    network = write_method("""
        torch.manual_seed(0)
        layers = torch.nn.Sequential(
            torch.nn.Conv2d(2, 64, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(64, 1, 3, padding=1)
        )
        return torch.sigmoid(layers(torch.cat([visible, infrared], dim=1)))
    """)
    for size in (1, 3):
        run(pair_folders, tmp_path / f"batch{size}", methods=[network], severity=3, batch_size=size)
    assert files_of(tmp_path / "batch1") == files_of(tmp_path / "batch3")


def test_values_of_a_method_that_draws_at_random_do_not_depend_on_the_order(
    run, pair_folders, tmp_path, write_method
):
    dice = write_method("return (infrared + 0.1 * torch.rand_like(infrared)).clamp(0, 1)")
    for name, methods in (("alone", [dice]), ("after", ["average", dice])):
        run(pair_folders, tmp_path / name, methods=methods, severity=[4] if name == "alone" else [2, 4])
    alone = files_of(tmp_path / "alone")
    assert {name: files_of(tmp_path / "after")[name] for name in alone} == alone


def test_a_network_is_out_of_training_mode(run, pair_folders, tmp_path):
    (tmp_path / "net.py").write_text(
        "import torch\n\n\nclass Net(torch.nn.Module):\n"
        "    def fuse(self, visible, infrared):\n"
        "        assert not self.training\n        return infrared\n"
    )
    assert run(pair_folders, tmp_path / "results", methods=[f"{tmp_path / 'net.py'}:Net"]).failures == ()


def test_code_that_was_changed_back_is_current_again(run, pair_folders, tmp_path, write_method):
    results = tmp_path / "results"
    settings = {"degradation": "clean", "metrics": ["sd"]}

    def mean(evaluation) -> float:
        return evaluation.to_dataframe()["mean"][0]

    means = []
    for body in ("return infrared", "return visible", "return infrared"):
        method = write_method(body)
        means.append(mean(run(pair_folders, results, methods=[method], **settings)))
        (table,) = fusionbench.leaderboard(results)
        (value,) = table.rows[0].values.values()
        assert value.mean == means[-1]
    assert means[0] == means[2] != means[1]


def test_a_module_beside_a_method_file_may_change_within_a_session(run, pair_folders, tmp_path, write_method):
    values = []
    for index, gain in enumerate((0.9, 0.1, 0.5)):
        (tmp_path / "neighbour_that_changes.py").write_text(f"GAIN = {gain}\n")
        method = write_method("import neighbour_that_changes as n; return infrared * n.GAIN")
        evaluation = run(
            pair_folders, tmp_path / "results", methods=[method], degradation="clean", metrics=["sd"]
        )
        values.append(evaluation.to_dataframe()["mean"][0])
        assert evaluation.report.computed == 3, index
    assert values[0] > values[2] > values[1]


def test_modules_of_one_name_in_two_folders_are_refused_rather_than_mixed_up(
    run, pair_folders, tmp_path, write_method
):
    methods = []
    for name in ("One", "Two"):
        method = write_method("return net.fuse(infrared)", name=name, file_name=f"{name}/mine.py")
        path = Path(method.rpartition(":")[0])
        path.write_text("import net_of_this_test as net\n" + path.read_text())
        (path.parent / "net_of_this_test.py").write_text("def fuse(image):\n    return image\n")
        methods.append(method)
    with pytest.raises(FusionbenchError, match="has that name already; rename one"):
        run(pair_folders, tmp_path / "results", methods=methods)


def test_a_network_without_weights_is_the_same_in_every_worker(run, pair_folders, tmp_path):
    (tmp_path / "net.py").write_text(
        "import torch\n\n\nclass Random(torch.nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.convolution = torch.nn.Conv2d(2, 1, 3, padding=1)\n\n"
        "    def fuse(self, visible, infrared):\n"
        "        return torch.sigmoid(self.convolution(torch.cat([visible, infrared], 1)))\n"
    )
    methods = [f"{tmp_path / 'net.py'}:Random"]
    for workers in (1, 2):
        run(pair_folders, tmp_path / str(workers), methods=methods, severity=3, workers=workers)
    assert files_of(tmp_path / "1") == files_of(tmp_path / "2")


def test_a_variant_that_inherits_a_card_is_another_method(run, pair_folders, tmp_path):
    (tmp_path / "two.py").write_text(
        "from fusionbench.contracts import MethodCard\n\n\n"
        "class A:\n    card = MethodCard(name='mine', title='Mine')\n\n"
        "    def fuse(self, visible, infrared):\n        return visible\n\n\n"
        "class B(A):\n    def fuse(self, visible, infrared):\n        return infrared\n"
    )
    methods = [f"{tmp_path / 'two.py'}:A", f"{tmp_path / 'two.py'}:B"]
    evaluation = run(pair_folders, tmp_path / "results", methods=methods, degradation="clean", metrics=["sd"])
    rows = {row.method: next(iter(row.values.values())).mean for row in evaluation.tables[0].rows}
    assert rows["mine"] != rows["B"]


def test_values_do_not_depend_on_the_number_of_workers(run, pair_folders, tmp_path, expected):
    run(pair_folders, tmp_path / "workers", workers=2)
    assert files_of(tmp_path / "workers") == expected


def test_values_do_not_depend_on_running_on_a_cluster(run, pair_folders, tmp_path, expected):
    pytest.importorskip("ray", reason="needs the extra `ray`")
    run(pair_folders, tmp_path / "cluster", engine="ray")
    assert files_of(tmp_path / "cluster") == expected


def test_values_do_not_depend_on_the_order_of_methods_and_severities(run, pair_folders, tmp_path, expected):
    run(pair_folders, tmp_path / "turned", methods=["lp", "average"], severity=[4, 2])
    assert files_of(tmp_path / "turned") == expected


def test_shards_together_give_the_whole_store(run, pair_folders, tmp_path, expected):
    for index in (1, 2, 3):
        run(pair_folders, tmp_path / "shards", shard=(index, 3))
    assert files_of(tmp_path / "shards") == expected


@pytest.mark.parametrize("after", [1, 4, 7, 11])
def test_an_interrupted_run_continues_without_computing_anything_twice(
    run, pair_folders, tmp_path, expected, after
):
    with pytest.raises(KeyboardInterrupt):
        run(pair_folders, tmp_path / "resumed", listener=StopAfter(after))
    report = run(pair_folders, tmp_path / "resumed").report
    assert (report.reused, report.computed) == (after, 12 - after)
    assert files_of(tmp_path / "resumed") == expected


def test_a_repeated_run_computes_nothing_and_touches_no_file(run, pair_folders, tmp_path):
    run(pair_folders, tmp_path / "results")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").rglob("*.*")}
    report = run(pair_folders, tmp_path / "results").report
    assert (report.computed, report.reused) == (0, 12)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "results").rglob("*.*")} == before


def test_fewer_metrics_of_what_is_in_the_store_are_read_not_computed(run, pair_folders, tmp_path):
    run(pair_folders, tmp_path / "results")
    evaluation = run(pair_folders, tmp_path / "results", metrics=["vif", "en"])
    assert evaluation.report.computed == 0
    run(pair_folders, tmp_path / "fresh", metrics=["vif", "en"])
    fresh = files_of(tmp_path / "fresh")
    assert {name: files_of(tmp_path / "results")[name] for name in fresh} == fresh


def test_boards_show_every_method_of_the_store_and_tables_those_asked_for(run, pair_folders, tmp_path):
    run(pair_folders, tmp_path / "results", severity=2)
    evaluation = run(pair_folders, tmp_path / "results", severity=2, methods=["max"])
    assert [row.method for row in evaluation.tables[0].rows] == ["max"]
    assert {row.method for row in evaluation.boards[0].rows} == {"average", "lp", "max"}


def test_tables_come_in_the_order_asked_for(run, pair_folders, tmp_path):
    evaluation = run(pair_folders, tmp_path / "results", degradation=["noise", "clean", "haze"], severity=2)
    assert [table.degradation for table in evaluation.tables] == ["noise", "clean", "haze"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_killed_at_any_moment_finishes_with_the_same_rows(
    run, pair_folders, tmp_path, expected, workers
):
    results = tmp_path / "killed"
    command = [sys.executable, "-m", "fusionbench", "eval", "--dataset", "folder", "--quiet"]
    command += ["--visible", pair_folders["visible"], "--infrared", pair_folders["infrared"]]
    command += ["-x", "haze+noise", "-s", "2,4", "-m", "average,lp", "--metric", "en,mi,qabf,ssim,vif"]
    command += ["--results", str(results), "--out", str(tmp_path / "tables"), "--workers", str(workers)]
    for results_wanted in (1, 5, 9):
        process = subprocess.Popen(command, cwd=tmp_path, start_new_session=True)
        deadline = time.monotonic() + 240
        while _kept(results) < results_wanted and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert _kept(results) > 0
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0
    assert files_of(results) == expected


def _kept(results: Path) -> int:
    """Results a run has left behind so far: lines in journals, and those of finished cells."""
    lines = 0
    for path in results.rglob("*.partial.jsonl"):
        # The run may finish the cell and remove its journal at any moment.
        with contextlib.suppress(FileNotFoundError):
            lines += path.read_bytes().count(b"\n")
    return lines + 3 * len(list(results.rglob("*.json")))


def test_reference_based_metrics_are_kept_against_the_clean_and_the_degraded_pair(
    run, pair_folders, tmp_path
):
    run(pair_folders, tmp_path / "results", methods=["average"], severity=3)
    (path,) = (tmp_path / "results").rglob("*.parquet")
    rows = pyarrow.parquet.read_table(path).to_pylist()
    found = {(row["metric"], row["reference"]) for row in rows}
    both = {
        (name, reference) for name in ("mi", "qabf", "ssim", "vif") for reference in ("clean", "degraded")
    }
    assert found == both | {("en", "none")}


def test_the_degraded_value_is_that_of_measuring_against_the_degraded_pair(run, pair_folders, tmp_path):
    run(pair_folders, tmp_path / "results", methods=["average"], degradation="noise", severity=4)
    (path,) = (tmp_path / "results").rglob("*.parquet")
    rows = [row for row in pyarrow.parquet.read_table(path).to_pylist() if row["image"] == "pair 0"]
    files = [Path(pair_folders[name]) / "pair 0.png" for name in ("visible", "infrared")]
    damaged = fusionbench.degrade(*files, "noise@4", image_id="pair 0", dataset="folder")
    fused = fusionbench.fuse("average", damaged.visible, damaged.infrared)
    against = {
        "clean": fusionbench.measure(fused, *files, ["en", "mi", "qabf", "ssim", "vif"]),
        "degraded": fusionbench.measure(
            fused, damaged.visible, damaged.infrared, ["en", "mi", "qabf", "ssim", "vif"]
        ),
    }
    for row in rows:
        reference = "clean" if row["reference"] == "none" else row["reference"]
        assert row["value"] == against[reference][row["metric"]]


def test_a_worker_that_dies_is_one_error_and_the_run_continues(run, pair_folders, tmp_path, write_method):
    marker = tmp_path / "repaired"
    deadly = write_method(f"""
        import os, pathlib
        if not pathlib.Path({str(marker)!r}).exists():
            os._exit(1)
        return infrared
    """)
    with pytest.raises(FusionbenchError, match="worker process died"):
        run(pair_folders, tmp_path / "results", methods=[deadly], severity=3, workers=2)
    marker.write_text("")
    assert run(pair_folders, tmp_path / "results", methods=[deadly], severity=3).report.computed == 3


def test_workers_leave_when_the_run_is_killed(run, pair_folders, tmp_path, write_method):
    slow = write_method(f"""
        import os, pathlib, time
        pathlib.Path({str(tmp_path)!r}, f"worker-{{os.getpid()}}").touch()
        time.sleep(120)
        return infrared
    """)
    command = [sys.executable, "-m", "fusionbench", "eval", "--dataset", "folder", "--workers", "2"]
    command += ["--visible", pair_folders["visible"], "--infrared", pair_folders["infrared"], "-m", slow]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    workers = _wait_for(lambda: [int(p.name.split("-")[1]) for p in tmp_path.glob("worker-*")], 2)
    process.kill()
    process.wait()
    assert _wait_for(lambda: [pid for pid in workers if not Path(f"/proc/{pid}").exists()], 2)


def _wait_for(look, wanted: int) -> list[int]:
    """Look until so many things are seen; gives up after a minute."""
    deadline = time.monotonic() + 240
    while len(seen := look()) < wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(seen) >= wanted
    return seen


def test_a_worker_that_cannot_be_set_up_says_why(run, pair_folders, tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text(
        "class Broken:\n"
        "    def __init__(self):\n        raise RuntimeError('weights are gone')\n"
        "    def fuse(self, visible, infrared):\n        return infrared\n"
    )
    for workers in (1, 2):
        with pytest.raises(FusionbenchError, match="weights are gone"):
            run(pair_folders, tmp_path / "results", methods=[f"{broken}:Broken"], workers=workers)
