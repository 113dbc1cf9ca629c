"""The slices on which a segmentation fails: lowest Dice, missed tumours or false alarms, with both outlines."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from brainseg.app import live_store
from brainseg.app.charts import chart
from brainseg.app.frame import dark, guarded, offer_csv
from brainseg.app.widgets.run_panels import MISSING
from brainseg.app.widgets.subsets import subset_filter
from brainseg.errors import RunError
from brainseg.evaluation.segmentation import false_alarms, missed_slices, worst_slices
from brainseg.results import stored_results
from brainseg.results.exports import file_stem
from brainseg.results.run_images import BLACK_SLICES
from brainseg.results.segmentation.plots import read_outlines
from brainseg.runs import Run

NEEDED = MISSING.format("slices.parquet, masks.npz or truth.npz")
SLICES = 6
"""Slices per page."""
LOWEST, MISSED, ALARMS = "Lowest Dice", "Missed tumours", "False alarms"
KINDS: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    LOWEST: (lambda table: worst_slices(table, max(1, len(table))), "lowest first; they are not typical"),
    MISSED: (missed_slices, "slices with a tumour on which nothing was marked, largest tumour first"),
    ALARMS: (false_alarms, "slices without a tumour on which something was marked, most pixels first"),
}
"""Name of each kind of failure -> the function that finds its slices, and their order in words."""


@st.fragment
@guarded
def worst_panel(run: Run) -> None:
    """The slices on which the model failed, with both outlines, six per page."""
    table = stored_results.slices(live_store.store(), run)
    if table is None:
        st.info(NEEDED)
        return
    kind = st.segmented_control("Failures", list(KINDS), default=LOWEST, key="failures", bind="query-params") or LOWEST
    find, order = KINDS[kind]
    cases = find(table)
    inside = subset_filter(run, table, f"worst-{run.id}")
    cases = cases[inside[cases["row"]]].reset_index(drop=True)
    if cases.empty:
        st.success(f"{kind}: none of these slices.", icon=":material/check:")
        return
    pages = -(-len(cases) // SLICES)
    number = st.pagination(pages, key=f"worst-page-{run.id}-{kind}") if pages > 1 else 1
    first = (number - 1) * SLICES
    shown = cases.iloc[first : first + SLICES].reset_index(drop=True)
    plot = read_outlines(live_store.store(), run, shown)
    if plot is None:
        st.info(NEEDED)
        return
    subtitle = f"{first + 1} to {first + len(shown)} of {len(cases)}, {order}"
    try:
        figure = plot(title=kind, subtitle=subtitle, dark=dark())
    except ValueError as error:
        raise RunError(f"The masks of run {run.name!r} are damaged: train the run again.") from error
    chart(figure, "run-worst_slices", name=f"failures-{file_stem(run)}")
    st.caption(BLACK_SLICES)
    offer_csv("These slices as CSV", cases, f"failures-{file_stem(run)}", "failures-csv")
