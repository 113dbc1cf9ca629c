"""The work of a trainer process: it trains one run. `brainseg.jobs.trainer` starts it."""

from __future__ import annotations

import json
import logging
import os

from brainseg import paths
from brainseg.config import RunConfig
from brainseg.errors import BrainsegError, RunError, StoreError
from brainseg.evaluation.collapse import collapse_sentence
from brainseg.files import refuse_if_disk_is_full
from brainseg.jobs import parent_watch
from brainseg.jobs.patience import patiently
from brainseg.jobs.robustness import measure_and_store
from brainseg.jobs.served_checkpoints import fetch_checkpoint
from brainseg.jobs.store_log import StoreLog
from brainseg.jobs.trial_log import log_of
from brainseg.jobs.workspace import Workspace
from brainseg.models.description import bundle_digest, read_description
from brainseg.runs import FINAL, EndKind, Run, RunStore
from brainseg.tasks import task_of
from brainseg.training.log import Progress, TrainingCancelled
from brainseg.training.lr_finder import run_finder
from brainseg.training.trainer import train

FINISHED, CRASHED, REFUSED, CANCELLED = 0, 1, 2, 3
_LOGGER = logging.getLogger(__name__)
MOVED = "The {} stopped because the home folder was moved."
ORPHANED = "The {} stopped because its supervising process ended."


def main(run_id: str) -> int:
    """Train a run, find its learning rate or check the robustness of another, and record how it ended.

    Returns:
        The exit code: 0 finished, 1 crashed, 2 stopped by an error that the user can fix, 3 cancelled.
    """
    # A training waits for a store that does not answer: whatever it has computed so far would be lost otherwise.
    store, workspace = patiently(lambda: RunStore(patiently)), Workspace(run_id)
    run = store.get(run_id)
    _record_if_unsupervised(run)
    _lower_priority(run.config)
    log = log_of(store, run, workspace)
    try:
        refuse_if_disk_is_full(store.home, f"The {run.work}")  # it may have filled while the run waited
        metrics = _WORK[run.kind](store, run, workspace, log)
        _store(store, run, workspace, metrics)
        collapsed = _collapse(workspace)
        store.set_status(run_id, "FINISHED", collapsed, EndKind.COLLAPSED if collapsed else EndKind.FINISHED)
    except TrainingCancelled as stop:
        log.message(log.pruned or str(stop))
        kind = EndKind.PRUNED if log.pruned else EndKind.CANCELLED
        store.set_status(run_id, "KILLED", log.pruned or str(stop), kind)
        return CANCELLED
    except Exception as error:  # any error is recorded with the run
        if gone := paths.moved_home_message():  # the cause, whatever the error is
            log.message(gone)
            _record_moved(store, run)
            return REFUSED
        if isinstance(error, BrainsegError):
            log.message(str(error))
            kind = EndKind.STORE if isinstance(error, StoreError) else EndKind.REFUSED
            store.set_status(run_id, "FAILED", str(error), kind)
            return REFUSED
        _LOGGER.exception("The %s stopped because of a fault in brainseg.", run.work, extra={"run": run_id})
        crash = f"The {run.work} stopped because of a fault in brainseg ({type(error).__name__}: {error})."
        store.set_status(run_id, "FAILED", crash, EndKind.CRASHED)
        return CRASHED
    return FINISHED


def _record_moved(store: RunStore, run: Run) -> None:
    """Record the end of a training whose home was moved.

    If the store lies in that home, it is opened in the home's new folder. If that folder is unknown, the next process
    that opens the store records the end.
    """
    if not store.private:
        store.set_status(run.id, "FAILED", MOVED.format(run.work), EndKind.MOVED)
    elif paths.reopen_moved_home():
        RunStore().set_status(run.id, "FAILED", MOVED.format(run.work), EndKind.MOVED)


def _find_rate(store: RunStore, run: Run, workspace: Workspace, log: StoreLog) -> dict[str, float]:
    _, suggestion = run_finder(task_of(run.config), log, workspace.results, store.warm_start(run.config))
    return {"learning_rate": suggestion}


def _train(store: RunStore, run: Run, workspace: Workspace, log: StoreLog) -> dict[str, float]:
    task = task_of(run.config)
    if fetch_checkpoint(store, run, workspace):
        log.message("The checkpoint of the last epoch was fetched from the server of the run store.")
    trained = train(task, log, workspace.results, run.name, store.warm_start(run.config))
    interval = trained.report.intervals[trained.headline]  # None for a single patient
    bounds = dict(zip((f"{trained.headline}_low", f"{trained.headline}_high"), interval or (), strict=False))
    metrics = {key: value for key, value in trained.report.to_dict().items() if isinstance(value, int | float)}

    def report_progress(done: int, total: int) -> None:
        log.progress(Progress("evaluating", done, total))

    measured = task.finish(workspace.results, report_progress)
    return {**metrics, **trained.extra, **measured, **bounds}


def _check_robustness(store: RunStore, run: Run, workspace: Workspace, log: StoreLog) -> dict[str, float]:
    """Measure another run, with which the result is stored; this one has no metrics."""
    if run.check is None:
        raise RunError(f"Run {run.name!r} names no run to measure: delete it.")

    def report_progress(done: int, total: int) -> None:
        if log.cancelled():
            raise TrainingCancelled("The run was cancelled.")
        log.progress(Progress("robustness", done, total))

    workspace.results.mkdir(parents=True, exist_ok=True)
    measured = store.get(run.check.run)
    log.message(f"Measuring the robustness of run {measured.name} ({measured.id[:8]}).")
    measure_and_store(store, measured, run.check.plan, workspace.folder, report_progress)
    return {}


_WORK = {"train": _train, "find-lr": _find_rate, "robustness": _check_robustness}
"""Kind of a run -> what its process does; no process works on a cross-validation."""


def _store(store: RunStore, run: Run, workspace: Workspace, metrics: dict[str, float]) -> None:
    store.log_metrics(run.id, {FINAL + key: value for key, value in metrics.items()})
    for item in sorted(workspace.results.iterdir()):
        if item.is_file():
            store.log_file(run.id, item)
        elif item.name != "checkpoint":
            store.log_folder(run.id, item, item.name)
    bundle = workspace.results / "bundle"
    if bundle.is_dir():  # a learning-rate finder writes none
        store.record_bundle(run.id, bundle_digest(bundle, read_description(bundle)))


def _collapse(workspace: Workspace) -> str:
    """Return the sentence for a model that learnt nothing; "" for any other."""
    file = workspace.results / "evaluation.json"
    return collapse_sentence(json.loads(file.read_text("utf-8"))) if file.exists() else ""


def _lower_priority(config: RunConfig) -> None:
    """Lower the CPU priority (nice) to keep the machine usable."""
    if hasattr(os, "nice"):
        os.nice(config.compute.nice)


def _record_if_unsupervised(run: Run) -> None:
    """Have the end of the run recorded if the supervisor dies, before `parent_watch` ends this process."""

    def record() -> None:
        store = RunStore()  # one that does not wait: this process must end
        if store.get(run.id).status == "RUNNING":
            store.set_status(run.id, "FAILED", ORPHANED.format(run.work), EndKind.UNSUPERVISED)

    parent_watch.before_exit(record)
