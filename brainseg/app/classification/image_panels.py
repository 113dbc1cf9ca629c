"""The panels of a classification that show single images: the confusion matrix and the hardest cases."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from brainseg.app import state
from brainseg.app.charts import chart
from brainseg.app.classification.cases import draw_cases
from brainseg.app.frame import dark, guarded
from brainseg.app.widgets.run_panels import caveats, evaluated
from brainseg.app.widgets.subsets import subset_filter
from brainseg.plots import confusion_matrix_figure
from brainseg.plots.clickable_matrix import clickable, clicked_cell
from brainseg.results.exports import file_stem
from brainseg.results.markdown import escape
from brainseg.results.prediction_choice import failures_first, filter_predictions, first_cell, images_in_cell
from brainseg.runs import Run

IMAGES = 6
"""Images per page."""
MOST = 60
"""Most hardest cases that a visitor can choose."""


@st.fragment
@guarded
def matrix_panel(run: Run) -> None:
    """The confusion matrix, and the images of one cell: the visitor clicks it or chooses its classes."""
    report, table = evaluated(run)
    classes = report["classes"]
    keys = [state.CELL_ACTUAL, state.CELL_PREDICTED]
    first = [classes.index(name) for name in first_cell(report["matrix"], classes)]
    caveats(report)
    left, right = st.columns([3, 2])
    with right:
        st.markdown("**Images in one cell**: click a cell, or choose its classes.")
        actual = st.selectbox("Actual class", classes, first[0], key=keys[0], bind="query-params")
        predicted = st.selectbox("Predicted class", classes, first[1], key=keys[1], bind="query-params")
        inside = images_in_cell(table, actual, predicted)
        st.markdown(
            f"{len(inside)} of {len(table)} images are **{escape(actual)}** and were predicted as "
            f"**{escape(predicted)}**."
        )
    with left:
        matrix = confusion_matrix_figure(report["matrix"], classes, dark=dark())
        chart(
            clickable(matrix, classes, (actual, predicted), dark=dark()),
            f"run-matrix-{run.id}",
            name=f"confusion-matrix-{file_stem(run)}",
            table=pd.DataFrame(report["matrix"], classes, classes).rename_axis("actual \\ predicted").reset_index(),
            on_select=lambda: _choose(f"run-matrix-{run.id}", classes, keys),
            selection_mode="points",
        )
    draw_cases(run, _part(inside, f"cell-part-{run.id}-{actual}-{predicted}"), f"cell-{run.id}")


def _choose(chart: str, classes: list[str], keys: list[str]) -> None:
    cell = clicked_cell(st.session_state[chart]["selection"], classes)
    if cell:
        st.session_state.update(zip(keys, cell, strict=True))


def _part(cases: pd.DataFrame, key: str) -> pd.DataFrame:
    """Draw the pagination, and return the images of the chosen page, highest loss first."""
    parts = -(-len(cases) // IMAGES)
    number = st.pagination(parts, key=key) if parts > 1 else 1
    return cases.iloc[(number - 1) * IMAGES : number * IMAGES]


def _all_maps(run: Run) -> bool:
    """Draw the switch for all heatmaps, and return whether it is on."""
    return run.has_model and st.toggle(
        "Show all heatmaps",
        key="heatmaps",
        bind="query-params",
        help="Heatmap of the predicted class for every image shown. This takes a moment, longer the first time.",
    )


@st.fragment
@guarded
def hardest_panel(run: Run) -> None:
    """The images that the model got most wrong, of all images or of those that pass filters."""
    report, table = evaluated(run)
    if table.empty:
        st.info("No image was evaluated.")
        return
    found = _filtered(run, table, report["classes"])
    most = min(MOST, len(table))  # not of those found: a filter would make the field's value too large
    many = st.number_input("How many", 1, most, min(IMAGES, most), key=f"hardest-count-{run.id}", width=160)
    if found.empty:
        st.info("No image passes the filters.")
        return
    wrong = int((found["label"] != found["prediction"]).sum())
    st.markdown(
        "Wrong answers first, by falling loss (cross-entropy of the actual class, in nats). "
        f"{wrong} of {len(found)} images were predicted as the wrong class."
    )
    draw_cases(run, failures_first(found).head(many), f"hardest-{run.id}", all_maps=_all_maps(run))


def _filtered(run: Run, table: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """Draw the filters, and return the predictions that pass them."""
    places = st.columns([2, 2, 1], vertical_alignment="bottom")
    actual = places[0].multiselect(
        "Actual class", classes, placeholder="Any", key="hardest-actual", bind="query-params"
    )
    predicted = places[1].multiselect(
        "Predicted class", classes, placeholder="Any", key="hardest-predicted", bind="query-params"
    )
    wrong = places[2].toggle("Only wrong", key="hardest-wrong", bind="query-params")
    inside = subset_filter(run, table, f"hardest-{run.id}")
    return filter_predictions(table[inside], actual, predicted, wrong_only=wrong)
