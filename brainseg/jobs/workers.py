"""The workers of this home: which of them live, starting one, and the runs that wait in vain."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from filelock import FileLock, Timeout

from brainseg import paths
from brainseg.files import write_json
from brainseg.jobs.workspace import alive, child_environment, record
from brainseg.runs import Run, RunStore

NVIDIA = Path("/proc/driver/nvidia/version")
IDLE = 120.0
"""Seconds without work after which a worker that was started on demand ends."""


def lane(device: str) -> str:
    """Return the queue that a run of this device waits in, "cuda" or "cpu", without the cost of importing torch."""
    return "cuda" if device == "cuda" or (device == "auto" and NVIDIA.exists()) else "cpu"


def ensure_worker(device: str) -> bool:
    """Start a worker for a device if none lives, and say whether one was started."""
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
    write_json(_starting(lane(device)), record(worker.pid))
    return True


def _starting(lane_name: str) -> Path:
    """Return the file that names the worker started last: it needs seconds before it takes its lock."""
    return paths.subfolder("jobs") / f"worker-{lane_name}.json"


def _is_starting(lane_name: str) -> bool:
    try:
        return alive(json.loads(_starting(lane_name).read_text("utf-8"))) is not None
    except (OSError, ValueError):
        return False


def unattended(store: RunStore, runs: Iterable[Run]) -> list[Run]:
    """Return the runs among these that wait for a worker of this home although none lives."""
    waiting = [run for run in runs if run.status == "SCHEDULED" and store.owns(run)]
    devices = {run.config.compute.device for run in waiting}
    idle = {device for device in devices if not worker_lives(device) and not _is_starting(lane(device))}
    return [run for run in waiting if run.config.compute.device in idle]


def worker_lives(device: str) -> bool:
    """Say whether a worker serves a device."""
    lock = worker_lock(lane(device))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return True
    lock.release()
    return False


def worker_lock(lane_name: str) -> FileLock:
    """Return the lock that a device's worker holds as long as it lives; the system releases it if the worker dies."""
    return FileLock(paths.subfolder("jobs") / f"worker-{lane_name}.lock")
