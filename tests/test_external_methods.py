"""Methods that run as programs of their own, and what they may do wrong."""

from __future__ import annotations

import os
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from fusionbench.api import evaluate, fuse
from fusionbench.contracts import ImagePair
from fusionbench.errors import InputError, MethodError
from fusionbench.evaluation.provenance import method_hash
from fusionbench.external_methods import deciding_files, read_settings
from fusionbench.fusing import fuse_pairs
from fusionbench.images import quantise
from fusionbench.ready_methods import ready_method

LARGER = """
    import sys
    from pathlib import Path
    import numpy as np
    from PIL import Image

    visible, infrared, out = map(Path, sys.argv[1:4])
    for path in sorted(visible.iterdir()):
        first, second = (np.asarray(Image.open(each).convert("L")) for each in (path, infrared / path.name))
        Image.fromarray(np.maximum(first, second)).save(out / path.name)
"""


@pytest.fixture
def checkout(tmp_path):
    """Write a method's folder; returns what `--method` takes."""

    def write(program, settings=None):
        folder = tmp_path / "checkout"
        folder.mkdir(exist_ok=True)
        (folder / "fuse.py").write_text(textwrap.dedent(program))
        if settings is not None:
            (folder / "fusionbench.toml").write_text(textwrap.dedent(settings))
        return f"external:{folder}"

    return write


def pairs(count=2, height=12, width=17):
    generator = np.random.default_rng(0)
    return [
        ImagePair(
            f"scene {index}/é",
            generator.integers(0, 256, (height, width, 3), dtype=np.uint8),
            generator.integers(0, 256, (height, width), dtype=np.uint8),
        )
        for index in range(count)
    ]


def test_grey_output_is_luminance_and_gets_the_visible_chroma(checkout):
    from PIL import Image

    given = pairs()
    fused = fuse_pairs(ready_method(checkout(LARGER), device="cpu"), given)
    for pair, made in zip(given, fused, strict=True):
        grey = np.asarray(Image.fromarray(pair.visible).convert("L"))
        wanted = np.maximum(grey, pair.infrared).astype(float)
        weights = np.array([0.298936, 0.587043, 0.114021])
        change = wanted - pair.visible @ weights
        assert np.abs(made.image - quantise(pair.visible + change[..., None]).astype(int)).max() <= 1


def test_colour_output_is_taken_as_it_is(checkout):
    copying = """
        import shutil, sys
        shutil.copytree(sys.argv[1], sys.argv[3], dirs_exist_ok=True)
    """
    given = pairs()
    fused = fuse_pairs(ready_method(checkout(copying), device="cpu"), given)
    assert all(np.array_equal(made.image, pair.visible) for made, pair in zip(fused, given, strict=True))


def test_it_is_started_once_for_a_batch(checkout, tmp_path):
    counting = LARGER + '\n    open("starts.log", "a").write("x")\n'
    fuse_pairs(ready_method(checkout(counting), device="cpu"), pairs(5))
    assert (tmp_path / "checkout" / "starts.log").read_text() == "x"


def test_it_enters_a_table_beside_others(checkout, pair_folders, tmp_path):
    evaluation = evaluate(
        "folder",
        **pair_folders,
        methods=[
            "average",
            checkout(
                LARGER,
                'name = "Larger"\ncommand = ["{python}", "fuse.py", "{visible}", "{infrared}", "{out}"]',
            ),
        ],
        metrics=["sd"],
        results=tmp_path / "results",
    )
    assert {row.method for row in evaluation.tables[0].rows} == {"average", "Larger"}
    assert evaluation.failures == ()


