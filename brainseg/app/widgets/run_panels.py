"""The panels of a run that all tasks share: its plots, training, and what makes its metrics doubtful."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from brainseg.app import live_store
from brainseg.app.charts import chart
from brainseg.app.frame import dark, guarded
from brainseg.app.tasks import fine_tuned
from brainseg.diagnosis.words import evaluation_sentence
from brainseg.errors import RunError
from brainseg.evaluation.collapse import collapse_sentence
from brainseg.evaluation.segmentation import patient_table
from brainseg.evaluation.stored import ClassificationEvaluation, E, Evaluation
from brainseg.plots import doubt
from brainseg.results import stored_results as run_results
from brainseg.results.exports import file_stem
from brainseg.results.run_files import run_file
from brainseg.results.run_plots import draw
from brainseg.runs import Run

MISSING = "{} is missing: the run did not get that far, or its files were removed."
VALLEY = (
    "Valley: a learning rate from the steepest part of the falling loss, at which training is fast and stable. Nats: "
    "the unit of cross-entropy with the natural logarithm; guessing between two classes costs 0.69."
)


def evaluated(run: Run) -> tuple[ClassificationEvaluation, pd.DataFrame]:
    """Return the evaluation and the predictions of a classifier.

    Raises:
        RunError: One of them is missing or damaged.
    """
    report = report_of(run, ClassificationEvaluation)
    table = run_results.predictions(live_store.store(), run, report["classes"])
    if table is None:
        raise RunError(MISSING.format("predictions.parquet"))
    return report, table


def report_of(run: Run, kind: type[E]) -> E:
    """Return a run's evaluation, with the fields of its task.

    Raises:
        RunError: It is missing or damaged.
    """
    report = run_results.evaluation_as(kind, live_store.store(), run)
    if report is None:
        raise RunError(MISSING.format("evaluation.json"))
    return report


def caveats(report: Evaluation) -> None:
    """Draw which images the metrics were measured on, and what makes the metrics doubtful."""
    if collapsed := collapse_sentence(report):
        st.error(collapsed, icon=":material/error:")
    flattering = ("selected_on_these_images", "copies_in_training", "synthetic")
    too_good = report.get("split") == "random" or any(report.get(name) for name in flattering)
    draw_note = st.warning if too_good else st.info
    draw_note(f"{evaluation_sentence(report)} {split_sentence(report)}")


def split_sentence(report: Evaluation) -> str:
    """Return which set of which split a run was evaluated on."""
    if folds := report.get("folds"):
        return f"Each was evaluated by the model of one of {folds} folds that had not trained on it."
    side = "test" if report.get("evaluated_on") == "test" else "validation"
    split = f"a {report['split']}" if report.get("split") else "an unknown"
    return f"Evaluated on the {side} set of {split} split."


def headline(title: str, value: float | None, interval: Sequence[float] | None, counted: str) -> None:
    """Draw one metric above its 95 % interval and the number of images or slices it was measured on."""
    st.metric(title, "not defined" if value is None else f"{value:.3f}", border=True)
    bounds = f"95 % interval {interval[0]:.3f} to {interval[1]:.3f}, " if interval else ""
    st.caption(f"{bounds}{counted}")


@guarded
def training_panel(run: Run) -> None:
    """The learning-rate finder's curve and the epochs."""
    draw_plot(run, "learning_rate", _no_finder(run))
    if run_file(live_store.store(), run, "learning_rate.json"):
        st.caption(VALLEY)
    if reason := finder_doubt(run):
        st.warning(reason, icon=":material/query_stats:")
    if run.kind == "train":
        draw_plot(run, "training_curves", _no_epochs(run))


def finder_doubt(run: Run) -> str:
    """Return why the learning rate that a run's search found is doubtful; "" if it is not, or if none was found."""
    try:
        found = run_results.learning_rate(live_store.store(), run)
        return doubt(*found) if found else ""
    except (RunError, ValueError, TypeError):  # damaged: the message in place of the curve reports it
        return ""


def _no_finder(run: Run) -> str:
    if not fine_tuned(run.config):
        return "An instant baseline is fitted in one step: it has no learning rate and no epochs."
    if run.config.training.learning_rate != "valley":
        return f"Learning rate fixed at {run.config.training.learning_rate:g}; no search was run."
    return MISSING.format("learning_rate.json")


def _no_epochs(run: Run) -> str:
    if not fine_tuned(run.config):
        return ""
    return "epochs.csv is missing: no epoch ended, or the run's files were removed."


@guarded
def draw_plot(run: Run, name: str, missing: str = "") -> None:
    """Draw one plot of a run with its values to download, or why it is missing.

    Args:
        run: The run.
        name: Of the plot, see `run_plots.draw`.
        missing: Text to show if its data do not exist; "" for none.
    """
    store = live_store.store()
    drawn = draw(name, store, run, dark=dark())
    if drawn is None:
        if missing:
            st.info(missing)
        return
    chart(drawn, f"run-{name}", name=f"{name}-{file_stem(run)}", table=_values(run, name))


def _values(run: Run, name: str) -> pd.DataFrame | None:
    store = live_store.store()
    if name == "training_curves":
        return run_results.epochs(store, run)
    if name == "learning_rate":
        found = run_results.learning_rate(store, run)
        return found[0] if found else None
    if name in ("dice_distribution", "dice_per_patient", "dice_size"):
        table = run_results.slices(store, run)
        return patient_table(table) if table is not None and name == "dice_per_patient" else table
    return None


@guarded
def log_panel(run: Run) -> None:
    """The log of the training."""
    text = run_results.log_text(live_store.store(), run)
    if text:
        st.code(text, language=None, height=400)
    else:
        st.info("The run has no log: it never started, or its files were removed.")
