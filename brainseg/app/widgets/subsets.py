"""The subsets of a run's evaluated images: the panel with the metric of each, and a filter for other panels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from brainseg.app import live_store
from brainseg.app.frame import guarded, offer_csv
from brainseg.app.messages import on_page
from brainseg.errors import RunError
from brainseg.results.exports import file_stem
from brainseg.results.markdown import escape
from brainseg.results.subset_columns import SubsetColumns, subset_columns
from brainseg.results.subset_words import column_words, subset_sentences, subsets_table
from brainseg.results.subsets import SubsetReport, evaluated, report_of
from brainseg.runs import Run

PATIENCE = 300
"""Seconds for which the images of a run count as unchanged: their size and brightness take a while to measure."""
ALL = "all properties"


@st.fragment
@guarded
def subsets_panel(run: Run) -> None:
    """The main metric on subsets by each property, with intervals and tests."""
    try:
        report = _report(live_store.store().uri, run.id, str(run.ended))
    except RunError as error:
        st.info(escape(on_page(error)))
        return
    for problem in report["problems"]:
        st.warning(escape(on_page(problem)), icon=":material/folder_off:")
    table = subsets_table(report)
    if not table.empty:
        names = [ALL, *dict.fromkeys(table["Property"])]
        wanted = st.selectbox("Property", names, format_func=str.capitalize, key="subset-property", bind="query-params")
        shown = table if wanted == ALL else table[table["Property"] == wanted]
        _draw_table(shown)
        offer_csv("Subsets as CSV", table, f"subsets-{file_stem(run)}", "subsets-csv")
    for sentence in subset_sentences(report):
        st.markdown(f"- {escape(sentence)}")


def _draw_table(table: pd.DataFrame) -> None:
    numbers = [name for name in table.columns if name not in ("Property", "Subset", "n", "Few", "Independent")]
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height="content",
        column_config={
            **{name: st.column_config.NumberColumn(format="%.3f") for name in numbers},
            "Subset": st.column_config.TextColumn(width="medium"),
            "Few": st.column_config.CheckboxColumn(help="Fewer than 20 independent patients or images on a side"),
        },
        placeholder="–",
        key="subsets-table",
        alt="Metrics on subsets",
    )


def subset_filter(run: Run, table: pd.DataFrame, key: str) -> np.ndarray:
    """Draw the choice of a subset, and return which images are in it, (rows,) bool; all unless the visitor asks.

    Args:
        run: An ended run.
        table: Its predictions or slices, with `path`.
        key: Unique on the page.
    """
    everything = np.ones(len(table), dtype=bool)
    if not st.toggle("Only a subset", key=f"{key}-subset", help="Images with a certain property, such as their size."):
        return everything
    found = {column.name: column.parts for column in _columns(live_store.store().uri, run.id, str(run.ended)).columns}
    if not found:
        st.info("No property divides these images into subsets.")
        return everything
    left, right = st.columns(2)
    name = left.selectbox("Property", list(found), format_func=column_words, key=f"{key}-property")
    part = right.selectbox("Subset", found[name].names, key=f"{key}-part-{name}")
    _, evaluated_rows = evaluated(live_store.store(), run)
    inside = set(evaluated_rows["path"][found[name].values == part])
    return table["path"].isin(inside).to_numpy(dtype=bool)


@st.cache_resource(max_entries=20, ttl=PATIENCE, show_spinner="Reading images …")
def _columns(uri: str, run_id: str, ended: str) -> SubsetColumns:
    store = live_store.store()
    run = store.get(run_id)
    return subset_columns(store, run, evaluated(store, run)[1])


@st.cache_resource(max_entries=20, ttl=PATIENCE, show_spinner="Comparing subsets …")
def _report(uri: str, run_id: str, ended: str) -> SubsetReport:
    store = live_store.store()
    return report_of(store, store.get(run_id), _columns(uri, run_id, ended))
