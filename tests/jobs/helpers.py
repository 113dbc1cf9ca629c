"""Waits for real processes, and ends those that a test left behind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import psutil

from brainseg.jobs import queue
from brainseg.jobs.supervisor import supervise
from brainseg.jobs.workspace import Workspace
from brainseg.runs import ENDED, Run, RunStore

PATIENCE = 90


def wait_for(done: Callable[[], object], what: str) -> object:
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        if answer := done():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"waited {PATIENCE} s for {what}")


def epochs_done(run: Run, least: int) -> bool:
    file = Workspace(run.id).results / "epochs.csv"
    return file.exists() and len(file.read_text().splitlines()) > least


def search_ended(store: RunStore, name: str) -> Run:
    """Wait for the end of a search, as `brainseg search --wait` does."""

    def ended() -> Run | None:
        queue.reconcile(store)
        found = store.get(name)
        return found if found.status in ENDED else None

    return wait_for(ended, "the search to end")


@contextmanager
def supervised(run: Run) -> Iterator[None]:
    """Supervise the trainer of a claimed run from a thread of this process, which has ended at the end of the block."""
    thread = Thread(target=lambda: supervise(RunStore(), run), daemon=True)
    thread.start()
    yield
    thread.join(PATIENCE)
    assert not thread.is_alive()


def end_processes(home: Path) -> None:
    """End the trainers and workers of a home folder."""
    for run in RunStore().list(["RUNNING"]):
        for owner in Workspace(run.id).owners():
            if owner.pid != os.getpid():
                owner.kill()
    for process in psutil.process_iter(["cmdline", "environ"]):
        if "brainseg" in (process.info["cmdline"] or []) and (process.info["environ"] or {}).get(
            "BRAINSEG_HOME"
        ) == str(home):
            process.kill()
