"""What a library may change of the process that uses it, put back."""

from __future__ import annotations

import logging
import os
import random
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np


@contextmanager
def kept_process_state() -> Iterator[None]:
    """Undo, at the end, what was done to everybody's state.

    That is the environment, threads of torch and OpenCV, generators of random numbers, filters of warnings,
    how numpy prints, whether torch is deterministic, and the functions of other packages that ultralytics
    replaces when it is imported.
    """
    import cv2
    import torch
    from PIL import Image

    with ExitStack() as stack:
        stack.enter_context(_environment())
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(np.printoptions())
        stack.enter_context(_generators())
        stack.enter_context(_torch_determinism())
        stack.callback(torch.set_num_threads, torch.get_num_threads())
        stack.callback(cv2.setNumThreads, cv2.getNumThreads())
        for owner, name in (
            (Image, "open"),
            (torch, "save"),
            (cv2, "imread"),
            (cv2, "imwrite"),
            (cv2, "imshow"),
        ):
            stack.callback(setattr, owner, name, getattr(owner, name))
        yield


@contextmanager
def replaced(owner: object, **values: Any) -> Iterator[None]:
    """Give some attributes of a module or object other values for a while."""
    before = {name: getattr(owner, name) for name in values}
    try:
        for name, value in values.items():
            setattr(owner, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(owner, name, value)


@contextmanager
def errors_only(logger: logging.Logger) -> Iterator[None]:
    """Let a logger say no less than errors for a while."""
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def _environment() -> Iterator[None]:
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(_changed(before))


def _changed(before: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in before.items() if os.environ.get(name) != value}


@contextmanager
def _generators() -> Iterator[None]:
    import torch

    cuda: Any = torch.cuda  # the check is not typed
    devices = range(cuda.device_count()) if cuda.is_initialized() else ()
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002


@contextmanager
def _torch_determinism() -> Iterator[None]:
    import torch

    enabled = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    switches: Any = torch.utils.deterministic  # its attribute is made by hand
    filled = switches.fill_uninitialized_memory
    cudnn = torch.backends.cudnn.deterministic
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warn_only)
        switches.fill_uninitialized_memory = filled
        torch.backends.cudnn.deterministic = cudnn
