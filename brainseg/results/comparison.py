"""Data of the Compare page and of `compare`: finished runs, grouped by the images that they were evaluated on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, TypeVar

import pandas as pd

from brainseg.errors import DataError, RunError
from brainseg.evaluation.checks import require_columns
from brainseg.evaluation.comparison import align, align_slices, evaluation_key, with_digests
from brainseg.evaluation.paired import Pair, compare_pairs
from brainseg.evaluation.segmentation.paired import MaskPair, compare_mask_pairs
from brainseg.files import sha256_bytes
from brainseg.results import stored_results as run_results
from brainseg.runs import Run, RunStore
from brainseg.tasks import facts_of

Value = TypeVar("Value")
MOST = 6
"""Runs that one figure can hold and still be read."""

REPORT = ("count", "accuracy", "sensitivity", "specificity", "roc_auc", "intervals", "matrix", "classes", "positive")
MASK_REPORT = ("slice_dice", "patient_dice", "rule", "patients", "unit")


@dataclass(frozen=True, eq=False)
class EvaluatedRun:
    """A finished run with what it left behind.

    Attributes:
        run: The run.
        report: Its `evaluation.json`.
        predictions: Its predictions, with the column `sha256` of each image; for a segmentation its evaluated slices,
            with `label` as a digest of the true mask.
        epochs: Its epochs; None for an instant baseline, which has none.
        key: What runs must share to be compared, see `evaluation.comparison.evaluation_key`.
    """

    run: Run
    report: dict[str, Any]
    predictions: pd.DataFrame
    epochs: pd.DataFrame | None
    key: str


@dataclass(frozen=True, eq=False)
class Comparison:
    """Chosen runs.

    Attributes:
        runs: Name, unique among them -> run, in the order chosen.
        groups: Letter of a set of images -> names of the runs that were evaluated on it.
    """

    runs: dict[str, EvaluatedRun]
    groups: dict[str, list[str]]

    @property
    def task(self) -> str:
        """The task, which all of them share."""
        return next(iter(self.runs.values())).run.config.task

    def letter(self, name: str) -> str:
        """Return the letter of the set of images that a run was evaluated on."""
        return next(letter for letter, names in self.groups.items() if name in names)

    def position(self, name: str) -> int:
        """Return a run's place among all, which decides its colour in every figure."""
        return list(self.runs).index(name)

    def aligned(self, letter: str) -> pd.DataFrame:
        """Return the predictions of one group side by side, as `evaluation.comparison` aligns those of its task."""
        tables = {name: self.runs[name].predictions for name in self.groups[letter]}
        return align_slices(tables) if facts_of(self.task).has_masks else align(tables)

    def pairs(self, letter: str) -> list[Pair] | list[MaskPair]:
        """Test every two runs of one group against each other."""
        names, aligned = self.groups[letter], self.aligned(letter)
        if not facts_of(self.task).has_masks:
            return compare_pairs(aligned, names)
        # Who is which patient is taken from one run for all: names may differ between copies of a dataset.
        common = aligned[["path", "group"]]
        return compare_mask_pairs({name: self._counts(name, aligned).join(common) for name in names})

    def _counts(self, name: str, aligned: pd.DataFrame) -> pd.DataFrame:
        counts = self.runs[name].predictions[["tp", "fp", "fn", "tn"]]
        return counts.iloc[aligned[f"row {name}"]].reset_index(drop=True)


def read_evaluated_run(store: RunStore, run: Run) -> EvaluatedRun:
    """Read a run with all that a comparison needs.

    Raises:
        RunError: It did not finish, is of another task, or a file of it is missing or damaged.
    """
    check_comparable([run])
    return _read_masks(store, run) if facts_of(run.config.task).has_masks else _read_classes(store, run)


def _read_classes(store: RunStore, run: Run) -> EvaluatedRun:
    report = _found(run_results.evaluation(store, run), "evaluation", run)
    predictions = _found(run_results.predictions(store, run, report["classes"]), "table of predictions", run)
    split = _found(run_results.split(store, run), "split", run)
    with _fitting(run, report, REPORT):
        predictions = with_digests(predictions, split)
        key = evaluation_key(predictions, report["positive"])
    return EvaluatedRun(run, report, predictions, run_results.epochs(store, run), key)


def _read_masks(store: RunStore, run: Run) -> EvaluatedRun:
    report = _found(run_results.evaluation(store, run), "evaluation", run)
    slices = _found(run_results.slices(store, run), "table of slices", run)
    truths = _found(run_results.masks(store, run, "truth.npz"), "set of true masks", run)
    split = _found(run_results.split(store, run), "split", run)
    with _fitting(run, report, MASK_REPORT):
        labels = [sha256_bytes(truths[row].tobytes()) for row in range(len(slices))]
        require_columns(slices, ("tp", "fp", "fn", "tn"), "The table of slices")
        slices = with_digests(slices.assign(label=labels), split)
        key = evaluation_key(slices, f"{report['classes']} {report['rule']}")
    return EvaluatedRun(run, report, slices, run_results.epochs(store, run), key)


@contextmanager
def _fitting(run: Run, report: dict[str, Any], parts: Sequence[str]) -> Iterator[None]:
    """Say in one sentence that files of a run do not belong together, or that the evaluation lacks a part."""
    try:
        if missing := [part for part in parts if part not in report]:
            raise ValueError(f"the evaluation lacks {missing[0]}")
        yield
    except (ValueError, TypeError, IndexError, DataError) as error:
        raise RunError(
            f"Run {run.name!r} cannot be compared: its evaluation and its predictions do not fit together."
        ) from error


def _found(value: Value | None, what: str, run: Run) -> Value:
    if value is None:
        raise RunError(f"Run {run.name!r} cannot be compared: its {what} is missing.")
    return value


def check_comparable(runs: Sequence[Run]) -> None:
    """Refuse runs whose figures do not exist or are of different kinds.

    Raises:
        RunError: A run did not finish or only looked for a learning rate, or the runs have different tasks.
    """
    for run in runs:
        if not run.has_model:
            what = "it only looked for a learning rate" if run.kind != "train" else f"it is {run.status}"
            raise RunError(f"Run {run.name!r} cannot be compared: {what}, and only finished trainings have metrics.")
    tasks = sorted({run.config.task for run in runs})
    if len(tasks) > 1:
        raise RunError(f"These runs have different tasks ({', '.join(tasks)}): choose runs of one task.")


def compare(evaluated: Sequence[EvaluatedRun]) -> Comparison:
    """Sort runs into groups that were evaluated on the very same images, and give each run a name of its own.

    Raises:
        RunError: A run is named twice, there are too many, or their tasks differ.
    """
    if len({one.run.id for one in evaluated}) < len(evaluated):
        raise RunError("A run is named twice: name each run once.")
    if len(evaluated) > MOST:
        raise RunError(f"{len(evaluated)} runs are too many for one comparison: choose {MOST} at most.")
    check_comparable([one.run for one in evaluated])
    often = Counter(one.run.name for one in evaluated)
    names = [one.run.name if often[one.run.name] == 1 else f"{one.run.name} ({one.run.id[:6]})" for one in evaluated]
    runs = dict(zip(names, evaluated, strict=True))
    letters = dict(zip(dict.fromkeys(one.key for one in evaluated), ascii_uppercase, strict=False))
    groups: dict[str, list[str]] = {letter: [] for letter in letters.values()}
    for name, one in runs.items():
        groups[letters[one.key]].append(name)
    return Comparison(runs, groups)
