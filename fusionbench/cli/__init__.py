"""The command line: one small module a command, and the only place that prints.

Modules here import what they run inside their functions, so that `fusionbench --help` answers at once.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import NoReturn


class _Interrupted(BaseException):
    """Ctrl-C, under a name that the command-line library does not catch before `main` can explain it."""


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    # One is enough: another would only break into the orderly end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise _Interrupted


def main() -> None:
    """Run the command line; an error a person can act on is one line on standard error and exit status 1."""
    from fusionbench.cli.app import app
    from fusionbench.errors import FusionbenchError

    signal.signal(signal.SIGINT, _interrupt)
    try:
        app()
    except FusionbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except _Interrupted:
        print("interrupted: what is finished is kept, the same command continues", file=sys.stderr)
        raise SystemExit(130) from None
