"""Robustness checks of finished runs: put into the queue, and measured by a trainer process or in the foreground.

A check in the queue is a run of a kind of its own. It has progress, log and end like any other, but neither model nor
metrics: its result is stored with the run that it measured.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from brainseg.datasets.split_table import SPLIT, read_split
from brainseg.errors import ConfigError, DataError, RunError
from brainseg.files import write_json
from brainseg.jobs.launcher import chosen, launcher_of
from brainseg.jobs.lock import queue_lock
from brainseg.jobs.queue import refuse_if_full, start_or_refuse
from brainseg.jobs.submission import free_name
from brainseg.models.description import read_description
from brainseg.robustness.plan import CheckPlan
from brainseg.robustness.result import FILE, RobustnessReport
from brainseg.runs import ENDED, Run, RunStore
from brainseg.runs.dataset_location import dataset_location
from brainseg.runs.migrations import PREFIX
from brainseg.runs.robustness_check import RobustnessCheck, write_check
from brainseg.tasks import facts_of
from brainseg.users.policy import Act, acting

if TYPE_CHECKING:  # torch takes seconds to import, and pages import this module
    from brainseg.robustness.answers import OpenAnswers

ReportProgress = Callable[[int, int], None]


def submit_check(store: RunStore, run: Run, plan: CheckPlan) -> Run:
    """Queue a robustness check of a finished run, and have it measured by the launcher that `BRAINSEG_LAUNCHER` names.

    Raises:
        RunError: The run has no model or no split, it already has a check in the queue, or the queue is full.
        BundleError: Its model was changed.
        DataError: Its dataset no longer exists.
        ConfigError: The plan is not allowed.
    """
    with acting(Act.MEASURE, run.id, run.owner):
        return _submit(store, run, plan)


def _submit(store: RunStore, run: Run, plan: CheckPlan) -> Run:
    refuse_if_not_measurable(store, run, plan)
    launcher = chosen()
    launcher_of(launcher).check(run.config)
    with queue_lock():
        if under_way := check_under_way(store.list(("SCHEDULED", "RUNNING")), run):
            raise RunError(
                f"Run {run.name!r} already has a robustness check in the queue, {under_way.name!r} "
                f"({under_way.id[:8]}): wait for its end, or cancel it."
            )
        refuse_if_full(store)
        name = free_name(f"{run.name}-robustness", {other.name for other in store.entries()})
        tags = {PREFIX + "robustness": write_check(RobustnessCheck(run.id, plan))}
        check = store.create(run.config, name, kind="robustness", tags=tags, launcher=launcher)
    start_or_refuse(store, [check])
    return check


def check_under_way(runs: list[Run], run: Run) -> Run | None:
    """Return the waiting or running robustness check of a run; None if there is none."""
    mine = (each for each in runs if each.check and each.check.run == run.id and each.status not in ENDED)
    return next(mine, None)


def refuse_if_not_measurable(store: RunStore, run: Run, plan: CheckPlan) -> None:
    """Refuse a check that cannot work, before it waits in the queue.

    Raises:
        RunError: The run has no model or no split.
        BundleError: Its model was changed.
        DataError: Its dataset no longer exists.
        ConfigError: The plan is not allowed.
    """
    from brainseg.robustness.corruptions import chosen  # imports SciPy, which this module's other importers can spare

    if plan.images < 1:
        raise ConfigError(f"{plan.images} images are not allowed: choose at least 1.")
    if plan.heatmaps < 0 or plan.seed < 0:
        raise ConfigError("A number of heatmaps, or a seed, below 0 is not allowed: choose 0 or more.")
    chosen(plan.corruptions)
    store.bundle(run)
    _split(store, run)
    place = dataset_location(run)
    if not place.exists():
        raise DataError(
            f"The dataset {run.config.data.path} of run {run.name!r} no longer exists: put it back to measure the "
            "run's robustness on its images."
        )


def measure_and_store(
    store: RunStore, run: Run, plan: CheckPlan, folder: Path, report_progress: ReportProgress
) -> RobustnessReport:
    """Measure the robustness of a run's model on its held-out images, and store the result with the run.

    Args:
        store: The store of the run.
        run: The run that is measured.
        plan: What to measure.
        folder: For the file before it is stored.
        report_progress: Called often with (predictions done, predictions in all); it may raise an error to stop.

    Raises:
        RunError: The run has no model, or lacks a file that is needed.
        BundleError: Its model cannot be used.
        DataError: Its dataset no longer exists, or images were changed.
        ScanError: An image can no longer be read.
        ConfigError: The plan is not allowed.
    """
    from brainseg.robustness.images import sample_images
    from brainseg.robustness.measure import measure_robustness
    from brainseg.training.compute import choose_device, limit_threads

    refuse_if_not_measurable(store, run, plan)
    bundle, split = store.bundle(run), _split(store, run)
    limit_threads(run.config.compute)
    # A run that was trained on a GPU can be measured on a machine without one.
    device = choose_device("cpu" if run.config.compute.device == "cpu" else "auto")
    version = read_description(bundle).preparation_version
    images = sample_images(
        split, dataset_location(run), run.config.data, version, plan.images, plan.heatmaps, plan.seed
    )
    report = measure_robustness(bundle, images, plan, _answers_of(store, run), str(device), report_progress)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / FILE, report)
    store.log_file(run.id, folder / FILE)
    return report


def _answers_of(store: RunStore, run: Run) -> OpenAnswers:
    """Return what opens the collection of answers of a run's task."""
    if not facts_of(run.config.task).has_masks:
        from brainseg.robustness.class_answers import ClassAnswers

        return ClassAnswers
    from brainseg.evaluation.segmentation import load_masks
    from brainseg.robustness.mask_answers import MaskAnswers

    # The true masks that the run was evaluated with: whatever happened to the dataset's files, they are the same.
    try:
        rows = pd.read_parquet(store.path(run.id, facts_of(run.config.task).predictions), columns=["path"])
        masks = load_masks(store.path(run.id, "truth.npz"))
    except (OSError, ValueError, DataError) as error:
        raise RunError(f"The true masks of run {run.name!r} are damaged: train it again.") from error
    number = {path: row for row, path in enumerate(rows["path"])}

    def truth(path: str) -> np.ndarray:
        if path not in number:
            raise RunError(f"The true masks of run {run.name!r} lack that of {path}: train it again.")
        return masks[number[path]]

    return partial(MaskAnswers, truth=truth)


def _split(store: RunStore, run: Run) -> pd.DataFrame:
    try:
        return read_split(store.path(run.id, SPLIT))
    except (RunError, OSError, ValueError) as error:
        raise RunError(
            f"Run {run.name!r} has no readable split.csv, so its held-out images are unknown: train it again."
        ) from error