def test_settings_say_how_it_is_started(checkout):
    reference = checkout(
        LARGER,
        """
        name = "Mine"
        command = ["{python}", "fuse.py", "{visible}", "{infrared}", "{out}"]
        seconds_per_pair = 5
        """,
    )
    method = ready_method(reference, device="cpu")
    assert method.name == method.card.name == "Mine"
    assert read_settings(Path(reference.removeprefix("external:"))).seconds_per_pair == 5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("name = 3\ncommand = ['{visible}{infrared}{out}']", "name must be a text"),
        ("command = 'fuse.py'", "command must be a list of words"),
        ("command = ['fuse.py', '{visible}', '{out}']", r"command must contain \{infrared\}"),
        ("command = ['{visible}{infrared}{out}']\nseconds_per_pair = 0", "seconds above 0"),
        ("comand = []", "comand is not known"),
        ("command = ['{visible}{infrared}{out}']\nignore = 'x'", "ignore must be a list of texts"),
        ("command = [", "cannot be read"),
    ],
    ids=["name", "no list", "place", "time", "word", "ignore", "syntax"],
)
def test_settings_that_cannot_be_used_are_named(checkout, settings, message):
    with pytest.raises(InputError, match=rf"fusionbench\.toml: .*{message}"):
        ready_method(checkout(LARGER, settings), device="cpu")


def test_a_folder_that_is_not_there_or_empty_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere: no such folder"):
        ready_method(f"external:{tmp_path / 'nowhere'}")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty: has neither fusionbench\.toml nor fuse\.py"):
        ready_method(f"external:{tmp_path / 'empty'}")


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("raise SystemExit('no weights found')", "exit status 1; its last words: no weights found"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "exit status -11; it said nothing"),
        ("pass", r"wrote 0 of 2 images, 000000\.png is missing"),
        (
            "import sys, shutil\nshutil.copy(sys.argv[1] + '/000000.png', sys.argv[3] + '/fused.png')",
            r"wrote 0 of 2 images, 000000\.png is missing; it wrote fused\.png instead",
        ),
        (
            "import sys, shutil\nshutil.copy(sys.argv[1] + '/000000.png', sys.argv[3])",
            r"wrote 1 of 2 images, 000001\.png is missing",
        ),
        (
            "import sys, os\nfrom PIL import Image\n"
            "for n in os.listdir(sys.argv[1]): Image.new('L', (8, 8)).save(sys.argv[3] + '/' + n)",
            "wrote 8x8 for a pair of 17x12; it must keep the size",
        ),
        (
            "import sys, os\nfor n in os.listdir(sys.argv[1]): open(sys.argv[3] + '/' + n, 'w').write('x')",
            r"wrote what cannot be used: 000000\.png: is not an image",
        ),
        ("import sys, shutil\nshutil.rmtree(sys.argv[3])", r"wrote 0 of 2 images"),
        (
            "import os, shutil\nshutil.rmtree(os.path.dirname(os.environ['TMPDIR']))\nraise SystemExit(3)",
            "exit status 3; it removed what it said",
        ),
        ("print('x' * 10_000_000)\nraise SystemExit(1)", "its last words: x{200}$"),
    ],
    ids=[
        *("fails", "crashes", "nothing", "other names", "fewer", "other size", "no images"),
        *("no folder", "nothing left", "one long line"),
    ],
)
def test_whatever_goes_wrong_is_one_line(checkout, program, message):
    with pytest.raises(MethodError, match=rf"method checkout: .*{message}") as caught:
        fuse_pairs(ready_method(checkout(program), device="cpu"), pairs())
    assert "\n" not in str(caught.value)


def test_one_that_hangs_is_stopped_with_all_it_started(checkout, tmp_path):
    hanging = """
        import subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        open("child.pid", "w").write(str(child.pid))
        time.sleep(600)
    """
    settings = """
        command = ["{python}", "fuse.py", "{visible}", "{infrared}", "{out}"]
        seconds_to_start = 3
        seconds_per_pair = 0.1
    """
    started = time.monotonic()
    with pytest.raises(MethodError, match=r"took longer than 3 s for 2 pairs and was stopped"):
        fuse_pairs(ready_method(checkout(hanging, settings), device="cpu"), pairs())
    assert time.monotonic() - started < 60
    child = int((tmp_path / "checkout" / "child.pid").read_text())
    # A killed process is there until the system has got round to it.
    deadline = time.monotonic() + 20
    while _is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_running(child)


