"""The worker: one process per device. It takes waiting runs one at a time, and outlives whatever started it."""

from __future__ import annotations

import logging
import time

from filelock import Timeout

from brainseg import paths
from brainseg.jobs.queue import claim_next, queue_lock, queued, reconcile
from brainseg.jobs.supervisor import supervise
from brainseg.jobs.workers import lane, worker_lock
from brainseg.runs import Run, RunStore

POLL = 1.0
_LOGGER = logging.getLogger(__name__)


def work(device: str, idle: float | None) -> int:
    """Take and train waiting runs until none came for `idle` seconds; without end if that is None.

    Returns:
        How many runs were trained; -1 if another worker already serves this device.
    """
    paths.stay()
    lock = worker_lock(lane(device))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return -1
    store, done, since = RunStore(), 0, time.monotonic()
    reconcile(store)
    while True:
        run = claim_next(store, lane(device))
        if run:
            _LOGGER.info("Training run %s.", run.name, extra={"run": run.id})
            _train(store, run)
            done, since = done + 1, time.monotonic()
        elif idle is not None and time.monotonic() - since > idle:
            # Both locks at once: a run that is put in now either is seen here or finds that no worker lives.
            with queue_lock():
                if not queued(store, lane(device)):
                    lock.release()
                    return done
        else:
            time.sleep(POLL)


def _train(store: RunStore, run: Run) -> None:
    """Train one run; what breaks while watching it must not stop those that wait behind it."""
    try:
        supervise(store, run)
    except Exception:
        _LOGGER.exception("Watching the training failed.", extra={"run": run.id})
