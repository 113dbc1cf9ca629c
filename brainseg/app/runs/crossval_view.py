"""A cross-validation on the Runs page: its folds, live or ended, and the result of a complete one."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from brainseg.app import live_store
from brainseg.app.charts import chart
from brainseg.app.frame import dark, guarded, link, offer_csv
from brainseg.app.runs.live_parent import EVERY, current
from brainseg.app.tasks import Panels, view_of
from brainseg.results.crossval.reading import crossval_result
from brainseg.results.crossval.result import CrossvalResult
from brainseg.results.crossval.tables import choices_table, folds_plot, folds_table, metrics_table
from brainseg.results.crossval.wording import basis_sentences
from brainseg.results.exports import file_stem
from brainseg.results.markdown import escape
from brainseg.runs import ENDED, Run

FIRST_REPEAT = (
    "Shown here: the first of {} repeats, in which each image counts once. Folds has the means of all repeats."
)
SINGLE_TRAINING = ("Training",)
"""Panels of a run that a cross-validation does not have."""
ALL_REPEATS = ("Labels",)
"""Panels that use all repeats."""


@st.fragment(run_every=EVERY)
@guarded
def live_folds(run_id: str) -> None:
    """Draw the folds of a cross-validation that has not ended, and keep them up to date."""
    draw_folds(crossval_result(live_store.store(), current(run_id)))


def result_panels(run: Run) -> Panels:
    """Return the panels of a complete cross-validation: its folds, and those of a run over the pooled predictions."""
    pooled = view_of(run.config.task).run_panels()
    kept = {
        name: panel if name in ALL_REPEATS else _of_first_repeat(panel)
        for name, panel in pooled.items()
        if name not in SINGLE_TRAINING
    }
    return {"Folds": folds_panel, **kept}


def _of_first_repeat(panel: Callable[[Run], None]) -> Callable[[Run], None]:
    """Return a panel that says which repeat it shows, if there are several."""

    def draw(run: Run) -> None:
        if run.plan and run.plan.repeats > 1:
            st.caption(FIRST_REPEAT.format(run.plan.repeats))
        panel(run)

    return draw


@guarded
def folds_panel(run: Run) -> None:
    """The folds, with mean and intervals, and what these stand on."""
    result = crossval_result(live_store.store(), run)
    if not result.complete:
        draw_folds(result)
        return
    chart(folds_plot(result, dark=dark()), "folds-figure", name=f"folds-{file_stem(run)}", table=folds_table(result))
    table = metrics_table(result)
    numbers = {name: st.column_config.NumberColumn(format="%.3f") for name in table.columns[1:-1]}
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height="content",
        column_config=numbers,
        placeholder="not defined",
        key="crossval-metrics",
        alt="Metrics of the cross-validation",
    )
    for sentence in basis_sentences(result):
        st.markdown(f"- {escape(sentence)}")
    draw_folds(result)


def draw_folds(result: CrossvalResult) -> None:
    """Draw the table of the folds, why there is no result yet, and links to the runs of the folds."""
    counts = result.parent.counts
    if counts and not result.complete:
        st.progress(counts.finished / counts.total, f"{counts.words()}.")
        if result.problem and result.parent.status in ENDED:
            st.warning(escape(result.problem), icon=":material/warning:")
    if result.choices:
        chosen = choices_table(result)
        numbers = {name: st.column_config.NumberColumn(format="%.3f") for name in chosen.columns[3:]}
        st.markdown("Settings that won on the inner folds of each training side, and the mean of each candidate there:")
        st.dataframe(
            chosen, hide_index=True, width="stretch", height="content", column_config=numbers, alt="Choice of settings"
        )
    table = folds_table(result)
    metrics = [name for name in table.columns[4:] if table[name].notna().any()]
    shown = table[["Repeat", "Fold", "State", "Run", *metrics]]
    if table["Repeat"].nunique() < 2:
        shown = shown.drop(columns="Repeat")
    st.dataframe(
        shown,
        hide_index=True,
        width="stretch",
        height="content",
        column_config={name: st.column_config.NumberColumn(format="%.3f") for name in metrics},
        placeholder="–",
        key="folds-table",
        alt="Folds of the cross-validation",
    )
    with st.container(horizontal=True):
        for fold in result.folds[:20]:
            if fold.run:
                link("runs", f"Open {fold.run.name}", icon=":material/query_stats:", run=fold.run.id)
    offer_csv("Folds as CSV", table, f"folds-{file_stem(result.parent)}", "folds-csv")
