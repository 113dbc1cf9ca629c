"""The stored results of a run, read and checked one file at a time: a damaged file affects nothing else.

Every reader returns None for a file that does not exist (yet), and raises `RunError` with the file's name for one that
cannot be used.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
from pydantic import TypeAdapter

from brainseg.datasets.split_table import SPLIT, read_split
from brainseg.diagnosis.heatmap_checks.stored import HEATMAPS, StoredHeatmaps, read_heatmaps
from brainseg.evaluation.calibration import CALIBRATION, CALIBRATION_TYPE, CalibrationReport
from brainseg.evaluation.checks import class_codes, losses, probabilities
from brainseg.evaluation.segmentation import SavedMasks, load_masks
from brainseg.evaluation.segmentation.pixel_calibration import PIXEL_CALIBRATION, PIXEL_REPORT, PixelReport
from brainseg.evaluation.stored import (
    SCHEMA,
    ClassificationEvaluation,
    E,
    Evaluation,
    SegmentationEvaluation,
    read_evaluation,
)
from brainseg.jobs.workspace import Workspace
from brainseg.models.sources import StoredWeights
from brainseg.results import stored_tables
from brainseg.results.file_cache import TableCache
from brainseg.results.run_files import read_checked, read_json, readable, reading, refuse_newer, run_file
from brainseg.runs import ENDED, Run, RunStore
from brainseg.tasks import facts_of
from brainseg.training.stored import RateSearch

LOG_BYTES = 200_000
"""Bytes at the end of a log that are shown."""
_TABLES = TableCache()
_RATE_SEARCH, _WEIGHTS = TypeAdapter(RateSearch), TypeAdapter(StoredWeights)


def evaluation(store: RunStore, run: Run) -> Evaluation | None:
    """Return a run's evaluation, whose fields depend on its task.

    Raises:
        RunError: The file is damaged, or a newer brainseg wrote it.
    """
    found: Evaluation | None = evaluation_as(facts_of(run.config.task).evaluation, store, run)
    return found


def evaluation_as(kind: type[E], store: RunStore, run: Run) -> E | None:
    """Return a run's evaluation with the fields of a task.

    Args:
        kind: `ClassificationEvaluation` or `SegmentationEvaluation`.
        store: The store of the run.
        run: A run of that task.

    Raises:
        RunError: The file is damaged, of another task, or a newer brainseg wrote it.
    """
    values = read_json(store, run, "evaluation.json")
    if values is None:
        return None
    refuse_newer(values, SCHEMA, "evaluation.json", run)
    with reading("evaluation.json", run):
        return read_evaluation(values, kind)


def heatmaps(store: RunStore, run: Run) -> StoredHeatmaps | None:
    """Return what was measured on the heatmaps of a classifier.

    Raises:
        RunError: The file is damaged, or a newer brainseg wrote it.
    """
    values = read_json(store, run, HEATMAPS)
    if values is None:
        return None
    with reading(HEATMAPS, run):
        return read_heatmaps(values)


def calibration(store: RunStore, run: Run) -> CalibrationReport | None:
    """Return how far a classifier's probabilities are calibrated."""
    return read_checked(CALIBRATION_TYPE, store, run, CALIBRATION)


def weights(store: RunStore, run: Run) -> StoredWeights | None:
    """Return which weights the training started from; fields that the file lacks are missing."""
    return read_checked(_WEIGHTS, store, run, "weights.json")


def rate_search(store: RunStore, run: Run) -> RateSearch | None:
    """Return the curve of the learning-rate finder and its suggestion, as plain values."""
    return read_checked(_RATE_SEARCH, store, run, "learning_rate.json")


def learning_rate(store: RunStore, run: Run) -> tuple[pd.DataFrame, float | None] | None:
    """Return the curve of the learning-rate finder (columns as in `RateSearch`) and its suggestion."""
    found = rate_search(store, run)
    if found is None:
        return None
    columns = {"learning_rate": found["learning_rate"], "loss": found["loss"], "smoothed_loss": found["smoothed_loss"]}
    with reading("learning_rate.json", run):
        return pd.DataFrame(columns, dtype="float64"), found["suggestion"]


