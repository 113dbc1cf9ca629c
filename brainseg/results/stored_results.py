"""The stored results of a run, read and checked one file at a time: a damaged file affects nothing else.

Every reader returns None for a file that does not exist (yet), and raises `RunError` with the file's name for one that
cannot be used.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pandas as pd

from brainseg.errors import DataError, RunError
from brainseg.evaluation.checks import class_codes, losses, probabilities, require_columns
from brainseg.evaluation.segmentation import SavedMasks, load_masks
from brainseg.evaluation.stored import (
    SCHEMA,
    ClassificationEvaluation,
    E,
    Evaluation,
    SegmentationEvaluation,
    read_evaluation,
)
from brainseg.jobs.workspace import Workspace
from brainseg.results.file_cache import TableCache
from brainseg.results.run_files import run_file
from brainseg.runs import ENDED, Run, RunStore
from brainseg.tasks import facts_of

CURVE = ["learning_rate", "loss", "smoothed_loss"]
EPOCHS = [
    "phase",
    "epoch",
    "train_loss",
    "valid_loss",
    "sensitivity",
    "specificity",
    "learning_rate",
    "seconds",
]
LOG_BYTES = 200_000
"""Bytes at the end of a log that are shown."""
_TABLES = TableCache()
Arguments = ParamSpec("Arguments")
Found = TypeVar("Found")


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
    if values.get("schema", 1) not in range(1, SCHEMA + 1):
        raise RunError(
            f"evaluation.json of run {run.name!r} has schema {values['schema']}, and this brainseg reads up to "
            f"{SCHEMA}: install a newer brainseg."
        )
    with reading("evaluation.json", run):
        return read_evaluation(values, kind)


def learning_rate(store: RunStore, run: Run) -> tuple[pd.DataFrame, float | None] | None:
    """Return the curve of the learning-rate finder (columns `CURVE`) and its suggestion."""
    values = read_json(store, run, "learning_rate.json", (*CURVE, "suggestion"))
    if values is None:
        return None
    with reading("learning_rate.json", run):
        return pd.DataFrame({name: values[name] for name in CURVE}, dtype="float64"), values["suggestion"]


def epochs(store: RunStore, run: Run) -> pd.DataFrame | None:
    """Return the metrics of each finished epoch: the columns `EPOCHS`, and `accuracy` or `dice`.

    An empty cell is NaN: the metric is not defined for that epoch.
    """
    return _table(store, run, "epochs.csv", _read_epochs)


def predictions(store: RunStore, run: Run, classes: list[str]) -> pd.DataFrame | None:
    """Return the predictions, one row per image; see `evaluation.classification` for the columns."""
    table = _table(store, run, "predictions.parquet", _read_predictions)
    if table is None:
        return None
    with reading("predictions.parquet", run):
        for column in ("label", "prediction"):
            class_codes(table, column, classes)
        probabilities(table, classes)
        losses(table)
        return table


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


def slices(store: RunStore, run: Run) -> pd.DataFrame | None:
    """Return the evaluated slices of a segmentation; see `evaluation.segmentation.slice_table` for the columns."""
    return _table(store, run, "slices.parquet", _read_slices)


def masks(store: RunStore, run: Run, name: str) -> SavedMasks | None:
    """Return `masks.npz` (predicted) or `truth.npz` of a segmentation, in the order of its slices."""
    file = run_file(store, run, name)
    if not file:
        return None
    with reading(name, run):
        return load_masks(file)


def split(store: RunStore, run: Run) -> pd.DataFrame | None:
    """Return the set of each image: columns `path`, `label`, `group`, `sha256` and `split`, all texts.

    An empty cell is "": not known. None and NA are read as texts, since a class may have such a name.
    """
    return _table(store, run, "split.csv", _read_split)


def hardest(store: RunStore, run: Run) -> pd.DataFrame | None:
    """Return the images with the highest loss: columns `path`, `label` and `prediction` (texts) and `loss` (nats)."""
    return _table(store, run, "hardest.csv", _read_hardest)


def digests(store: RunStore, run: Run) -> dict[str, str]:
    """Return the hash of each image's bytes when the run read it, by its path; empty where the hashes are not known."""
    table = readable([], split, store, run)
    return {} if table is None else dict(zip(table["path"], table["sha256"], strict=True))


def read_json(store: RunStore, run: Run, name: str, fields: tuple[str, ...] = ()) -> dict[str, Any] | None:
    """Return a JSON file of a run that has at least the given fields."""
    file = run_file(store, run, name)
    if not file:
        return None
    with reading(name, run):
        values = json.loads(file.read_text("utf-8"))
        if not isinstance(values, dict) or any(field not in values for field in fields):
            raise ValueError("a field is missing")
        return values


def _table(store: RunStore, run: Run, name: str, read: Callable[[Path], pd.DataFrame]) -> pd.DataFrame | None:
    file = run_file(store, run, name)
    if not file:
        return None
    with reading(name, run):
        return _TABLES.get(file, read)


def _read_epochs(file: Path) -> pd.DataFrame:
    table = pd.read_csv(file, dtype={"phase": str}, keep_default_na=False, na_values="")
    columns = [*EPOCHS, "dice" if "dice" in table else "accuracy"]
    require_columns(table, columns, "The table of epochs")
    for column in columns[1:]:
        pd.to_numeric(table[column])
    return table


def _read_split(file: Path) -> pd.DataFrame:
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    require_columns(table, ["path", "label", "group", "sha256", "split"], "The split")
    return table


def _read_hardest(file: Path) -> pd.DataFrame:
    texts = ["path", "label", "prediction"]
    table = pd.read_csv(file, dtype=dict.fromkeys(texts, str), keep_default_na=False)
    require_columns(table, [*texts, "loss"], "The table of the hardest cases")
    return table


def _read_predictions(file: Path) -> pd.DataFrame:
    table = pd.read_parquet(file)
    require_columns(table, ["path", "group"])
    return table


def _read_slices(file: Path) -> pd.DataFrame:
    table = pd.read_parquet(file)
    require_columns(table, ["path", "group", "spacing", "dice", "true_pixels", "predicted_pixels"])
    return table


def readable(
    damaged: list[str], read: Callable[Arguments, Found | None], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Found | None:
    """Return what a reader of this module returns, or None where the file is damaged.

    Args:
        damaged: List to which the sentence about a damaged file is added.
        read: The reader.
        arguments: Arguments of the reader.
        named: Named arguments of the reader.
    """
    try:
        return read(*arguments, **named)
    except RunError as error:
        damaged.append(str(error))
        return None


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


@contextmanager
def reading(name: str, run: Run) -> Iterator[None]:
    """Turn the errors that a damaged file causes inside the `with` block into one sentence that names the file.

    Raises:
        RunError: The file is damaged.
    """
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError, RecursionError, DataError) as error:
        raise RunError(
            f"{name} of run {run.name!r} is damaged, so its contents cannot be shown: put the file back, or train the "
            "run again."
        ) from error
