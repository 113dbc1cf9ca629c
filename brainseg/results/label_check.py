"""Judges the labels of all images of an instant baseline: cross-validates its classifier, and stores the predictions.

Apart from `label_report`, since it loads the model.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from brainseg.errors import RunError
from brainseg.models.architectures import Classifier
from brainseg.models.bundle import load_bundle_for
from brainseg.results.crossval.storing import POOLED
from brainseg.results.label_report import refuse_without_labels, why_not_all
from brainseg.results.stored_results import split
from brainseg.runs import Run, RunStore
from brainseg.runs.asking import asks_about_run
from brainseg.runs.dataset_location import dataset_location
from brainseg.tasks import task_of
from brainseg.training.frozen_features import frozen_predictions
from brainseg.users.policy import Act


@asks_about_run(Act.MEASURE)
def judge_all_images(store: RunStore, run: Run, report_progress: Callable[[int, int], None]) -> None:
    """Store out-of-fold predictions of every image with an instant baseline, as `out_of_fold.parquet`.

    Raises:
        RunError: The run is no instant baseline, its network may have learnt from labels of the dataset, or it has no
            model or split. A cross-validation judges all images anyway.
        BundleError: Its bundle cannot be used.
        DataError: The dataset is gone, was changed, or is too small for folds.
    """
    refuse_without_labels(run)
    if run.kind == "crossval":
        raise RunError(f"Cross-validation {run.name!r} judges all images anyway: leave out --all-images.")
    if reason := why_not_all(run):
        raise RunError(reason)
    sides = split(store, run)
    if sides is None:
        raise RunError(f"Run {run.name!r} has no split.csv, so its images are not known: train it again.")
    model = load_bundle_for(Classifier, store.bundle(run)).model
    task = task_of(run.config.with_settings({"data.path": str(dataset_location(run))}))
    table = frozen_predictions(task, model, sides, report_progress).assign(run_id=run.id)
    leading = ["repeat", "fold", "run_id", "sha256", "unit"]
    table = table[[*leading, *(name for name in table.columns if name not in leading)]]
    with tempfile.TemporaryDirectory() as folder:
        table.to_parquet(Path(folder) / POOLED, index=False)
        store.log_file(run.id, Path(folder) / POOLED)
