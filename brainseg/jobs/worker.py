"""The worker: one process per device that trains or checks waiting runs one at a time, and outlives what started it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress

from filelock import Timeout

from brainseg import paths
from brainseg.errors import UnreachableStoreError
from brainseg.jobs.lock import queue_lock
from brainseg.jobs.patience import patiently
from brainseg.jobs.queue import claim_next, queued, reconcile
from brainseg.jobs.supervisor import supervise
from brainseg.jobs.workers import queue_of, worker_lock
from brainseg.runs import Run, RunStore

POLL = 1.0
_LOGGER = logging.getLogger(__name__)


def work(device: str, idle: float | None, after: Callable[[RunStore, Run], None] | None = None) -> int:
    """Train waiting runs until there was none for `idle` seconds; never stop if that is None.

    Args:
        device: The device whose runs it takes.
        idle: Seconds; see above.
        after: Called with each run that it has trained.

    Returns:
        The number of runs trained; -1 if another worker already serves this device.
    """
    paths.bind_to_home()
    lock = worker_lock(queue_of(device))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return -1
    store, done, since = patiently(RunStore), 0, time.monotonic()
    patiently(lambda: reconcile(store))
    while True:
        run = patiently(lambda: claim_next(store, queue_of(device)))
        if run:
            _LOGGER.info("Starting the %s %s.", run.work, run.name, extra={"run": run.id})
            _train(store, run, after)
            done, since = done + 1, time.monotonic()
        elif idle is not None and time.monotonic() - since > idle:
            # Both locks are held: a run queued at this moment is either found here, or its submitter finds no worker.
            with suppress(UnreachableStoreError), queue_lock():
                if not queued(store, queue_of(device)):
                    lock.release()
                    return done
        else:
            time.sleep(POLL)


def _train(store: RunStore, run: Run, after: Callable[[RunStore, Run], None] | None) -> None:
    """Train one run; an error while supervising it must not stop the runs that wait behind it."""
    try:
        ended = supervise(store, run)
        if after:
            after(store, ended)
    except Exception:
        _LOGGER.exception("Supervising the training failed.", extra={"run": run.id})
