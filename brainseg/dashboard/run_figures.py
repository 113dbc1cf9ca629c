"""All figures of one run, drawn from its stored files into a folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from plotly.graph_objects import Figure

from brainseg.dashboard.figures import (
    confusion_matrix_figure,
    learning_rate_curve,
    metrics_figure,
    pr_figure,
    roc_figure,
    save_html,
    training_curves,
)
from brainseg.dashboard.hardest_sheet import hardest_sheet
from brainseg.errors import RunError
from brainseg.evaluation.classification import pr_curve, roc_curve
from brainseg.jobs.reading import run_file
from brainseg.runs import Run, RunStore


def write_run_figures(store: RunStore, run: Run, folder: Path) -> list[Path]:
    """Draw what a run has: learning rate, epochs, confusion matrix, metrics, ROC, precision-recall, hardest cases.

    Args:
        store: The run store.
        run: Live or ended.
        folder: Made if need be.

    Returns:
        The files written; figures whose data do not exist (yet) are left out.

    Raises:
        RunError: The run has nothing to draw yet.
    """
    written = []
    for name, draw in _DRAWINGS.items():
        figure = draw(store, run)
        if figure is not None:
            save_html(figure, folder / f"{name}.html")
            written.append(folder / f"{name}.html")
    written += hardest_sheet(store, run, folder / "hardest.png")
    if not written:
        raise RunError(f"Run {run.name!r} is {run.status} and has nothing to draw yet.")
    return written


def _learning_rate(store: RunStore, run: Run) -> Figure | None:
    file = run_file(store, run, "learning_rate.json")
    if not file:
        return None
    values = json.loads(file.read_text("utf-8"))
    suggestion = values.pop("suggestion")
    return learning_rate_curve(pd.DataFrame(values), suggestion)


def _epochs(store: RunStore, run: Run) -> Figure | None:
    file = run_file(store, run, "epochs.csv")
    return training_curves(pd.read_csv(file)) if file else None


def _matrix(store: RunStore, run: Run) -> Figure | None:
    report = _report(store, run)
    return confusion_matrix_figure(report["matrix"], report["classes"]) if report else None


def _metrics(store: RunStore, run: Run) -> Figure | None:
    report = _report(store, run)
    return metrics_figure(report) if report else None


def _roc(store: RunStore, run: Run) -> Figure | None:
    return _ranking(store, run, roc_curve, roc_figure, "roc_auc")


def _precision_recall(store: RunStore, run: Run) -> Figure | None:
    return _ranking(store, run, pr_curve, pr_figure, "pr_auc")


def _ranking(store: RunStore, run: Run, curve: Callable, draw: Callable, area: str) -> Figure | None:
    """Draw one curve: of the positive class, or one a class where there are more than two."""
    report, file = _report(store, run), run_file(store, run, "predictions.parquet")
    if not report or not file:
        return None
    table = pd.read_parquet(file)
    names = [report["positive"]] if report["positive"] else report["classes"]
    curves = {name: curve(table, report["classes"], name) for name in names}
    return draw(curves, {name: report["per_class"][name][area] for name in names})


def _report(store: RunStore, run: Run) -> dict | None:
    file = run_file(store, run, "evaluation.json")
    return json.loads(file.read_text("utf-8")) if file else None


_DRAWINGS: dict[str, Callable[[RunStore, Run], Figure | None]] = {
    "learning_rate": _learning_rate,
    "training_curves": _epochs,
    "confusion_matrix": _matrix,
    "metrics": _metrics,
    "roc": _roc,
    "precision_recall": _precision_recall,
}
