"""The panels of a run that show its record: predictions, settings, split and data."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from brainseg.app import live_store
from brainseg.app.frame import guarded, offer_csv
from brainseg.app.runs.cases import draw_cases
from brainseg.app.widgets.run_panels import evaluated
from brainseg.files import sha256_bytes
from brainseg.results import stored_results as run_results
from brainseg.results.dataset_names import dataset_namer
from brainseg.results.exports import file_stem
from brainseg.results.markdown import escape
from brainseg.results.prediction_choice import filter_predictions
from brainseg.runs import Run

SPLITS = {
    "random": "at random: copies and slices of one patient may be on both sides",
    "grouped": "grouped: copies, exact and near, and images of one patient stay together",
    "k-fold": "grouped folds, one of them held out",
    "given": "as the folders or the manifest say",
}


@st.fragment
@guarded
def predictions_panel(run: Run) -> None:
    """All predictions, with filters; a chosen row shows its image."""
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


@guarded
def settings_panel(run: Run) -> None:
    """Every setting, and what the model started from."""
    st.markdown(f"Preset: **{escape(run.config.preset)}**. The command line takes each as `--set section.field=value`.")
    settings = pd.DataFrame(run.config.flat().items(), columns=["Setting", "Value"]).astype(str)
    st.dataframe(settings, hide_index=True, alt="Settings of the run")
    st.caption(f"Id of the run: `{run.id}`. Commands and addresses also accept its first digits, from 4 on.")
    _weights(run)


@guarded
def _weights(run: Run) -> None:
    weights = run_results.read_json(live_store.store(), run, "weights.json", ("source", "taken", "total"))
    if weights is None:
        st.info("weights.json is missing: what the network started from was not recorded.")
        return
    missing = ", ".join(weights.get("random_stages", []))
    if not weights["taken"]:
        st.markdown("Random initialisation (no pretrained weights loaded).")
        return
    st.markdown(
        f"Started from {escape(weights['source'])}: {weights['taken']} of {weights['total']} weight tensors were loaded"
        + (f"; randomly initialised: {escape(missing)}." if missing else ".")
    )


@guarded
def data_panel(run: Run) -> None:
    """The dataset's fingerprint and counts, and the split."""
    st.markdown(f"Dataset: **{escape(dataset_namer()(run))}**, in {escape(run.config.data.path)}")
    _dataset(run)
    _split(run)


@guarded
def _dataset(run: Run) -> None:
    facts = run_results.read_json(live_store.store(), run, "dataset.json", ("fingerprint", "images"))
    if facts is None:
        st.info("dataset.json is missing: the run did not get so far, or its files were removed.")
        return
    copies = facts.get("duplicates", {}).get("surplus", 0)
    unreadable = len(facts.get("unreadable", []))
    said = [
        f"{facts['images']} images",
        f"{copies} byte-identical duplicates" if copies else "no byte-identical duplicates",
    ]
    said += [f"{unreadable} unreadable files were left out"] if unreadable else []
    said += [f"{facts['groups']} patients"] if facts.get("groups") else ["patients unknown"]
    st.markdown("; ".join(said) + ".")
    with st.expander("Fingerprint", icon=":material/fingerprint:"):
        st.markdown(f"SHA-256 over paths, labels and content: `{facts['fingerprint']}`")
        st.caption("Two datasets with the same fingerprint hold the same images with the same labels.")


@guarded
def _split(run: Run) -> None:
    st.markdown(f"Split: {SPLITS[run.config.data.split]}.")
    table = run_results.split(live_store.store(), run)
    if table is None:
        st.info("split.csv is missing: the run did not get so far, or its files were removed.")
        return
    counts = pd.crosstab(table["label"], table["split"], margins=True, margins_name="all")
    st.dataframe(counts.rename_axis("Class", axis=0).rename_axis(None, axis=1), alt="Images by class and split")
    offer_csv("The split as CSV", table, f"split-{file_stem(run)}", "split-csv")
