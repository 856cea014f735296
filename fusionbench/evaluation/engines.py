"""Where tasks run: in this process, or spread over worker processes. Either way the results are the same."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process

from fusionbench.errors import FusionbenchError
from fusionbench.evaluation.work import Outcome, Task, Worker, WorkerSetup

TASKS_AHEAD = 2
"""Tasks waiting per worker: enough to keep it busy, few enough that an interrupted run stops soon."""

_worker: Worker | str = "the worker process was not started"
"""A worker process's worker, or why it has none; the parent process never uses it."""


def run_here(setup: WorkerSetup, tasks: Iterable[Task]) -> Iterator[Outcome]:
    """Run tasks one after the other in this process."""
    worker = Worker(setup)
    for task in tasks:
        yield worker.run(task)


def run_in_processes(setup: WorkerSetup, tasks: Iterable[Task], workers: int) -> Iterator[Outcome]:
    """Run tasks in worker processes; outcomes come in the order they finish.

    Raises:
        FusionbenchError: If a worker process dies (killed for memory, crashed).
    """
    remaining = iter(tasks)
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (setup,))
    try:
        running = {
            pool.submit(_run_task, task) for task in itertools.islice(remaining, workers * TASKS_AHEAD)
        }
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield _outcome(future)
                running.update(pool.submit(_run_task, task) for task in itertools.islice(remaining, 1))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _outcome(future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise FusionbenchError(
            "a worker process died (out of memory?); finished images are kept, "
            "run the same command again with fewer --workers"
        ) from error


def _start_worker(setup: WorkerSetup) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _worker = Worker(setup)
    except Exception as error:
        _worker = str(error)


def _end_with_parent() -> None:
    """Leave when the parent is gone: it may have been killed without a chance to say so."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run_task(task: Task) -> Outcome:
    if isinstance(_worker, Worker):
        return _worker.run(task)
    raise FusionbenchError(_worker)
