"""Waits for real processes, and ends those that a test left behind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from brainseg.jobs.workspace import Workspace
from brainseg.runs import Run, RunStore

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
