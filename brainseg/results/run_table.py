"""The table of all runs, one row per run, with numbers that the page can sort, and its filters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainseg import tasks
from brainseg.results.run_wording import NO_MODEL, STATES, model_words
from brainseg.runs import FINAL, Run, UnreadableRun
from brainseg.runs.labels import tag_text
from brainseg.tasks import facts_of

TASKS = {**{name: facts.noun for name, facts in tasks.TASKS.items()}, **NO_MODEL}
"""Task of a run, or its kind if it has no model -> the word for it."""
METRICS = {
    "Accuracy": "accuracy",
    "Dice": "dice",
    "95 % low": "_low",
    "95 % high": "_high",
    "Sensitivity": "sensitivity",
    "Specificity": "specificity",
    "AUC": "roc_auc",
    "n": "count",
}
"""Column -> the final metric in it. Names with an underscore are bounds of accuracy or Dice; "n" is the number of
images, or of slices for a segmentation."""


@dataclass(frozen=True)
class Filters:
    """The visitor's filters; an empty field filters nothing.

    Attributes:
        text: Words that must all occur somewhere in a run's row, in any order, in upper or lower case.
        states: Words in `STATES`.
        tasks: Words in `TASKS`.
        models: Texts from `model_words`.
        datasets: Names of datasets.
        tags: Tags as `tag_text` writes them; a run must have all of them.
        least: Lowest accuracy or Dice (0..1); None for no limit.
        most: Highest accuracy or Dice (0..1); None for no limit.
        owners: Names of owners.
    """

    text: str = ""
    states: Sequence[str] = ()
    tasks: Sequence[str] = ()
    models: Sequence[str] = ()
    datasets: Sequence[str] = ()
    tags: Sequence[str] = ()
    least: float | None = None
    most: float | None = None
    owners: Sequence[str] = ()


def runs_table(runs: Iterable[Run], dataset: Callable[[Run], str]) -> pd.DataFrame:
    """Return one row per run, in their order, with the full id as index.

    Args:
        runs: The runs.
        dataset: Returns the name of a run's dataset.

    Returns:
        `Name`, `State`, `Task`, `Model`, `Dataset`, the columns of `METRICS` (NaN where not known), `Created` (UTC),
        `Minutes` from start to end, `Tags` (a list of texts), `Note`, `Owner` ("" for nobody) and `Id`, its first 8
        digits.
    """
    rows = [_row(run, dataset(run)) for run in runs]
    columns = ["Name", "State", "Task", "Model", "Dataset", *METRICS, "Created", "Minutes", "Tags", "Note", "Owner"]
    columns += ["Id", "id"]
    table = pd.DataFrame(rows, columns=columns).set_index("id")
    return table.astype(dict.fromkeys([*METRICS, "Minutes"], "float64"))


def unreadable_table(runs: Iterable[UnreadableRun]) -> pd.DataFrame:
    """Return `Name`, `State`, `Reason`, `Created` (UTC) and `Id` of runs that cannot be read, in their order."""
    rows = [
        {
            "Name": run.name,
            "State": STATES[run.status][0],
            "Reason": run.why,
            "Created": run.created.replace(tzinfo=None),
            "Id": run.id[:8],
        }
        for run in runs
    ]
    return pd.DataFrame(rows, columns=["Name", "State", "Reason", "Created", "Id"])


def _row(run: Run, dataset: str) -> dict[str, object]:
    score = headline(run)
    values = {
        title: run.metrics.get(f"{FINAL}{score}{name}" if name[0] == "_" else FINAL + name)
        for title, name in METRICS.items()
    }
    values["n"] = run.metrics.get(FINAL + facts_of(run.config.task).count)
    how = {"crossval": ", cross-validated", "ensemble": ", ensemble", "search": ", search"}.get(run.kind, "")
    return {
        "Name": f"↳ {run.name}" if run.parent else run.name,
        "State": STATES[run.status][0],
        "Task": TASKS[run.kind if run.kind in NO_MODEL else run.config.task] + how,
        "Model": model_words(run),
        "Dataset": dataset,
        **values,
        "Created": run.created.replace(tzinfo=None),
        "Minutes": (run.ended - run.begun).total_seconds() / 60 if run.ended else None,
        "Tags": [tag_text(*tag) for tag in run.tags.items()],
        "Note": run.note,
        "Owner": run.owner.name,
        "Id": run.id[:8],
        "id": run.id,
    }


def headline(run: Run) -> str:
    """Return the name of a run's headline metric."""
    return facts_of(run.config.task).headline


def filtered(table: pd.DataFrame, wanted: Filters) -> pd.DataFrame:
    """Return the rows of `runs_table` that pass every filter, in their order."""
    keep = pd.Series(True, index=table.index)
    choices = {"State": wanted.states, "Task": wanted.tasks, "Model": wanted.models, "Dataset": wanted.datasets}
    choices["Owner"] = wanted.owners
    for column, chosen in choices.items():
        if chosen:
            keep &= table[column].isin(chosen)
    if wanted.tags:
        keep &= table["Tags"].map(set(wanted.tags).issubset).astype(bool)
    scores = table["Accuracy"].fillna(table["Dice"])  # NaN, for a run without either, fails both limits
    if wanted.least is not None:
        keep &= scores >= wanted.least
    if wanted.most is not None:
        keep &= scores <= wanted.most
    if words := wanted.text.casefold().split():
        keep &= np.array([all(word in text for word in words) for text in _searched(table)], dtype=bool)
    return table[keep]


def _searched(table: pd.DataFrame) -> list[str]:
    """Return the text of each row that a search looks through, with numbers as they are shown."""
    columns = ["Name", "State", "Task", "Model", "Dataset", "Note", "Owner"]
    texts: list[str] = table[columns].agg(" ".join, axis=1).tolist() if len(table) else []
    scores = table["Accuracy"].fillna(table["Dice"])
    rest = zip(texts, table["Tags"], scores, table["Created"], table.index, strict=True)
    return [
        " ".join(
            (text, *tags, "" if pd.isna(score) else f"{score:.3f}", f"{created:%Y-%m-%d %H:%M}", run_id)
        ).casefold()
        for text, tags, score, created, run_id in rest
    ]
