"""How a trainer process begins: `python -m brainseg.jobs.trainer RUN_ID`, before anything slow is imported.

It ends with its supervisor from its first moment, and holds its run's lock as long as it lives: no run is ever trained
by two processes, whatever was killed.
"""

from __future__ import annotations

import logging
import sys

from filelock import Timeout

from brainseg import logs, paths
from brainseg.jobs import parent_watch
from brainseg.jobs.workspace import Workspace

REFUSED = 2
PATIENCE = 10.0
"""Seconds to wait for the end of an earlier trainer of the run."""
_LOGGER = logging.getLogger("brainseg.jobs.trainer")  # this module runs as `__main__`


def begin(run_id: str) -> int:
    """Take the run, then load what a training needs and do it.

    Returns:
        The exit code, as of `trainer_process.main`.
    """
    parent_watch.exit_with_parent()
    paths.stay()
    logs.configure_training(paths.subfolder("logs") / "trainings.jsonl")
    workspace = Workspace(run_id)
    lock = workspace.trainer_lock()
    try:
        lock.acquire(timeout=PATIENCE)
    except Timeout:
        _LOGGER.error("Another process still trains this run: cancel it, or wait for its end.", extra={"run": run_id})
        return REFUSED
    workspace.enlist()
    from brainseg.jobs.trainer_process import main  # seconds
    from brainseg.training.compute import keep_memory

    keep_memory()
    return main(run_id)


if __name__ == "__main__":
    sys.exit(begin(sys.argv[1]))
