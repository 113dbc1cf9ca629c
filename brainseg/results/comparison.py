"""The data of a comparison: finished runs, grouped by the images that they were evaluated on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import Any, Generic, TypeVar

import pandas as pd

from brainseg.errors import DataError, RunError
from brainseg.evaluation.stored import E
from brainseg.runs import Run
from brainseg.runs.crossval import why_no_model

Value = TypeVar("Value")
MOST = 6
"""Runs that fit into one plot without making it unreadable."""


@dataclass(frozen=True, eq=False)
class EvaluatedRun(Generic[E]):
    """A finished run with its stored results.

    Attributes:
        run: The run.
        report: Its `evaluation.json`.
        predictions: Its predictions, with the column `sha256` of each image; for a segmentation its evaluated slices,
            with `label` as a digest of the true mask.
        epochs: Its epochs; None for an instant baseline, which has none.
        key: Equal for runs that can be compared, see `evaluation.comparison.evaluation_key`.
    """

    run: Run
    report: E
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

    runs: dict[str, EvaluatedRun[Any]]
    groups: dict[str, list[str]]
    _joined: dict[str, pd.DataFrame] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def task(self) -> str:
        """The task, which all runs share."""
        return next(iter(self.runs.values())).run.config.task

    def letter(self, name: str) -> str:
        """Return the letter of the set of images that a run was evaluated on."""
        return next(letter for letter, names in self.groups.items() if name in names)

    def position(self, name: str) -> int:
        """Return a run's position among all runs, which sets its colour in every plot."""
        return list(self.runs).index(name)

    def predictions(self, letter: str) -> dict[str, pd.DataFrame]:
        """Return the predictions of the runs of one group, by name."""
        return {name: self.runs[name].predictions for name in self.groups[letter]}

    def joined(self, letter: str, join: Callable[[dict[str, pd.DataFrame]], pd.DataFrame]) -> pd.DataFrame:
        """Return one group's predictions in one table, which `join` makes of them the first time.

        Args:
            letter: The group.
            join: Always the same function for one comparison, since all its runs have one task.
        """
        if letter not in self._joined:
            self._joined[letter] = join(self.predictions(letter))
        return self._joined[letter].copy()


def check_comparable(runs: Sequence[Run]) -> None:
    """Refuse runs that have no metrics or are of different kinds.

    Raises:
        RunError: A run did not finish or only looked for a learning rate, the runs have different tasks, or only some
            of them are cross-validations.
    """
    for run in runs:
        if not run.has_metrics:
            what = f"it is {run.status}" if run.kind in ("train", "crossval", "ensemble") else why_no_model(run)
            raise RunError(f"Run {run.name!r} cannot be compared: {what}, and only finished trainings have metrics.")
    tasks = sorted({run.config.task for run in runs})
    if len(tasks) > 1:
        raise RunError(f"These runs have different tasks ({', '.join(tasks)}): choose runs of one task.")
    crossvals = {run.kind == "crossval": run for run in runs}
    if len(crossvals) > 1:
        raise RunError(
            f"{crossvals[True].name!r} is a cross-validation and {crossvals[False].name!r} is a single run: compare "
            "cross-validations with each other, or one fold with a run on the same validation set."
        )


def compare(evaluated: Sequence[EvaluatedRun[Any]]) -> Comparison:
    """Group runs that were evaluated on exactly the same images, and give each run a unique name.

    Raises:
        RunError: A run is named twice, there are too many, or their tasks differ.
    """
    if len({one.run.id for one in evaluated}) < len(evaluated):
        raise RunError("A run is named twice: name each run once.")
    if len(evaluated) > MOST:
        raise RunError(f"{len(evaluated)} runs are too many for one comparison: choose {MOST} at most.")
    check_comparable([one.run for one in evaluated])
    counts = Counter(one.run.name for one in evaluated)
    names = [one.run.name if counts[one.run.name] == 1 else f"{one.run.name} ({one.run.id[:6]})" for one in evaluated]
    runs = dict(zip(names, evaluated, strict=True))
    letters = dict(zip(dict.fromkeys(one.key for one in evaluated), ascii_uppercase, strict=False))
    groups: dict[str, list[str]] = {letter: [] for letter in letters.values()}
    for name, one in runs.items():
        groups[letters[one.key]].append(name)
    return Comparison(runs, groups)


@contextmanager
def fitting(run: Run) -> Iterator[None]:
    """Refuse a run whose files do not belong together.

    Raises:
        RunError: The `with` block finds that files do not fit together.
    """
    try:
        yield
    except (ValueError, TypeError, IndexError, DataError) as error:
        raise RunError(
            f"Run {run.name!r} cannot be compared: its evaluation and its predictions do not fit together."
        ) from error


def required(value: Value | None, what: str, run: Run) -> Value:
    """Return a part of a run that a comparison needs.

    Raises:
        RunError: The part is None; `what` names it in the sentence.
    """
    if value is None:
        raise RunError(f"Run {run.name!r} cannot be compared: its {what} is missing.")
    return value
