"""What has queued runs trained: the worker of this machine, a Ray cluster, or a command such as `sbatch`.

A launcher starts processes, and nothing else: what waits, runs and has ended is in the run store, whatever trains it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Protocol

from brainseg.config import RunConfig
from brainseg.errors import BrainsegError, ConfigError
from brainseg.jobs.launch_command import LaunchCommand
from brainseg.jobs.launch_ray import RayCluster
from brainseg.jobs.lock import queue_lock
from brainseg.jobs.workers import ensure_worker
from brainseg.runs import EndKind, Run, RunStore
from brainseg.runs.run import LOCAL

VARIABLE = "BRAINSEG_LAUNCHER"


class Launcher(Protocol):
    """Has queued runs trained. The run store shows what becomes of them."""

    def check(self, config: RunConfig) -> int:
        """Refuse what cannot work, before anything is queued.

        Args:
            config: That of the runs.

        Returns:
            How many such runs it trains at a time; 1 if it does not know.

        Raises:
            RunError: It cannot train such a run; the sentence says what to do.
            ConfigError: A variable that it needs is not set, or not allowed.
            MissingLibraryError: It needs a library that is not installed.
        """

    def start(self, runs: Sequence[Run]) -> dict[str, str]:
        """See to it that these waiting runs are trained, and return without waiting for their end.

        Returns:
            The id of each run that could not be started, and why, in one sentence.
        """


class LocalWorkers:
    """The workers of this home, one per device, which take waiting runs from the store one after the other."""

    def check(self, config: RunConfig) -> int:
        """Return 1: a worker trains one run at a time, and can always be started."""
        return 1

    def start(self, runs: Sequence[Run]) -> dict[str, str]:
        """Start a worker for each device of the runs, unless one is alive."""
        for device in sorted({run.config.compute.device for run in runs}):
            ensure_worker(device)
        return {}


LAUNCHERS: dict[str, type[Launcher]] = {LOCAL: LocalWorkers, "ray": RayCluster, "command": LaunchCommand}
"""Name of each launcher, as users write it and runs store it."""


def words(launcher: str) -> str:
    """Return what trains the runs of a launcher.

    >>> words("ray"), words("one of a newer brainseg")
    ('the Ray cluster', 'one of a newer brainseg')
    """
    return {LOCAL: "this machine", "ray": "the Ray cluster", "command": "the launch command"}.get(launcher, launcher)


def chosen(name: str | None = None) -> str:
    """Return the name of a launcher; by default the one that `BRAINSEG_LAUNCHER` names, or else "local".

    Raises:
        ConfigError: There is no such launcher.
    """
    found = name or os.environ.get(VARIABLE, "").strip() or LOCAL
    if found not in LAUNCHERS:
        what = "--launcher" if name else VARIABLE
        raise ConfigError(f"{what}: {found!r} is no launcher, choose {', '.join(LAUNCHERS)}.")
    return found


def launcher_of(name: str) -> Launcher:
    """Return a launcher by its name.

    Raises:
        ConfigError: There is no such launcher.
    """
    return LAUNCHERS[chosen(name)]()


def start(store: RunStore, runs: Iterable[Run]) -> str:
    """Have waiting runs trained, each by its launcher; call it while the queue is not locked, since it takes seconds.

    A run that cannot be started is marked as failed, so that it can be resumed.

    Returns:
        Why one could not be started, in one sentence; "" if all were.
    """
    by_launcher: dict[str, list[Run]] = {}
    for run in runs:
        by_launcher.setdefault(run.launcher, []).append(run)
    failed: dict[str, str] = {}
    for name, group in by_launcher.items():
        try:
            failed |= launcher_of(name).start(group)
        except BrainsegError as error:
            failed |= {run.id: str(error) for run in group}
    with queue_lock():
        for run_id, why in failed.items():
            if store.get(run_id).status == "SCHEDULED":
                store.set_status(run_id, "FAILED", why, EndKind.NOT_STARTED)
    return next(iter(failed.values()), "")
