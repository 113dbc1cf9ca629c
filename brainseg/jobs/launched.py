"""The process that a launcher starts for one run, `python -m brainseg.jobs.launched HOME RUN_ID [watch]`.

It claims the run and supervises its trainer as a worker does. With `watch`, it ends when the other end of its standard
input is closed: its starter is gone, such as the process of a Ray cluster that was given the run.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path

from brainseg.jobs import parent_watch
from brainseg.jobs.handover import handed_over

REFUSED = 2
_LOGGER = logging.getLogger("brainseg.jobs.launched")  # this module runs as `__main__`


def main(home: str, run_id: str, watch: bool) -> int:
    """Train one run of a home folder, if it still waits.

    Returns:
        The exit code: 0, also if the run no longer waits, or 2 if this machine cannot train it.
    """
    if watch:
        parent_watch.exit_with_parent()
    if not Path(home).is_dir():
        sys.stderr.write(
            f"{os.uname().nodename} does not see the home folder {home}: put it on a file system that all machines "
            "share, at the same path.\n"
        )
        return REFUSED
    file = handed_over(home, run_id)
    try:
        environment: dict[str, str] = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:  # another process has claimed the run, or it was deleted
        return 0
    os.environ.update(environment)
    from brainseg import logs
    from brainseg.errors import BrainsegError
    from brainseg.jobs.workspace import Workspace

    logs.configure()
    workspace = Workspace(run_id)
    workspace.record_starter()
    try:
        return _train(run_id, file)
    except BrainsegError as error:
        _LOGGER.error(str(error), extra={"run": run_id})
        with workspace.log.open("a", encoding="utf-8") as log:  # shown with the run, which is then found to be lost
            log.write(f"{error}\n")
        return REFUSED


def _train(run_id: str, file: Path) -> int:
    from brainseg import paths
    from brainseg.jobs.patience import patiently
    from brainseg.jobs.queue import claim
    from brainseg.jobs.supervisor import supervise
    from brainseg.runs import RunStore

    paths.bind_to_home()
    store = patiently(RunStore)
    run = patiently(lambda: claim(store, run_id))
    if run is None:
        _LOGGER.info("The run no longer waits.", extra={"run": run_id})
        return 0
    file.unlink(missing_ok=True)
    supervise(store, run)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], "watch" in sys.argv[3:]))
