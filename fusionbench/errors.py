"""Errors a person can act on: one line that names what is wrong and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FusionbenchError(Exception):
    """Base of every error fusionbench raises on purpose; the command line prints it as one line."""


class InputError(FusionbenchError):
    """A file, folder or argument that cannot be used; the message names it and the remedy."""


class MethodError(FusionbenchError):
    """A fusion method raised, or returned something that is not a fused image."""


class TrainingError(FusionbenchError):
    """Training that cannot go on; what was reached before is kept."""


class UnknownNameError(FusionbenchError):
    """A plugin name that nothing registers; the message offers the nearest ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        nearest = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"known: {', '.join(names) or 'none'}"
        super().__init__(f"no {kind} is called {name!r}; {hint}")
