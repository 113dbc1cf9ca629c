"""The start of a trainer process, `python -m brainseg.jobs.trainer RUN_ID`, before anything slow is imported.

The process ends when its supervisor dies, and holds its run's lock as long as it is alive: whatever was killed, two
processes never train the same run.
"""

from __future__ import annotations

import logging
import sys

from filelock import Timeout

from brainseg import logs, paths
from brainseg.imports import without_garbage_collection
from brainseg.jobs import parent_watch
from brainseg.jobs.workspace import Workspace

REFUSED = 2
LOCK_TIMEOUT = 10.0
"""Seconds to wait until an earlier trainer of the run has ended."""
_LOGGER = logging.getLogger("brainseg.jobs.trainer")  # this module runs as `__main__`


def begin(run_id: str) -> int:
    """Lock the run, load what a training needs, and train it.

    Returns:
        The exit code; see `trainer_process.main`.
    """
    parent_watch.exit_with_parent()
    paths.bind_to_home()
    logs.configure_training(paths.subfolder("logs") / "trainings.jsonl")
    workspace = Workspace(run_id)
    lock = workspace.trainer_lock()
    try:
        lock.acquire(timeout=LOCK_TIMEOUT)
    except Timeout:
        _LOGGER.error(
            "Another process is still training this run: cancel it, or wait for its end.", extra={"run": run_id}
        )
        return REFUSED
    workspace.record_trainer()
    with without_garbage_collection():
        from brainseg.jobs.trainer_process import main  # takes seconds
        from brainseg.training.compute import keep_memory

    keep_memory()
    return main(run_id)


if __name__ == "__main__":
    sys.exit(begin(sys.argv[1]))
