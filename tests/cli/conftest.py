"""The command line, as a person uses it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from fusionbench.cli import main


class Done(NamedTuple):
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def command(tmp_path, monkeypatch, capsys) -> Callable[..., Done]:
    """Run the command line as the console script does, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("FUSIONBENCH_DATA", raising=False)
    handler = signal.getsignal(signal.SIGINT)

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["fusionbench", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        output = capsys.readouterr()
        return Done(int(left.value.code or 0), output.out, output.err)

    yield run
    signal.signal(signal.SIGINT, handler)
