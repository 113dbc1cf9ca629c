"""The state of a home for programs that watch a server: whether store, worker and disk need a person."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import asdict, dataclass
from functools import cache
from threading import Lock
from typing import Any, Literal

from brainseg import __version__, paths
from brainseg.errors import BrainsegError
from brainseg.files import kept_free
from brainseg.jobs.workers import without_worker
from brainseg.runs import RunStore

CURRENT = 5.0
"""Seconds for which an answer counts as current; within them, the same one is given again."""


@dataclass(frozen=True)
class Health:
    """The state of a home. It has no names and no paths, since everybody may ask for it.

    Attributes:
        store: Whether the run store can be read.
        worker: "working" while a run is in training; "missing" if runs wait and no worker is alive; "waiting" if runs
            wait for a worker that is alive; otherwise "idle", when none is needed.
        disk: Whether as much space is free as must stay free.
        runs: Number of runs by status.
        free: Free bytes on the disk of the home.
        brainseg: Version of brainseg.
    """

    store: Literal["readable", "unreadable"]
    worker: Literal["idle", "waiting", "working", "missing", "unknown"]
    disk: Literal["enough", "full", "unknown"]
    runs: dict[str, int]
    free: int
    brainseg: str = __version__

    @property
    def fine(self) -> bool:
        """Whether nothing needs a person."""
        return self.store == "readable" and self.worker != "missing" and self.disk == "enough"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {"status": "ok" if self.fine else "failing", **asdict(self)}


class Watch:
    """Asks for the state of the open home, at most once every `CURRENT` seconds."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seen: tuple[float, Health] | None = None

    def health(self) -> Health:
        """Return the state of the home."""
        with self._lock:
            if self._seen is None or time.monotonic() - self._seen[0] > CURRENT:
                self._seen = time.monotonic(), home_health()
            return self._seen[1]


def home_health() -> Health:
    """Return the state of the open home as it is now."""
    disk, free = _disk()
    try:
        store = _store(str(paths.home()), os.environ.get("MLFLOW_TRACKING_URI", ""))
        runs = store.statuses()
        return Health("readable", _worker(store, runs), disk, runs, free)
    except Exception:  # the doctor names the fault; whatever it is, the store cannot be read
        return Health("unreadable", "unknown", disk, {}, free)


def _disk() -> tuple[Literal["enough", "full", "unknown"], int]:
    try:
        free = shutil.disk_usage(paths.home()).free
        return ("enough" if free >= kept_free() else "full"), free
    except (OSError, BrainsegError):
        return "unknown", 0


def _worker(store: RunStore, runs: dict[str, int]) -> Literal["idle", "waiting", "working", "missing"]:
    # The worker's lock is looked at only if runs wait: looking takes it for a moment.
    if runs.get("SCHEDULED") and without_worker(store, store.list(["SCHEDULED"])):
        return "missing"
    if any(run.kind != "crossval" for run in store.list(["RUNNING"])) if runs.get("RUNNING") else False:
        return "working"
    return "waiting" if runs.get("SCHEDULED") else "idle"


@cache
def _store(home: str, uri: str) -> RunStore:
    return RunStore()
