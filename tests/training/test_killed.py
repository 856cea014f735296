"""A run that is killed, at whatever moment, ends in the bits of one that was not."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

PACE, SLOW_PACE = ("--set", "pause=0.03"), ("--set", "pause=0.1")

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "FUSIONBENCH_CHECKPOINT_SECONDS": "0.05"}

# Imports once and forks, so that ten starts do not take ten imports: each child is a process of its own.
FORKING = """
    import os, random, signal, sys, time
    from pathlib import Path
    import torch, accelerate, matplotlib.figure, torch.utils.tensorboard
    import fusionbench.training.stage_loop
    from fusionbench.cli import main

    log, kills, command = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]

    def start():
        log.write_text("")
        child = os.fork()
        if child == 0:
            handle = os.open(log, os.O_WRONLY)
            os.dup2(handle, 2)
            sys.argv = ["fusionbench", *command]
            try:
                main()
            except SystemExit as ended:
                os._exit(ended.code or 0)
            os._exit(0)
        return child

    moments = random.Random(20)
    killed = 0
    for _ in range(kills):
        child = start()
        while " steps" not in log.read_text() and os.waitpid(child, os.WNOHANG) == (0, 0):
            time.sleep(0.002)
        time.sleep(moments.uniform(0.0, 0.25))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status)
    child = start()
    _, status = os.waitpid(child, 0)
    print(killed)
    sys.exit(os.waitstatus_to_exitcode(status))
"""


def artefacts(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.safetensors"))}


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signals")
def test_ten_kills_at_random_moments_change_no_bit(toy, tmp_path):
    program = tmp_path / "forking.py"
    program.write_text(textwrap.dedent(FORKING))
    for out, kills in (("whole", 0), ("killed", 10)):
        command = [sys.executable, str(program), str(tmp_path / f"{out}.log"), str(kills)]
        told = subprocess.run(
            [*command, *toy.command(out, *PACE)], env=ENVIRONMENT, capture_output=True, text=True, timeout=300
        )
        assert told.returncode == 0, told.stderr
    assert int(told.stdout.split()[-1]) == 10
    expected = artefacts(toy.folder / "whole")
    assert list(expected) == ["first.safetensors", "second.safetensors"]
    assert artefacts(toy.folder / "killed") == expected


def torchrun(command: list[str], kill_after_steps: float | None = None) -> int:
    """Run a command in two processes; kill all of it so many seconds after the first step."""
    launcher = ("-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone", "-m")
    with subprocess.Popen(
        [sys.executable, *launcher, "fusionbench", *command, "--processes", "2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=ENVIRONMENT,
    ) as started:
        if kill_after_steps is not None:
            for line in started.stderr:
                if " steps" in line:
                    break
            time.sleep(kill_after_steps)
            # Its workers are sessions of their own, and would go on without it.
            family = [psutil.Process(started.pid), *psutil.Process(started.pid).children(recursive=True)]
            for member in family:
                member.kill()
            psutil.wait_procs(family[1:], timeout=30)
        told = started.stderr.read()
    assert kill_after_steps is not None or started.returncode == 0, told
    return started.returncode


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signals")
def test_two_processes_killed_at_random_moments_change_no_bit(toy):
    torchrun(toy.command("whole", *SLOW_PACE))
    moments = random.Random(21)
    interrupted = toy.command("killed", *SLOW_PACE)
    kills = int(os.environ.get("FUSIONBENCH_TEST_KILLS", "2"))
    codes = [torchrun(interrupted, moments.uniform(0.2, 1.0)) for _ in range(kills)]
    assert codes == kills * [-signal.SIGKILL]
    torchrun(interrupted)
    assert artefacts(toy.folder / "killed") == artefacts(toy.folder / "whole") != {}
