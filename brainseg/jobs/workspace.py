"""The folder of an unfinished run: its log, progress, checkpoints, and the processes that work on it."""

from __future__ import annotations

import json
import os
import shutil
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout
from pydantic import ConfigDict, TypeAdapter
from typing_extensions import TypedDict

from brainseg import paths
from brainseg.files import write_json
from brainseg.jobs.processes import here, host, living_process, process_record

TAIL_LINES = 20
HANDOVER = ".launch.json"
"""What a launcher hands over, see `handover`. Hidden, so that no backup has it."""
_OWNERS, _RESTORED = "owners.json", "restored.txt"
SILENT = 60.0
"""Seconds without a sign of life after which a run counts as lost whose processes are on another machine."""


class StoredProgress(TypedDict, total=False):
    """The progress of a training; a field that is not known (yet) is missing.

    Attributes:
        phase: See `training.log.Progress`, as for the next four.
        time: When this was written, in seconds since 1970.
        started: When the current pass began, in seconds since 1970.
    """

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc] # as pydantic asks for it

    phase: str
    step: int
    steps: int
    epoch: int
    epochs: int
    time: float
    started: float


_PROGRESS = TypeAdapter(StoredProgress)


class Workspace:
    """The files of one unfinished run. A failed run keeps them, so it can be resumed.

    Args:
        run_id: The run.
    """

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.folder = paths.subfolder("work") / run_id
        self.log = self.folder / "log.txt"
        self.results = self.folder / "results"
        self._progress = self.folder / "progress.json"
        self._cancel = self.folder / "cancel"
        self._owners = self.folder / _OWNERS
        self._restored = self.folder / _RESTORED
        self.handover = self.folder / HANDOVER
        self._starter = self.folder / "starter.json"
        self._sign, self._now = self.folder / "alive", self.folder / "now"

    def make(self, claiming: bool = False) -> None:
        """Make the folder, and remove an earlier attempt's progress and cancel request.

        Args:
            claiming: Keep what was handed over to the process that claims the run, until its claim is stored.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._cancel.unlink(missing_ok=True)
        self._progress.unlink(missing_ok=True)
        self._restored.unlink(missing_ok=True)
        if not claiming:
            self.handover.unlink(missing_ok=True)
            self.forget_starter()

    @staticmethod
    def mark_restored(folder: Path, made: str) -> None:
        """Mark a workspace that comes from a backup, in which no process works on it.

        Args:
            folder: The folder of the workspace, also in a home that is not open.
            made: When the backup was made, in words.
        """
        (folder / _OWNERS).unlink(missing_ok=True)
        (folder / _RESTORED).write_text(made, "utf-8")

    def restored(self) -> str:
        """Return when the backup was made from which the workspace was restored; "" if it was not, or not since."""
        try:
            return self._restored.read_text("utf-8")
        except OSError:
            return ""

    def remove(self) -> None:
        """Delete the folder, unless a link leads outside the home."""
        if paths.is_inside(self.folder, paths.home()):
            shutil.rmtree(self.folder, ignore_errors=True)

    def has_checkpoint(self) -> bool:
        """Return whether the run can be resumed from its last epoch."""
        return (self.results / "checkpoint" / "state.json").exists()

    def request_cancel(self) -> None:
        """Ask the training to stop at its next batch."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._cancel.touch()

    def cancel_requested(self) -> bool:
        """Return whether the user asked to cancel the run."""
        return self._cancel.exists()

    def write_progress(self, progress: StoredProgress) -> None:
        """Store the progress of the training, for the pages and commands that show it."""
        write_json(self._progress, progress)

    def read_progress(self) -> StoredProgress:
        """Return what `write_progress` stored last; empty if there is nothing yet."""
        try:
            return _PROGRESS.validate_json(self._progress.read_bytes())
        except (OSError, ValueError):
            return {}

    def record_owners(self, process_ids: list[int]) -> None:
        """Record the processes that work on the run: its supervisor, and its trainer once it is started."""
        self.give_sign_of_life()
        write_json(self._owners, [process_record(pid) for pid in process_ids])

    def give_sign_of_life(self) -> None:
        """Show other machines that the recorded processes are alive; they cannot see processes of this one."""
        with suppress(OSError):  # the home was moved, or the file system does not answer
            self._sign.touch()

    def alive_elsewhere(self) -> bool:
        """Return whether processes of another machine work on the run: they gave a sign of life lately."""
        return any(entry.get("host", host()) != host() for entry in self._recorded()) and self._sign_is_fresh()

    def _sign_is_fresh(self) -> bool:
        # The clocks of two machines differ, so the age of the sign is measured with the clock of the file system.
        try:
            self._now.touch()
            return self._now.stat().st_mtime - self._sign.stat().st_mtime < SILENT
        except OSError:
            return False

    def record_starter(self) -> None:
        """Record this process, which another launcher than the worker has started, until it claims the run."""
        self.give_sign_of_life()
        write_json(self._starter, [process_record(os.getpid())])

    def forget_starter(self) -> None:
        """Remove what `record_starter` wrote."""
        self._starter.unlink(missing_ok=True)

    def starter_died(self) -> bool:
        """Return whether a process was started for the run, and ended before it claimed it."""
        entry = next(iter(_records(self._starter)), None)
        if entry is None or living_process(entry):
            return False
        return entry.get("host") == host() or not self._sign_is_fresh()

    def release(self) -> None:
        """Record that no process works on the run any more, so that other machines need not wait for silence."""
        self._owners.unlink(missing_ok=True)

    def record_trainer(self) -> None:
        """Record this process as the run's trainer, in addition to the recorded supervisor."""
        write_json(self._owners, [*self._recorded()[:1], process_record(os.getpid())])

    def owners(self) -> list[psutil.Process]:
        """Return the recorded processes that are still alive; a reused process number does not count."""
        return [process for process in map(living_process, self._recorded()) if process]

    def claimed(self) -> bool:
        """Return whether a live process works on the run, on this machine or another."""
        return bool(self.owners()) or self.alive_elsewhere()

    def trainer(self) -> psutil.Process | None:
        """Return the trainer process if it is alive."""
        recorded = self._recorded()
        return living_process(recorded[1]) if len(recorded) > 1 else None

    def trainer_lock(self) -> FileLock:
        """Return the lock that a trainer holds while it is alive; the system releases it when the trainer dies."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self.folder / "trainer.lock")

    def abandoned(self) -> bool:
        """Return whether no process works on the run any more, on this machine or another."""
        if self.claimed():
            return False
        if not self.folder.exists():
            return True
        lock = self.trainer_lock()
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return False
        lock.release()
        return True

    def other_home(self) -> str:
        """Return the home folder in which the run was trained before this home was copied or moved; "" if none."""
        homes = (entry.get("home", here()) for entry in self._recorded())
        return next((str(home) for home in homes if home != here()), "")

    def _recorded(self) -> list[dict[str, Any]]:
        return _records(self._owners)

    def log_tail(self, lines: int = TAIL_LINES) -> str:
        """Return the last lines of the log."""
        try:
            with self.log.open(encoding="utf-8", errors="replace") as stream:
                return "".join(deque(stream, lines)).strip()
        except OSError:
            return ""


def _records(file: Path) -> list[dict[str, Any]]:
    """Return the processes that a file records; none if it is missing or damaged."""
    try:
        recorded = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return recorded if isinstance(recorded, list) else []


def child_environment() -> dict[str, str]:
    """Return the environment of a process that must find brainseg from any folder and write its log unbuffered."""
    environment = dict(os.environ)
    if not paths.installed():  # a folder of installed packages on PYTHONPATH would come before Python's own library
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(paths.SOURCE), environment.get("PYTHONPATH")]))
    environment["BRAINSEG_HOME"] = str(paths.home())  # absolute, since the process may start in another folder
    environment["PYTHONUNBUFFERED"] = "1"
    return environment
