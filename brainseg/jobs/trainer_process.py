"""What a trainer process does: one run of the store. `brainseg.jobs.trainer` begins it."""

from __future__ import annotations

import json
import os
import traceback
from pathlib import Path

from brainseg import paths
from brainseg.config import RunConfig
from brainseg.diagnosis.held_out import keep_heatmaps
from brainseg.diagnosis.timing import model_costs
from brainseg.errors import BrainsegError
from brainseg.evaluation.collapse import collapse_words
from brainseg.jobs import parent_watch
from brainseg.jobs.store_log import StoreLog
from brainseg.jobs.workspace import Workspace
from brainseg.models.description import bundle_digest, read_description
from brainseg.runs import FINAL, Run, RunStore
from brainseg.training.callbacks import TrainingCancelled
from brainseg.training.log import Progress
from brainseg.training.lr_finder import run_finder
from brainseg.training.trainer import train

FINISHED, CRASHED, REFUSED, CANCELLED = 0, 1, 2, 3
MOVED = (
    "The home folder was moved during the training, so the training stopped; `resume` continues it where the home is "
    "now."
)
ORPHANED = "Its supervising process ended, so the training stopped; `resume` continues it."


def main(run_id: str) -> int:
    """Train a run, or find its learning rate, and record how it ended.

    Returns:
        The exit code: 0 finished, 1 crashed, 2 stopped by a fault that the user can mend, 3 cancelled.
    """
    store, workspace = RunStore(), Workspace(run_id)
    run = store.get(run_id)
    _record_release(store, run_id)
    _step_back(run.config)
    log = StoreLog(store, workspace)
    try:
        figures = (_find_rate if run.kind == "find-lr" else _train)(store, run, workspace, log)
        _store(store, run, workspace, figures)
        store.set_status(run_id, "FINISHED", _collapse(workspace))
    except TrainingCancelled as stop:
        log.say(str(stop))
        store.set_status(run_id, "KILLED", str(stop))
        return CANCELLED
    except Exception as error:  # the last line of defence: whatever happened is recorded with the run
        if gone := paths.moved():  # whatever broke then, this is why
            log.say(gone)
            _record_elsewhere(store, run_id)
            return REFUSED
        if isinstance(error, BrainsegError):
            log.say(str(error))
            store.set_status(run_id, "FAILED", str(error))
            return REFUSED
        traceback.print_exc()
        store.set_status(run_id, "FAILED", f"The training broke off with {type(error).__name__}: {error}")
        return CRASHED
    return FINISHED


def _record_elsewhere(store: RunStore, run_id: str) -> None:
    """Record the end of a training whose home was moved away.

    A store in that home is opened where it is now; where that cannot be found out, whoever opens it there records it.
    """
    if not store.private:
        store.set_status(run_id, "FAILED", MOVED)
    elif paths.follow():
        RunStore().set_status(run_id, "FAILED", MOVED)


def _find_rate(store: RunStore, run: Run, workspace: Workspace, log: StoreLog) -> dict[str, float]:
    _, suggestion = run_finder(run.config, log, workspace.results, store.warm_start(run.config))
    return {"learning_rate": suggestion}


def _train(store: RunStore, run: Run, workspace: Workspace, log: StoreLog) -> dict[str, float]:
    trained = train(run.config, log, workspace.results, run.name, store.warm_start(run.config))
    interval = trained.report.intervals[trained.headline]  # one patient alone gives none
    bounds = dict(zip((f"{trained.headline}_low", f"{trained.headline}_high"), interval or (), strict=False))
    figures = {key: value for key, value in trained.report.to_dict().items() if isinstance(value, int | float)}
    data = Path(run.config.data.path)
    if run.config.task == "classify":

        def tell(done: int, total: int) -> None:
            log.progress(Progress("evaluating", done, total))

        keep_heatmaps(workspace.results, data, tell)
    costs = model_costs(workspace.results, data)
    return {**figures, **trained.extra, **costs, **bounds}


def _store(store: RunStore, run: Run, workspace: Workspace, figures: dict[str, float]) -> None:
    store.log_metrics(run.id, {FINAL + key: value for key, value in figures.items()})
    for item in sorted(workspace.results.iterdir()):
        if item.is_file():
            store.log_file(run.id, item)
        elif item.name != "checkpoint":
            store.log_folder(run.id, item, item.name)
    bundle = workspace.results / "bundle"
    if bundle.is_dir():  # a finder leaves none
        store.record_bundle(run.id, bundle_digest(bundle, read_description(bundle)))


def _collapse(workspace: Workspace) -> str:
    """Return the sentence that a model which learnt nothing is finished with; "" for any other."""
    file = workspace.results / "evaluation.json"
    return collapse_words(json.loads(file.read_text("utf-8"))) if file.exists() else ""


def _step_back(config: RunConfig) -> None:
    """Leave the machine to whoever sits in front of it."""
    if hasattr(os, "nice"):
        os.nice(config.compute.nice)


def _record_release(store: RunStore, run_id: str) -> None:
    """Have it recorded if the supervisor dies: `parent_watch` ends this process then."""

    def record() -> None:
        if store.get(run_id).status == "RUNNING":
            store.set_status(run_id, "FAILED", ORPHANED)

    parent_watch.before_exit(record)
