"""What a person types, and what they see."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fusionbench
from fusionbench.images import read_visible


def folders(options: dict[str, str]) -> list[str]:
    return ["--visible", options["visible"], "--infrared", options["infrared"]]


def evaluation(options: dict[str, str], *more: str) -> list[str]:
    return [
        "eval",
        "--dataset",
        "folder",
        *folders(options),
        "-m",
        "average,max",
        "--metric",
        "en,ssim",
        *more,
    ]


def test_eval_prints_a_table_and_writes_markdown_and_csv(command, pair_folders, tmp_path):
    done = command(*evaluation(pair_folders, "-x", "haze"))
    assert done.returncode == 0, done.stderr
    assert re.search(r"average +\d\.\d{4} +0\.\d{4}", done.stdout)
    names = sorted(path.name for path in (tmp_path / "leaderboards").iterdir())
    assert [re.sub("-[0-9a-f]{6}[.]", ".", name) for name in names] == [
        "folder-all-3-haze-3.csv",
        "folder-all-3-haze-3.md",
    ]


def test_eval_prints_json_for_machines(command, pair_folders):
    done = command(*evaluation(pair_folders, "--json"))
    (table,) = json.loads(done.stdout)["tables"]
    assert {record["method"] for record in table["records"]} == {"average", "max"}


def test_eval_quiet_prints_nothing(command, pair_folders):
    done = command(*evaluation(pair_folders, "--quiet"))
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_eval_without_arguments_takes_the_scenes(command):
    done = command("eval", "--dataset-option", "count=1", "--dataset-option", "size=64x48", "-m", "average")
    assert done.returncode == 0, done.stderr
    assert "synthetic" in done.stdout


def test_scenes_need_no_root_where_a_data_folder_is_configured(command, monkeypatch, tmp_path):
    monkeypatch.setenv("FUSIONBENCH_DATA", str(tmp_path))
    done = command("eval", "--dataset-option", "count=1", "--dataset-option", "size=64x48", "-m", "average")
    assert done.returncode == 0, done.stderr


def test_eval_with_a_bad_image_names_it_ends_with_1_and_keeps_the_rest(command, pair_folders):
    path = Path(pair_folders["visible"]) / "pair 1.png"
    path.write_bytes(path.read_bytes()[:200])
    done = command(*evaluation(pair_folders))
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("failed: ")]
    assert line.startswith("failed: pair 1 (every method): ")
    assert str(path) in line
    assert "average" in done.stdout
    again = command(*evaluation(pair_folders))
    assert again.returncode == 1
    assert "in the store already" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["eval", "--dataset", "m3dd"], "no dataset is called 'm3dd'; did you mean m3fd"),
        (["eval", "-x", "hazy"], "did you mean haze"),
        (["eval", "-m", "averge"], "did you mean average"),
        (["eval", "--metric", "sim"], "did you mean ssim"),
        (["eval", "-x", "haze", "-s", "7"], "out of range"),
        (["eval", "--device", "gpu"], "--device gpu: expected auto, cpu, cuda, mps"),
        (["eval", "--shard", "3"], "--shard 3: write I/N"),
        (["eval", "--limit", "0"], "limit: expected 1 or more, got 0"),
        (["eval", "--dataset-option", "count"], "count: write --dataset-option NAME=VALUE"),
        (["leaderboard"], "holds no results; run `fusionbench eval` first"),
        (["info", "vff"], "no plugin is called 'vff'; did you mean vif"),
        (["list", "metric"], "did you mean metrics"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_argument_is_one_line_with_the_remedy(command, arguments, message):
    done = command(*arguments)
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_results_that_cannot_be_written_are_one_line(command, pair_folders, tmp_path):
    (tmp_path / "file").write_text("")
    done = command(*evaluation(pair_folders, "--results", "file/store"))
    assert done.returncode == 1
    assert re.search(r"file/store: cannot be written to .*--results", done.stderr)


def test_ctrl_c_says_that_the_same_command_continues(command, pair_folders, tmp_path, write_method):
    slow = write_method("import time; time.sleep(0.5); return infrared")
    arguments = ["eval", "--dataset", "folder", *folders(pair_folders), "-m", slow, "--metric", "en"]
    process = subprocess.Popen(
        [sys.executable, "-m", "fusionbench", *arguments], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.rglob("*.partial.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "interrupted: what is finished is kept, the same command continues"
    finished = command(*arguments)
    assert finished.returncode == 0
    assert re.search(r"\d fused images to measure, \d more are already done", finished.stderr)


def test_what_is_degraded_fused_and_scored_by_hand_has_the_values_of_eval(command, pair_folders, tmp_path):
    condition = ["-x", "haze+noise", "-s", "2"]
    chosen = ["--dataset", "folder", *folders(pair_folders)]
    assert command("degrade", *chosen, *condition, "--out", "damaged").returncode == 0
    done = command(
        *("fuse", "lp", "--visible", "damaged/visible", "--infrared", "damaged/infrared", "--out", "fused")
    )
    assert done.returncode == 0, done.stderr
    score = ["score", *chosen, *condition, "--fused", "fused", "--name", "theirs", "--json"]
    scored = json.loads(command(*score).stdout)["tables"][0]["records"]
    evaluated = json.loads(command("eval", *chosen, *condition, "-m", "lp", "--json").stdout)
    found = [
        {(record["metric"], record["reference"]): record["mean"] for record in records}
        for records in (scored, evaluated["tables"][0]["records"])
    ]
    assert len(found[0]) == 20
    assert found[0] == found[1]


def test_score_finds_names_that_another_system_decomposed(command, tmp_path):
    import unicodedata

    for folder, form, mode in (("vi", "NFC", "RGB"), ("ir", "NFC", "L"), ("fused", "NFD", "L")):
        (tmp_path / folder).mkdir()
        name = unicodedata.normalize(form, "straße_ä.png")
        Image.new(mode, (64, 48), 90 if mode == "L" else (90, 80, 70)).save(tmp_path / folder / name)
    done = command("score", "--visible", "vi", "--infrared", "ir", "--fused", "fused", "--name", "x")
    assert done.returncode == 0, done.stderr


def test_score_measures_a_folder_of_images(command, pair_folders, tmp_path):
    (tmp_path / "fused").mkdir()
    for index in range(3):
        shade = np.full((48, 64), 40 * index, dtype=np.uint8)
        Image.fromarray(shade).save(tmp_path / "fused" / f"pair {index}.png")
    done = command("score", *folders(pair_folders), "--fused", "fused", "--name", "Flat", "--metric", "en,sd")
    assert done.returncode == 0, done.stderr
    assert re.search(r"Flat +0\.0000 +0\.0000", done.stdout)


def test_fuse_writes_the_image_the_interface_returns(command, pair_folders, tmp_path):
    done = command("fuse", "lp", *folders(pair_folders), "--out", "fused")
    assert done.returncode == 0, done.stderr
    files = [f"{pair_folders[name]}/pair 2.png" for name in ("visible", "infrared")]
    np.testing.assert_array_equal(read_visible(tmp_path / "fused/pair 2.png"), fusionbench.fuse("lp", *files))


def test_fuse_takes_two_files(command, pair_folders, tmp_path):
    files = [f"{pair_folders[name]}/pair 2.png" for name in ("visible", "infrared")]
    done = command("fuse", "max", "--visible", files[0], "--infrared", files[1], "--out", "one.png")
    assert done.returncode == 0, done.stderr
    assert read_visible(tmp_path / "one.png").shape == (48, 64, 3)


def test_fuse_keeps_what_the_same_method_made_of_the_same_pairs(command, pair_folders):
    arguments = ["fuse", "lp", *folders(pair_folders), "--out", "fused"]
    assert "fused: 3 pairs" in command(*arguments).stdout
    assert "fused: 0 pairs to fused, 3 were there already" in command(*arguments).stdout
    changed = Path(pair_folders["infrared"]) / "pair 1.png"
    Image.open(changed).point(lambda level: 255 - level).save(changed)
    assert "fused: 1 pairs to fused, 2 were there already" in command(*arguments).stdout


def test_fuse_never_mixes_two_methods_in_one_folder(command, pair_folders, tmp_path):
    command("fuse", "lp", *folders(pair_folders), "--out", "fused")
    before = (tmp_path / "fused/pair 0.png").read_bytes()
    done = command("fuse", "max", *folders(pair_folders), "--out", "fused")
    assert done.returncode == 1
    assert "fused: holds images of lp" in done.stderr
    assert (tmp_path / "fused/pair 0.png").read_bytes() == before
    assert command("fuse", "max", *folders(pair_folders), "--out", "fused", "--overwrite").returncode == 0
    assert (tmp_path / "fused/pair 0.png").read_bytes() != before


def test_names_are_never_read_as_markup(command, pair_folders, tmp_path):
    (tmp_path / "fused").mkdir()
    for index in range(3):
        Image.new("L", (64, 48), 90).save(tmp_path / "fused" / f"pair {index}.png")
    arguments = ["score", *folders(pair_folders), "--fused", "fused", "--metric", "en"]
    for name in ("[/x]", "[red]evil"):
        done = command(*arguments, "--name", name)
        assert done.returncode == 0
        assert name in done.stdout


def test_what_a_method_prints_does_not_spoil_json(command, pair_folders, write_method):
    chatty = write_method("print('hello'); return infrared")
    arguments = ["eval", "--dataset", "folder", *folders(pair_folders), "--metric", "en", "--json"]
    done = command(*arguments, "-m", chatty)
    assert json.loads(done.stdout)["tables"]
    assert "hello" in done.stderr


def test_fuse_replaces_a_file_only_when_asked(command, pair_folders, tmp_path):
    files = [f"{pair_folders[name]}/pair 2.png" for name in ("visible", "infrared")]
    arguments = ["--visible", files[0], "--infrared", files[1], "--out", "one.png"]
    command("fuse", "max", *arguments)
    before = (tmp_path / "one.png").read_bytes()
    assert command("fuse", "average", *arguments).returncode == 1
    assert (tmp_path / "one.png").read_bytes() == before
    assert command("fuse", "average", *arguments, "--overwrite").returncode == 0
    assert (tmp_path / "one.png").read_bytes() != before


def test_two_sets_of_images_of_one_size_have_two_tables(command, pair_folders, tmp_path):
    swapped = {"visible": pair_folders["infrared"], "infrared": pair_folders["infrared"] + "2"}
    Path(swapped["infrared"]).mkdir()
    for path in Path(pair_folders["infrared"]).iterdir():
        Image.open(path).point(lambda level: 255 - level).save(Path(swapped["infrared"]) / path.name)
    for options in (pair_folders, swapped):
        assert command(*evaluation(options)).returncode == 0
    assert len(list((tmp_path / "leaderboards").glob("folder-all-3-clean-*.md"))) == 2


def test_fuse_refuses_a_file_type_that_loses_detail(command, pair_folders):
    files = [f"{pair_folders[name]}/pair 2.png" for name in ("visible", "infrared")]
    done = command("fuse", "max", "--visible", files[0], "--infrared", files[1], "--out", "one.jpg")
    assert done.returncode == 1
    assert "one.jpg: fused images are written as PNG" in done.stderr


def test_fuse_goes_on_after_a_bad_pair_and_ends_with_1(command, pair_folders, tmp_path):
    (Path(pair_folders["infrared"]) / "pair 0.png").write_bytes(b"not an image")
    done = command("fuse", "max", *folders(pair_folders), "--out", "fused")
    assert done.returncode == 1
    assert "pair 0" in done.stderr
    assert sorted(path.name for path in (tmp_path / "fused").glob("*.png")) == ["pair 1.png", "pair 2.png"]


def test_leaderboard_refuses_a_format_it_does_not_know(command, pair_folders):
    command(*evaluation(pair_folders))
    done = command("leaderboard", "--format", "pdf")
    assert done.returncode == 1
    assert "format pdf: expected some of md, csv" in done.stderr


def test_leaderboard_reads_the_store(command, pair_folders, tmp_path):
    command(*evaluation(pair_folders))
    done = command("leaderboard", "--out", "tables", "--format", "md")
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "tables").iterdir()
    assert re.fullmatch(r"folder-all-3-clean-[0-9a-f]{6}\.md", path.name)


@pytest.mark.parametrize(
    "kind", ["methods", "metrics", "profiles", "degradations", "degradation_profiles", "datasets"]
)
def test_list_shows_every_registered_name(command, kind):
    from fusionbench import registry

    done = command("list", kind)
    for name in registry.names(kind.removesuffix("s")):
        assert re.search(rf"^ +{name} ", done.stdout, re.MULTILINE)


def test_info_shows_a_card_and_its_source_file(command):
    done = command("info", "vif")
    assert "Sheikh" in done.stdout
    assert "vif.py" in done.stdout.replace("\n", "").replace(" ", "")


def test_doctor_finds_nothing_broken(command):
    done = command("doctor")
    assert done.returncode == 0, done.stdout
    assert "broken" not in done.stdout


def test_version_is_printed(command):
    assert command("--version").stdout == f"fusionbench {version('ivif-fusionbench')}\n"


def test_shell_completion_offers_registered_names():
    script = Path(sys.executable).with_name("fusionbench")
    words = {"COMP_WORDS": "fusionbench eval --method gf", "COMP_CWORD": "3"}
    environment = {**os.environ, "_FUSIONBENCH_COMPLETE": "complete_bash", **words}
    done = subprocess.run([script], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["gff"]


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom fusionbench.cli.app import app\n"
        "print([m for m in ('torch', 'numpy', 'pandas', 'scipy', 'pyarrow') if m in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"


def test_profiles_that_are_no_plugins_can_be_asked_about(command):
    assert "constants of physics" in command("info", "physical").stdout
    assert "calibrated" in command("list", "degradation_profiles").stdout
    assert "reside:haze" in command("info", "reside").stdout


def test_info_of_a_chain_shows_each_part(command):
    done = command("info", "dcp>lp")
    assert done.returncode == 0
    assert "dcp (enhancement)" in done.stdout and "lp (method)" in done.stdout


def test_info_measures_a_cost_when_asked(command):
    shown = command("info", "average", "--cost").stdout
    assert all(column in shown for column in ("GMAC", "seconds", "MB"))


def test_info_of_a_metric_has_no_cost(command):
    done = command("info", "vif", "--cost")
    assert done.returncode != 0
    assert "vif is no method" in done.stderr
