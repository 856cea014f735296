"""What is built is what is installed: the wheel, and a method somebody else packaged."""

import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent

PLUGIN_PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "somebodys-fusion"
version = "1.0"

[project.entry-points."fusionbench.methods"]
brighter = "somebodys_fusion:BrighterPixel"
"""


def readme_method() -> str:
    """The Python file that the README shows."""
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(import torch\n.*?)```", text, re.DOTALL)
    assert found is not None
    return found.group(1)


def run(*command: object, cwd: Path) -> str:
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    """The wheel of this repository."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=REPOSITORY)
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


@pytest.fixture
def fresh_environment(tmp_path) -> Path:
    """A new environment that sees this one's packages; returns its Python."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    installed = run(
        python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path
    ).strip()
    outer = sysconfig.get_path("purelib")
    (Path(installed) / "outer.pth").write_text(f"import site; site.addsitedir({outer!r})\n")
    return python


def test_the_wheel_holds_the_six_packages_and_no_other(wheel):
    tops = {name.split("/")[0] for name in wheel.namelist()}
    packages = {
        "fusionbench",
        "fusionbench_methods",
        "fusionbench_metrics",
        "fusionbench_degradations",
        "fusionbench_detectors",
        "fusionbench_segmenters",
    }
    assert {top for top in tops if not top.endswith(".dist-info")} == packages


def test_the_wheel_holds_every_module_of_the_repository(wheel):
    roots = {
        "fusionbench": REPOSITORY,
        "fusionbench_methods": REPOSITORY / "methods",
        "fusionbench_metrics": REPOSITORY / "metrics",
        "fusionbench_degradations": REPOSITORY / "degradations",
        "fusionbench_detectors": REPOSITORY / "detectors",
        "fusionbench_segmenters": REPOSITORY / "segmenters",
    }
    expected = {
        str(path.relative_to(root)) for name, root in roots.items() for path in (root / name).rglob("*.py")
    }
    assert {name for name in wheel.namelist() if name.endswith(".py")} == expected


def test_the_wheel_carries_types_licence_and_notice(wheel):
    names = wheel.namelist()
    assert "fusionbench/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("licenses/NOTICE") for name in names)


def test_the_core_needs_nothing_under_agpl(wheel):
    (metadata,) = [name for name in wheel.namelist() if name.endswith("METADATA")]
    needs = [line for line in wheel.read(metadata).decode().splitlines() if line.startswith("Requires-Dist")]
    assert [line for line in needs if "ultralytics" in line and "extra == 'detect'" not in line] == []


def test_the_readmes_method_runs_from_a_file(tmp_path):
    (tmp_path / "mine.py").write_text(readme_method())
    output = run(
        *(sys.executable, "-m", "fusionbench", "eval", "--dataset", "scenes", "--degradation", "haze"),
        *("--dataset-option", "count=1", "--dataset-option", "size=64x48"),
        *("--method", "./mine.py:BrighterPixel", "--method", "average"),
        cwd=tmp_path,
    )
    assert re.search(r"^ brighter +\d", output, re.MULTILINE)


def test_a_method_installed_as_a_package_is_listed_and_evaluated(tmp_path, fresh_environment):
    project = tmp_path / "project"
    (project / "somebodys_fusion").mkdir(parents=True)
    (project / "pyproject.toml").write_text(PLUGIN_PROJECT)
    (project / "somebodys_fusion" / "__init__.py").write_text(readme_method())
    offline = ("--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    run(fresh_environment, "-m", "pip", "install", "--quiet", *offline, project, cwd=tmp_path)
    assert "brighter" in run(fresh_environment, "-m", "fusionbench", "list", "methods", cwd=tmp_path)
    output = run(
        *(fresh_environment, "-m", "fusionbench", "eval", "--dataset", "scenes", "--method", "brighter"),
        *("--dataset-option", "count=1", "--dataset-option", "size=64x48"),
        cwd=tmp_path,
    )
    assert re.search(r"^ brighter +\d", output, re.MULTILINE)
