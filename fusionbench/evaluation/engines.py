"""Where tasks run: in this process, in worker processes, or on a ray cluster. The results are the same."""

from __future__ import annotations

import hashlib
import itertools
import os
import pickle
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process

from fusionbench.errors import FusionbenchError
from fusionbench.evaluation.work import Outcome, Task, Worker, WorkerSetup

TASKS_AHEAD = 2
"""Tasks waiting per worker: enough to keep it busy, few enough that an interrupted run stops soon."""

_worker: Worker | str = "the worker process was not started"
"""A worker process's worker, or why it has none; the parent process never uses it."""

RAY_RETRIES = 3
"""How often a job whose process died is tried again."""

_workers: dict[str, Worker] = {}
"""The worker of the last setup a ray process was given, by hash of the setup."""


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
        with _interrupts_held_back():
            first = itertools.islice(remaining, workers * TASKS_AHEAD)
            running = {pool.submit(_run_task, task) for task in first}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield _outcome(future)
                running.update(pool.submit(_run_task, task) for task in itertools.islice(remaining, 1))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def run_on_ray(setup: WorkerSetup, tasks: Iterable[Task]) -> Iterator[Outcome]:
    """Run tasks as stateless jobs on the ray cluster this process can reach, or on one of its own.

    A job whose machine or process dies is tried again elsewhere. The dataset must have the same path on every
    machine.

    Raises:
        FusionbenchError: If ray is not installed, a worker cannot be set up, or a job keeps dying.
    """
    try:
        import ray
    except ImportError as error:
        raise FusionbenchError("--engine ray needs ray; pip install 'ivif-fusionbench[ray]'") from error

    own_cluster = not ray.is_initialized()
    if own_cluster:
        ray.init(log_to_driver=False, configure_logging=False)
    accelerators = 1 if setup.device == "cuda" else 0
    job = ray.remote(num_cpus=1, num_gpus=accelerators, max_retries=RAY_RETRIES)(_run_task_anywhere)
    stored = ray.put(setup)
    ahead = TASKS_AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
    remaining = iter(tasks)
    try:
        running = [job.remote(stored, task) for task in itertools.islice(remaining, ahead)]
        while running:
            done, running = ray.wait(running)
            running += [job.remote(stored, task) for task in itertools.islice(remaining, len(done))]
            yield from ray.get(done)
    except ray.exceptions.RayTaskError as error:
        raise FusionbenchError(str(error.cause)) from error
    except ray.exceptions.RayError as error:
        raise FusionbenchError(
            f"ray: {error}; finished images are kept, run the same command again"
        ) from error
    finally:
        if own_cluster:
            ray.shutdown()


def _run_task_anywhere(setup: WorkerSetup, task: Task) -> Outcome:
    """Run a task in a process that may or may not have met its setup before."""
    key = hashlib.sha256(pickle.dumps(setup)).hexdigest()
    if key not in _workers:
        _workers.clear()
        _workers[key] = Worker(setup)
    return _workers[key].run(task)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Start worker processes deaf to Ctrl-C: this process hears it and ends them in order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


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