def _is_running(process):
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_only_the_images_of_a_batch_that_fails_are_lost(checkout, pair_folders, tmp_path):
    picky = (
        LARGER + "\n        assert first.mean() < 256 and '000001' not in path.name, 'cannot do this one'\n"
    )
    evaluation = evaluate(
        "folder", **pair_folders, methods=[checkout(picky)], metrics=["sd"], results=tmp_path / "results"
    )
    # Alone, every pair is number 000000.
    assert evaluation.failures == ()


def test_its_environment_is_a_short_list(checkout, monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET_TOKEN", "x")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    telling = LARGER + "\n    import os; open('seen.txt', 'w').write(' '.join(os.environ))\n"
    fuse_pairs(ready_method(checkout(telling), device="cpu"), pairs(1))
    seen = (tmp_path / "checkout" / "seen.txt").read_text().split()
    assert "PATH" in seen and "SECRET_TOKEN" not in seen and "PYTHONPATH" not in seen


def test_another_interpreter_is_used_where_one_is_named(checkout):
    with pytest.raises(InputError, match=r"--python /nowhere/python: no such program"):
        fuse(checkout(LARGER), *visible_and_infrared(), python="/nowhere/python")
    fused = fuse(checkout(LARGER), *visible_and_infrared(), python=sys.executable)
    assert fused.shape == (12, 17, 3)


def test_an_interpreter_is_looked_for_from_where_one_is(checkout, tmp_path, monkeypatch):
    reference = checkout(LARGER)
    (tmp_path / "my env").mkdir()
    program = tmp_path / "my env" / "python"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    assert fuse(reference, *visible_and_infrared(), python="my env/python").shape == (12, 17, 3)


def test_an_interpreter_without_an_external_method_is_refused(pair_folders, tmp_path):
    with pytest.raises(InputError, match=r"--python python3: no method is external"):
        evaluate("folder", **pair_folders, methods=["average"], python="python3", results=tmp_path)


def visible_and_infrared():
    pair = pairs(1)[0]
    return pair.visible, pair.infrared


def test_code_and_weights_make_it_another_method_but_not_its_output(checkout, tmp_path):
    reference, folder = checkout(LARGER), tmp_path / "checkout"
    first = method_hash(reference)
    (folder / "results.png").write_bytes(b"output")
    (folder / ".git").mkdir()
    (folder / ".git" / "x.py").write_text("")
    (folder / "env").mkdir()
    (folder / "env" / "pyvenv.cfg").write_text("")
    (folder / "env" / "x.py").write_text("")
    assert method_hash(reference) == first
    assert [path.name for path in deciding_files(folder)] == ["fuse.py"]
    (folder / "model.ckpt.data-00000-of-00001").write_bytes(b"weights")
    second = method_hash(reference)
    assert second != first
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "w.pth").write_bytes(b"more weights")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    assert method_hash(reference) != second


def test_what_it_writes_beside_itself_can_be_named(checkout, tmp_path):
    settings = """
        command = ["{python}", "fuse.py", "{visible}", "{infrared}", "{out}"]
        ignore = ["results", "*.json"]
    """
    reference = checkout(LARGER, settings)
    first = method_hash(reference)
    (tmp_path / "checkout" / "results").mkdir()
    (tmp_path / "checkout" / "results" / "x.bin").write_bytes(b"1")
    (tmp_path / "checkout" / "scores.json").write_text("{}")
    assert method_hash(reference) == first


def test_its_cost_is_not_measured_from_outside(checkout):
    from fusionbench.costing import cost_of

    with pytest.raises(MethodError, match="runs as a program of its own; measure it there"):
        cost_of(checkout(LARGER), size=(16, 16))


def test_no_values_of_its_own_are_promised(checkout):
    with pytest.raises(MethodError, match="gives finished images"):
        fuse(checkout(LARGER), *visible_and_infrared(), raw=True)
    with pytest.raises(InputError, match=r"--post minmax: .* gives finished images; leave --post out"):
        ready_method(checkout(LARGER), post="minmax")
    assert os.environ.get("PATH")
