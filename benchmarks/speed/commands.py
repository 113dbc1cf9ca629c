"""Whole commands as processes, with the CPU time of each."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.speed.side import ROOT, SideError
from benchmarks.speed.timing import Timing


def timed_command(command: Sequence[str], environment: Mapping[str, str], code: Path | None = None) -> Timing:
    """Run a command to its end and return its times, from the start of the process.

    Args:
        command: The program and its arguments.
        environment: From `side.environment_of`.
        code: The folder of the reference build, if the command belongs to it.

    Raises:
        SideError: It failed; the message holds the last line that it printed.
    """
    with tempfile.TemporaryFile("w+") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=code or ROOT,  # Python looks for modules here first
            env=dict(environment),
        )
        _, status, used = os.wait4(process.pid, 0)
        timing = Timing(time.perf_counter() - started, used.ru_utime + used.ru_stime)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            lines = [line for line in output.read().splitlines() if line.strip()]
            raise SideError(f"{' '.join(command[:4])} failed: {lines[-1] if lines else process.returncode}")
    return timing
