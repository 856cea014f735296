"""Compiled inner loops for plugins whose array operations would read and write whole images many times.

Importing this imports the compiler, which takes half a second: import modules that use it where they are
used. Nothing is reordered or fused by the compiler, so a loop gives the same bits with and without SIMD.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(signature: str) -> Callable[[Function], Function]:
    """Compile a function at once; keep the machine code where that can be written.

    Args:
        signature: Types as the compiler writes them: `void(float32[:, ::1], int64)`.
    """

    def decorate(function: Function) -> Function:
        try:
            machine_code = numba.njit(signature, cache=True, error_model="numpy")(function)
        except Exception:
            # No folder for it can be written, the disk is full, or what lies there is damaged (of which the
            # reader of the cache raises whatever it trips over): compile in every process.
            machine_code = numba.njit(signature, error_model="numpy")(function)
        return cast("Function", machine_code)

    return decorate
