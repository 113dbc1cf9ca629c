"""All figures of one run, drawn from its stored files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from plotly.graph_objects import Figure

from brainseg.errors import RunError
from brainseg.evaluation.classification import pr_curve, roc_curve
from brainseg.files import write_atomically
from brainseg.plots import (
    confusion_matrix_figure,
    learning_rate_curve,
    metrics_figure,
    pr_figure,
    roc_figure,
    save_html,
    training_curves,
)
from brainseg.plots.hardest_sheet import hardest_sheet
from brainseg.plots.mask_run_plots import MASK_FIGURES
from brainseg.results import stored_results as run_results
from brainseg.results.exports import zip_file
from brainseg.results.run_files import run_file
from brainseg.runs import Run, RunStore
from brainseg.tasks import facts_of

NOT_DRAWN = "not-drawn.txt"
_NOTHING = "Run {!r} is {} and has nothing to draw yet."
PIXEL_LOSSES = {
    "auto": "Loss (cross-entropy in nats + Dice)",
    "cross-entropy": "Loss (cross-entropy of pixels, nats)",
    "dice": "Loss (1 − soft Dice)",
    "focal": "Loss (focal)",
    "cross-entropy+dice": "Loss (cross-entropy in nats + Dice)",
}
Draw = Callable[[RunStore, Run, bool], Figure | None]


def write_run_plots(store: RunStore, run: Run, folder: Path) -> list[Path]:
    """Draw what a run has: learning rate, epochs, and how it did: by class and image, or by mask.

    Args:
        store: The run store.
        run: Live or ended.
        folder: Made if need be.

    Returns:
        The files written; figures whose data do not exist (yet) are left out. Those whose data are damaged are named
        in a text beside the others.

    Raises:
        RunError: The run has nothing to draw yet, or nothing that could be drawn.
    """
    written, problems = [], []
    for name in figures_of(run):
        try:
            figure = draw(name, store, run)
        except RunError as error:
            problems.append(f"{name}: {error}")
            continue
        if figure is not None:
            save_html(figure, folder / f"{name}.html")
            written.append(folder / f"{name}.html")
    try:
        written += [] if facts_of(run.config.task).has_masks else hardest_sheet(store, run, folder / "hardest.png")
    except RunError as error:
        problems.append(f"hardest: {error}")
    if not written:
        raise RunError(problems[0] if problems else _NOTHING.format(run.name, run.status))
    if problems:
        text = "\n".join(problems) + "\n"
        write_atomically(folder / NOT_DRAWN, lambda temporary: temporary.write_text(text, encoding="utf-8"))
        written.append(folder / NOT_DRAWN)
    return written


def check_drawable(store: RunStore, run: Run) -> None:
    """Refuse a run that has nothing to draw, before a folder is made for its figures.

    Raises:
        RunError: There is nothing.
    """
    if not has_figures(store, run):
        raise RunError(_NOTHING.format(run.name, run.status))


def plots_zip(store: RunStore, run: Run) -> bytes:
    """Return a run's figures, as `write_run_plots` draws them, as a zip file.

    Raises:
        RunError: The run has nothing to draw yet.
    """
    with tempfile.TemporaryDirectory() as name:
        write_run_plots(store, run, Path(name))
        what = f"The plots of run {run.name} ({run.id}): open the pages in any browser, beside plotly.min.js."
        return zip_file(((file, f"figures/{file.name}") for file in sorted(Path(name).iterdir())), what)


def has_figures(store: RunStore, run: Run) -> bool:
    """Say whether there is anything to draw of a run (yet)."""
    return any(run_file(store, run, name) for name in ("evaluation.json", "epochs.csv", "learning_rate.json"))


def draw(name: str, store: RunStore, run: Run, *, dark: bool = False) -> Figure | None:
    """Draw one figure of a run.

    Args:
        name: One of `figures_of(run)`.
        store: The run store.
        run: Live or ended.
        dark: Draw for a dark page.

    Returns:
        The figure; None if its data do not exist (yet).

    Raises:
        RunError: A file that it is drawn from is damaged.
    """
    try:
        return figures_of(run)[name](store, run, dark)
    except (ValueError, TypeError, KeyError) as error:  # values that no evaluation would have written
        raise RunError(
            f"The data of run {run.name!r} for the figure {name} are damaged: train the run again."
        ) from error


def _learning_rate(store: RunStore, run: Run, dark: bool) -> Figure | None:
    found = run_results.learning_rate(store, run)
    return learning_rate_curve(*found, dark=dark) if found else None


def _epochs(store: RunStore, run: Run, dark: bool) -> Figure | None:
    table = run_results.epochs(store, run)
    if table is None:
        return None
    title = {"loss_title": PIXEL_LOSSES[run.config.training.loss]} if facts_of(run.config.task).has_masks else {}
    # While it trains nobody knows which epoch will be the last.
    keeps = run.config.training.keep if run.status == "FINISHED" else None
    return training_curves(table, **title, keeps=keeps, dark=dark)


def _matrix(store: RunStore, run: Run, dark: bool) -> Figure | None:
    report = run_results.evaluation(store, run)
    return confusion_matrix_figure(report["matrix"], report["classes"], dark=dark) if report else None


def _metrics(store: RunStore, run: Run, dark: bool) -> Figure | None:
    report = run_results.evaluation(store, run)
    return metrics_figure(report, dark=dark) if report else None


def _roc(store: RunStore, run: Run, dark: bool) -> Figure | None:
    return _ranking(store, run, roc_curve, roc_figure, "roc_auc", dark)


def _precision_recall(store: RunStore, run: Run, dark: bool) -> Figure | None:
    return _ranking(store, run, pr_curve, pr_figure, "pr_auc", dark)


def _ranking(
    store: RunStore, run: Run, curve: Callable[..., pd.DataFrame], figure: Callable[..., Figure], area: str, dark: bool
) -> Figure | None:
    """Draw one curve: of the positive class, or one for each class where there are more than two."""
    report = run_results.evaluation(store, run)
    table = run_results.predictions(store, run, report["classes"]) if report else None
    if report is None or table is None:
        return None
    names = [report["positive"]] if report["positive"] else report["classes"]
    curves = {name: curve(table, report["classes"], name) for name in names}
    return figure(curves, {name: report["per_class"][name][area] for name in names}, dark=dark)


COURSE: dict[str, Draw] = {"learning_rate": _learning_rate, "training_curves": _epochs}
FIGURES: dict[str, Draw] = {
    **COURSE,
    "confusion_matrix": _matrix,
    "metrics": _metrics,
    "roc": _roc,
    "precision_recall": _precision_recall,
}
"""Name of each figure of a classification, which is also that of its file -> the function that draws it."""


def figures_of(run: Run) -> dict[str, Draw]:
    """Return the figures that a run of its task can have, by name; see `FIGURES`."""
    return {**COURSE, **MASK_FIGURES} if facts_of(run.config.task).has_masks else FIGURES
