"""Starts a trainer process, watches it, and records its end if the trainer cannot."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import psutil

from brainseg.config import RunConfig
from brainseg.errors import StoreError
from brainseg.jobs.launcher import start
from brainseg.jobs.lock import queue_lock
from brainseg.jobs.parents import settle
from brainseg.jobs.patience import patiently
from brainseg.jobs.processes import kill_group
from brainseg.jobs.served_checkpoints import keep_checkpoint
from brainseg.jobs.workspace import Workspace, child_environment
from brainseg.runs import EndKind, Run, RunStore

POLL = 0.2
_LOGGER = logging.getLogger(__name__)
HUGE_PAGES = "glibc.malloc.hugetlb=1"
"""Lets glibc ask Linux for pages of 2 MB instead of 4 kB. A training step touches gigabytes, and with small pages a
third of its time goes to looking them up. Other systems ignore it."""
SIGN_OF_LIFE = 5.0
"""Seconds between two signs of life, which other machines see."""
CANCEL_TIMEOUT = 6.0
"""Seconds that a trainer has to stop after a cancel request before it is killed; a batch takes less."""


def supervise(store: RunStore, run: Run, watch: Callable[[Workspace], None] | None = None) -> Run:
    """Train, or check, a claimed run in a separate process and wait for its end.

    Args:
        store: The run store.
        run: A run that this process has claimed.
        watch: Called several times a second, for example to draw a progress bar.

    Returns:
        The ended run.
    """
    workspace = Workspace(run.id)
    with workspace.log.open("ab") as log:
        trainer = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "brainseg.jobs.trainer", run.id],
            stdin=subprocess.PIPE,  # breaks if this process dies: see `parent_watch`
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=trainer_environment(run.config),
        )
    try:
        workspace.record_owners([os.getpid(), trainer.pid])
        _wait(trainer, workspace, watch)
    except BaseException:
        _kill(trainer)
        store.set_status(
            run.id, "KILLED", f"The process that supervised the {run.work} was stopped.", EndKind.UNSUPERVISED
        )
        raise
    ended = patiently(partial(_record, store, run, workspace, trainer.returncode))
    return _cleared(store, ended, workspace)


def _wait(trainer: subprocess.Popen[bytes], workspace: Workspace, watch: Callable[[Workspace], None] | None) -> None:
    asked, sign = None, 0.0
    while trainer.poll() is None:
        if time.monotonic() - sign > SIGN_OF_LIFE:
            workspace.give_sign_of_life()
            sign = time.monotonic()
        if watch:
            watch(workspace)
        if workspace.cancel_requested():
            asked = asked or time.monotonic()
            if time.monotonic() - asked > CANCEL_TIMEOUT:
                _kill(trainer)
        time.sleep(POLL)
    if watch:
        watch(workspace)


def _record(store: RunStore, run: Run, workspace: Workspace, code: int) -> Run:
    """Record an end that the trainer could not record.

    A run whose end the trainer did record may have been resumed since then by another process, and is left alone.
    """
    made: list[Run] = []
    with queue_lock():
        mine = os.getpid() in {owner.pid for owner in workspace.owners()}
        if store.get(run.id).status == "RUNNING" and mine:
            if workspace.cancel_requested():
                store.set_status(run.id, "KILLED", "The run was cancelled.", EndKind.CANCELLED)
            else:
                store.set_status(run.id, "FAILED", death_notice(code, run.work), EndKind.DIED, workspace.log_tail())
        if mine:
            workspace.release()
        ended = store.get(run.id)
        if ended.parent:
            made = settle(store, ended.parent)
    start(store, made)
    return ended


def _cleared(store: RunStore, ended: Run, workspace: Workspace) -> Run:
    """Store the log of an ended run and what it can be resumed from, and remove the workspace of a finished one."""
    try:
        patiently(lambda: store.log_file(ended.id, workspace.log))
        patiently(lambda: keep_checkpoint(store, ended, workspace))
    except StoreError as error:  # how the run ended is known all the same, and the workspace stays
        _LOGGER.warning("The files of run %s were not stored. %s", ended.name, error, extra={"run": ended.id})
        return ended
    if ended.status == "FINISHED":
        workspace.remove()
    return ended


def death_notice(code: int, work: str) -> str:
    """Return a sentence on how a process ended that could not record why; `work` is what it did."""
    how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
    process = "trainer process" if work == "training" else f"process of the {work}"
    return f"The {process} ended {how}."


def _kill(trainer: subprocess.Popen[bytes]) -> None:
    if psutil.pid_exists(trainer.pid):
        kill_group(psutil.Process(trainer.pid))
    trainer.wait()


def trainer_environment(config: RunConfig) -> dict[str, str]:
    """Return the trainer's environment: what must be set before Python, numpy and torch start."""
    environment = child_environment()
    if config.compute.threads:
        environment["OMP_NUM_THREADS"] = environment["MKL_NUM_THREADS"] = str(config.compute.threads)
    tunables = environment.get("GLIBC_TUNABLES", "").split(":")
    if not any(each.startswith("glibc.malloc.hugetlb") for each in tunables):
        environment["GLIBC_TUNABLES"] = ":".join(filter(None, [*tunables, HUGE_PAGES]))
    return environment
