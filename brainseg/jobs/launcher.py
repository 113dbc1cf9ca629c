"""What has queued runs trained: today the worker of this machine, behind an interface that others can implement."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from brainseg.jobs.workers import ensure_worker
from brainseg.runs import Run


class Launcher(Protocol):
    """Has queued runs trained. The run store shows what becomes of them."""

    def start(self, runs: Iterable[Run]) -> None:
        """See to it that these waiting runs are trained, and return at once."""


class LocalWorkers:
    """The workers of this home, one per device, which take waiting runs from the store one after the other."""

    def start(self, runs: Iterable[Run]) -> None:
        """Start a worker for each device of the runs, unless one is alive."""
        for device in sorted({run.config.compute.device for run in runs}):
            ensure_worker(device)


def launcher() -> Launcher:
    """Return the launcher of this home."""
    return LocalWorkers()