def epochs(store: RunStore, run: Run) -> pd.DataFrame | None:
    """Return the metrics of each finished epoch: the columns `stored_tables.EPOCHS`, and `accuracy` or `dice`.

    An empty cell is NaN: the metric is not defined for that epoch.
    """
    return _table(store, run, "epochs.csv", stored_tables.read_epochs)


def predictions(
    store: RunStore, run: Run, classes: list[str], name: str = "predictions.parquet"
) -> pd.DataFrame | None:
    """Return the predictions, one row per image; see `evaluation.classification` for the columns.

    Args:
        store: The store of the run.
        run: A run that classifies.
        classes: The classes of its evaluation.
        name: `predictions.parquet`, or the file of another set.
    """
    table = _table(store, run, name, stored_tables.read_predictions)
    if table is None:
        return None
    with reading(name, run):
        for column in ("label", "prediction"):
            class_codes(table, column, classes)
        probabilities(table, classes)
        losses(table)
        return table


def out_of_fold(store: RunStore, run: Run) -> pd.DataFrame | None:
    """Return the pooled predictions of a complete cross-validation; see `evaluation.crossval.pooling.pool`."""
    return _table(store, run, "out_of_fold.parquet", stored_tables.read_out_of_fold)


def evaluated_predictions(store: RunStore, run: Run) -> pd.DataFrame | None:
    """Return the predictions of a classifier, as `predictions` does, for the classes of its evaluation."""
    report = evaluation_as(ClassificationEvaluation, store, run)
    return predictions(store, run, report["classes"]) if report else None


def baselines(store: RunStore, run: Run) -> dict[str, SegmentationEvaluation] | None:
    """Return the evaluations of the baselines of a segmentation, by name."""
    values = read_json(store, run, "baselines.json")
    if values is None:
        return None
    with reading("baselines.json", run):
        return {name: read_evaluation(report, SegmentationEvaluation) for name, report in values.items()}


def pixel_calibration(store: RunStore, run: Run) -> PixelReport | None:
    """Return how often the probabilities of a segmentation's pixels come true."""
    return read_checked(PIXEL_REPORT, store, run, PIXEL_CALIBRATION)


def slices(store: RunStore, run: Run) -> pd.DataFrame | None:
    """Return the evaluated slices of a segmentation; see `evaluation.segmentation.slice_table` for the columns."""
    return _table(store, run, "slices.parquet", stored_tables.read_slices)


def masks(store: RunStore, run: Run, name: str) -> SavedMasks | None:
    """Return `masks.npz` (predicted) or `truth.npz` of a segmentation, in the order of its slices."""
    file = run_file(store, run, name)
    if not file:
        return None
    with reading(name, run):
        return load_masks(file)


def split(store: RunStore, run: Run) -> pd.DataFrame | None:
    """Return the set of each image: columns `path`, `label`, `group`, `sha256`, `twin` and `split`, all texts.

    Images with the same `twin` are near copies; runs of earlier versions have none recorded. An empty cell is "": not
    known. None and NA are read as texts, since a class may have such a name.
    """
    return _table(store, run, SPLIT, read_split)


def hardest(store: RunStore, run: Run) -> pd.DataFrame | None:
    """Return the images with the highest loss: columns `path`, `label` and `prediction` (texts) and `loss` (nats)."""
    return _table(store, run, "hardest.csv", stored_tables.read_hardest)


def digests(store: RunStore, run: Run) -> dict[str, str]:
    """Return the hash of each image's bytes when the run read it, by its path; empty where the hashes are not known."""
    table = readable([], split, store, run)
    return {} if table is None else dict(zip(table["path"], table["sha256"], strict=True))


def _table(store: RunStore, run: Run, name: str, read: Callable[[Path], pd.DataFrame]) -> pd.DataFrame | None:
    file = run_file(store, run, name)
    if not file:
        return None
    with reading(name, run):
        return _TABLES.get(file, read)


def log_text(store: RunStore, run: Run) -> str:
    """Return the end of a run's log; "" if there is none."""
    live = Workspace(run.id).log
    file = live if run.status not in ENDED or live.exists() else run_file(store, run, "log.txt")
    return _end_of(file) if file else ""


def _end_of(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - LOG_BYTES))
            return stream.read().decode("utf-8", "replace").strip()
    except OSError:
        return ""
