"""The table of a classifier's predictions, with filters and the image of a chosen row."""

from __future__ import annotations

from typing import Any

import streamlit as st

from brainseg.app.classification.cases import draw_cases
from brainseg.app.frame import guarded, offer_csv
from brainseg.app.widgets.run_panels import evaluated
from brainseg.files import sha256_bytes
from brainseg.results.exports import file_stem
from brainseg.results.prediction_choice import filter_predictions
from brainseg.runs import Run


@st.fragment
@guarded
def predictions_panel(run: Run) -> None:
    """All predictions, with filters; the visitor chooses a row to see its image."""
    report, table = evaluated(run)
    classes = report["classes"]
    places = st.columns([2, 2, 2, 1], vertical_alignment="bottom")
    actual = places[0].multiselect("Actual class", classes, placeholder="Any", key="table-actual", bind="query-params")
    predicted = places[1].multiselect(
        "Predicted class", classes, placeholder="Any", key="table-predicted", bind="query-params"
    )
    text = places[2].text_input("File or patient contains", key="table-text", bind="query-params")
    wrong = places[3].toggle("Only wrong", key="table-wrong", bind="query-params")
    found = filter_predictions(table, actual, predicted, wrong_only=wrong, text=text)
    st.markdown(f"{len(found)} of {len(table)} images. Choose a row to see its image.")
    chosen = st.dataframe(
        found,
        hide_index=True,
        column_config=_columns(classes),
        on_select="rerun",
        selection_mode="single-row",
        key=f"table-{run.id}-{sha256_bytes(found.index.to_numpy().tobytes())[:12]}",
        alt="Predictions of the run",
    )
    offer_csv("These predictions as CSV", found, f"predictions-{file_stem(run)}", "predictions-csv")
    rows = [row for row in chosen["selection"]["rows"] if row < len(found)]
    draw_cases(run, found.iloc[rows], f"row-{run.id}")


def _columns(classes: list[str]) -> dict[str, Any]:
    bar = st.column_config.ProgressColumn
    return {
        "path": "File",
        "group": "Patient",
        "label": "Actual",
        "prediction": "Predicted",
        "loss": st.column_config.NumberColumn("Loss", format="%.4f", help="Cross-entropy of the actual class, nats"),
        **{f"p_{name}": bar(f"Probability of {name}", format="%.4f", min_value=0, max_value=1) for name in classes},
    }
