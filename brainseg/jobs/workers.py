"""The workers of this home: which are alive, how one is started, and which runs wait without one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from filelock import FileLock, Timeout

from brainseg import paths
from brainseg.files import write_json
from brainseg.jobs.processes import living_process, process_record
from brainseg.jobs.workspace import child_environment
from brainseg.runs import Run, RunStore
from brainseg.runs.run import LOCAL

NVIDIA = Path("/proc/driver/nvidia/version")
IDLE = 120.0
"""Seconds without work after which a worker ends that was started on demand."""


def queue_of(device: str) -> str:
    """Return the queue of a device, "cuda" or "cpu", without the cost of importing torch."""
    return "cuda" if device == "cuda" or (device == "auto" and NVIDIA.exists()) else "cpu"


def ensure_worker(device: str) -> bool:
    """Start a worker for a device if none is alive; return whether one was started."""
    if worker_lives(device):
        return False
    with (paths.subfolder("jobs") / "worker.log").open("ab") as log:
        worker = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "brainseg", "worker", "--device", device, "--idle", str(IDLE)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=child_environment(),
        )
    write_json(_starting(queue_of(device)), process_record(worker.pid))
    return True


def _starting(queue_name: str) -> Path:
    """Return the file that records the worker started last, which takes seconds to acquire its lock."""
    return paths.subfolder("jobs") / f"worker-{queue_name}.json"


def _is_starting(queue_name: str) -> bool:
    try:
        return living_process(json.loads(_starting(queue_name).read_text("utf-8"))) is not None
    except (OSError, ValueError):
        return False


def without_worker(store: RunStore, runs: Iterable[Run]) -> list[Run]:
    """Return the runs that wait for a worker of this home although none is alive."""
    waiting = [run for run in runs if run.status == "SCHEDULED" and waits_for_worker(store, run)]
    devices = {run.config.compute.device for run in waiting}
    idle = {device for device in devices if not worker_lives(device) and not _is_starting(queue_of(device))}
    return [run for run in waiting if run.config.compute.device in idle]


def waits_for_worker(store: RunStore, run: Run) -> bool:
    """Return whether a run, if it waits, does so for a worker of this home, not for another launcher."""
    return run.launcher == LOCAL and run.kind != "crossval" and store.owns(run)


def worker_lives(device: str) -> bool:
    """Return whether a worker serves a device."""
    lock = worker_lock(queue_of(device))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return True
    lock.release()
    return False


def worker_lock(queue_name: str) -> FileLock:
    """Return the lock that a worker holds while it is alive; the system releases it when the worker dies."""
    return FileLock(paths.subfolder("jobs") / f"worker-{queue_name}.lock")
