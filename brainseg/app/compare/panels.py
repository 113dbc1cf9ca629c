"""The parts of the Compare page: tables, ROC curves and confusion matrices."""

from __future__ import annotations

import streamlit as st

from brainseg.app.charts import chart
from brainseg.app.compare.columns import cost_columns, draw_pairs
from brainseg.app.compare.mask_panels import INTERVALS as MASK_INTERVALS
from brainseg.app.frame import dark, offer_csv
from brainseg.evaluation.classification import roc_curve
from brainseg.evaluation.paired import Pair
from brainseg.plots import confusion_matrix_figure, roc_figure
from brainseg.plots.theme import readable, series_style
from brainseg.results.comparison import Comparison
from brainseg.results.comparison_cells import NOT_MEASURED
from brainseg.results.comparison_table import for_csv, pairs_shown, runs_shown, runs_table
from brainseg.results.comparison_wording import PATIENTS, group_lines, notes, verdicts
from brainseg.results.markdown import escape
from brainseg.results.settings_differences import settings_that_differ

ACROSS = 3
"""Confusion matrices side by side."""

TESTED = (
    "Every two runs are tested on the same images with McNemar's exact test; “separated” means p below 0.05 after "
    "Holm's adjustment for the number of pairs. “Not separated” does not mean equally good: this sample is too small "
    "to tell. Each difference has its own 95 % interval, for paired proportions (Bonett and Price, 2012)."
)
INTERVALS = (
    "In brackets: Wilson 95 % intervals. Runs whose intervals overlap are not ranked by their accuracy; the paired "
    "test below says more."
)


def runs_panel(comparison: Comparison) -> None:
    """Draw the table of runs, and say which of them do not compare."""
    for number, line in enumerate(group_lines(comparison)):
        if number:
            st.markdown(f"- {escape(line)}")
        else:
            st.warning(line, icon=":material/difference:")
    table = runs_table(comparison)
    st.dataframe(
        runs_shown(table),
        hide_index=True,
        width="stretch",
        key="runs-compared",
        column_config=cost_columns(),
        placeholder=NOT_MEASURED,
        alt="The compared runs",
    )
    offer_csv("Table as CSV", for_csv(table), "compare", "table-csv")
    st.caption(MASK_INTERVALS if comparison.task == "segment" else _about(comparison))
    for note in notes(comparison):
        st.markdown(f"- {note}")


def settings_panel(comparison: Comparison) -> None:
    """Draw the settings in which the runs differ."""
    if len(comparison.runs) < 2:
        return
    st.header("Settings that differ", anchor=False)
    table = settings_that_differ(comparison)
    if table.empty:
        st.markdown("All settings of these runs are the same.")
        return
    st.dataframe(table, hide_index=True, width="stretch", height="content", key="settings", alt="Settings that differ")


def _about(comparison: Comparison) -> str:
    positive = {judged.report["positive"] for judged in comparison.runs.values()} - {None}
    about = f"Sensitivity and AUC are about the class “{'” or “'.join(sorted(positive))}”." if positive else ""
    return f"{escape(about)} {INTERVALS}"


def pairs_panel(comparison: Comparison, letter: str) -> None:
    """Draw the paired tests of one group."""
    pairs = comparison.pairs(letter)
    for sentence in verdicts(comparison, pairs):
        st.markdown(f"- {sentence}")
    draw_pairs(pairs_shown([pair for pair in pairs if isinstance(pair, Pair)]), letter)
    st.caption(f"{TESTED} {PATIENTS}")


def roc_panel(comparison: Comparison, letter: str) -> None:
    """Draw the ROC curves of one group; with more than two classes those of a class to choose."""
    names = comparison.groups[letter]
    report = comparison.runs[names[0]].report
    wanted = report["positive"] or st.selectbox("Class", report["classes"], key=f"roc-class-{letter}")
    curves, areas = {}, {}
    for name in names:
        judged = comparison.runs[name]
        curves[name] = roc_curve(judged.predictions, judged.report["classes"], wanted)
        areas[name] = judged.report["per_class"][wanted]["roc_auc"]
    figure = roc_figure(curves, areas, dark=dark())
    for trace, name in zip(figure.data, names, strict=False):
        trace.line.update(series_style(comparison.position(name), dark()))
    figure.update_layout(height=480, title_text=f"ROC curves of the class “{readable(wanted, 40, 1)}”")
    chart(figure, f"roc-{letter}", name=f"compare-roc-{letter}")


def matrix_panels(comparison: Comparison, letter: str) -> None:
    """Draw the confusion matrices of one group side by side."""
    names = comparison.groups[letter]
    for start in range(0, len(names), ACROSS):
        columns = st.columns(ACROSS)
        for column, name in zip(columns, names[start : start + ACROSS], strict=False):
            report = comparison.runs[name].report
            figure = confusion_matrix_figure(report["matrix"], report["classes"], dark=dark())
            right = sum(row[place] for place, row in enumerate(report["matrix"]))
            figure.update_layout(
                title={"text": readable(name, 30, 1), "subtitle": {"text": f"{right} of {report['count']} correct"}}
            )
            with column:
                chart(figure, f"matrix-{comparison.runs[name].run.id}", name=f"compare-matrix-{name}")
