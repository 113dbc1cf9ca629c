"""The folder of a run under way: its log, progress, checkpoints, and who works on it."""

from __future__ import annotations

import json
import os
import shutil
from collections import deque
from typing import Any

import psutil
from filelock import FileLock, Timeout

from brainseg import paths
from brainseg.files import write_json

TAIL_LINES = 20


class Workspace:
    """Files of one run between its start and its end; a failed run keeps them, so that it can be resumed.

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
        self._owners = self.folder / "owners.json"

    def make(self) -> None:
        """Make the folder, and remove the progress and cancel request of an earlier attempt."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._cancel.unlink(missing_ok=True)
        self._progress.unlink(missing_ok=True)

    def remove(self) -> None:
        """Delete everything; a folder that a link has put outside the home stays."""
        if paths.is_inside(self.folder, paths.home()):
            shutil.rmtree(self.folder, ignore_errors=True)

    def request_cancel(self) -> None:
        """Ask the training to stop at its next batch."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._cancel.touch()

    def cancel_requested(self) -> bool:
        """Say whether somebody asked for a stop."""
        return self._cancel.exists()

    def write_progress(self, progress: dict[str, object]) -> None:
        """Store where the training is, for the pages and commands that show it."""
        write_json(self._progress, progress)

    def read_progress(self) -> dict[str, Any]:
        """Return what `write_progress` stored last; empty where there is nothing yet."""
        try:
            progress = json.loads(self._progress.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return progress if isinstance(progress, dict) else {}

    def own(self, process_ids: list[int]) -> None:
        """Record the processes that work on the run: its supervisor, and its trainer once it is started."""
        write_json(self._owners, [record(pid) for pid in process_ids])

    def enlist(self) -> None:
        """Record this process as the run's trainer, beside the supervisor that is recorded already."""
        write_json(self._owners, [*self._recorded()[:1], record(os.getpid())])

    def owners(self) -> list[psutil.Process]:
        """Return the recorded processes that are still alive; a reused process number does not count."""
        return [process for process in map(alive, self._recorded()) if process]

    def trainer(self) -> psutil.Process | None:
        """Return the living trainer process, if there is one."""
        recorded = self._recorded()
        return alive(recorded[1]) if len(recorded) > 1 else None

    def trainer_lock(self) -> FileLock:
        """Return the lock that a trainer holds as long as it lives; the system releases it if the trainer dies."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self.folder / "trainer.lock")

    def abandoned(self) -> bool:
        """Say whether no process works on the run any more."""
        if self.owners():
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

    def elsewhere(self) -> str:
        """Return the other folder in which the run was at work, before this home was copied or moved; "" if none."""
        homes = (entry.get("home", _here()) for entry in self._recorded())
        return next((str(home) for home in homes if home != _here()), "")

    def _recorded(self) -> list[dict[str, Any]]:
        try:
            recorded = json.loads(self._owners.read_text("utf-8"))
        except (OSError, ValueError):
            return []
        return recorded if isinstance(recorded, list) else []

    def log_tail(self, lines: int = TAIL_LINES) -> str:
        """Return the last lines of the log."""
        try:
            with self.log.open(encoding="utf-8", errors="replace") as stream:
                return "".join(deque(stream, lines)).strip()
        except OSError:
            return ""


def _here() -> str:
    return str(paths.home())


def record(pid: int) -> dict[str, Any]:
    """Return what identifies a process of this home, as `alive` takes it: its number alone may be reused."""
    return {"pid": pid, "started": psutil.Process(pid).create_time(), "home": _here()}


def alive(entry: dict[str, Any]) -> psutil.Process | None:
    """Return a recorded process if it lives and works for this home, not for one that this home was copied from."""
    try:
        if entry.get("home", _here()) != _here():
            return None
        process = psutil.Process(int(entry["pid"]))
        same = abs(process.create_time() - entry["started"]) < 1
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def kill_group(process: psutil.Process) -> None:
    """End a process and all that it started, at once. Trainers lead a process group of their own."""
    try:
        family = [process, *process.children(recursive=True)]
        if os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, 9)
    except (psutil.Error, ProcessLookupError, PermissionError):
        return
    for member in family:
        try:
            member.kill()
        except psutil.Error:
            continue
    psutil.wait_procs(family, timeout=3)


def child_environment() -> dict[str, str]:
    """Return the environment of a process that must find brainseg from any folder and write its log at once."""
    environment = dict(os.environ)
    if not paths.installed():  # a folder of installed packages on PYTHONPATH would come before Python's own library
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(paths.SOURCE), environment.get("PYTHONPATH")]))
    environment["BRAINSEG_HOME"] = str(paths.home())  # whole, whatever folder the process starts in
    environment["PYTHONUNBUFFERED"] = "1"
    return environment
