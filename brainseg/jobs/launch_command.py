"""The launcher `command`: a command of the user's own starts each run, such as `sbatch` of Slurm, or `ssh`."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence

from brainseg.config import RunConfig
from brainseg.errors import ConfigError
from brainseg.jobs.handover import cpus, hand_over
from brainseg.jobs.workspace import Workspace
from brainseg.runs import Run

VARIABLE = "BRAINSEG_LAUNCH_COMMAND"
PATIENCE = 15.0
"""Seconds to wait for the end of the command, or for the start of its run: some commands stay until the run has ended.
"""
OUTPUT = "launch.txt"
"""What the command printed, in the workspace of the run."""
_POLL = 0.1
_PLACES = re.compile(r"\{(command|quoted|run|cpus|gpus)\}")
_EXAMPLES = "sbatch --wrap {command}, or ssh HOST {command}"


class LaunchCommand:
    """Starts each run with the command that `BRAINSEG_LAUNCH_COMMAND` names."""

    def check(self, config: RunConfig) -> int:
        """Refuse a command that cannot work.

        Returns:
            1: only the command knows how many runs can be trained at a time.

        Raises:
            ConfigError: It is not set, has no place for what it starts, or its program is not installed.
        """
        parts = template()
        if not shutil.which(parts[0]):
            raise ConfigError(f"{VARIABLE}: the program {parts[0]!r} was not found, install it or name another one.")
        return 1

    def start(self, runs: Sequence[Run]) -> dict[str, str]:
        """Run the command once for each run, all at the same time; it goes on if this process ends."""
        limit = time.monotonic() + PATIENCE
        started = {run.id: _started(run) for run in runs}
        return {run_id: why for run_id, process in started.items() if (why := _failure(run_id, process, limit))}


def _started(run: Run) -> subprocess.Popen[bytes] | str:
    """Run the command for one run, and return its process, or why there is none."""
    handover = hand_over(run.id)
    command = [sys.executable, *handover.arguments]
    if handover.python_path:
        command = ["env", f"PYTHONPATH={handover.python_path}", *command]
    try:
        with (Workspace(run.id).folder / OUTPUT).open("wb") as output:
            return subprocess.Popen(  # noqa: S603 - the user's own command, without a shell
                filled(template(), command, run),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        return f"The launch command cannot be run ({error.strerror}): check {VARIABLE}."


def _failure(run_id: str, process: subprocess.Popen[bytes] | str, limit: float) -> str:
    """Return why a command did not start its run; "" if it did, or still works."""
    if isinstance(process, str):
        return process
    workspace = Workspace(run_id)
    while process.poll() is None and time.monotonic() < limit and not workspace.claimed():
        time.sleep(_POLL)
    if not process.returncode:
        return ""
    lines = (workspace.folder / OUTPUT).read_text("utf-8", "replace").split("\n")
    said = next((line.strip().rstrip(".") for line in reversed(lines) if line.strip()), "it printed nothing")
    return f"The launch command ended with exit code {process.returncode} ({said[:300]}): check {VARIABLE}."


def template() -> list[str]:
    """Return the command that users have set, split as a shell would.

    Raises:
        ConfigError: It is not set, cannot be split, or has no place for what it starts.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        raise ConfigError(f"The launcher command needs {VARIABLE}: set it, for example to {_EXAMPLES}.")
    try:
        parts = shlex.split(text)
    except ValueError as error:
        raise ConfigError(f"{VARIABLE} cannot be split into words ({error}): close its quotation marks.") from error
    if not {"command", "quoted"} & set(_PLACES.findall(text)):
        raise ConfigError(f"{VARIABLE} has no {{command}}: put it where the training is named, as in {_EXAMPLES}.")
    return parts


def filled(parts: Sequence[str], command: Sequence[str], run: Run) -> list[str]:
    """Return the words of a command with everything put into its places.

    Args:
        parts: From `template`. No shell reads them on this machine.
        command: What trains the run: it takes the place of `{command}` as one line for a shell, and of `{quoted}` as
            one word in such a line.
        run: The run: `{run}` is its id, `{cpus}` its processors, and `{gpus}` its GPUs.
    """
    line = shlex.join(command)
    places = {
        "command": line,
        "quoted": shlex.quote(line),
        "run": run.id,
        "cpus": str(cpus(run.config)),
        "gpus": str(int(run.config.compute.device == "cuda")),
    }
    return [_PLACES.sub(lambda found: places[found[1]], part) for part in parts]
