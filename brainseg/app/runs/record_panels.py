"""The panels of a run that show its record: settings, split and data."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from brainseg.app import live_store
from brainseg.app.frame import guarded, offer_csv
from brainseg.app.widgets.run_panels import MISSING
from brainseg.results import stored_results as run_results
from brainseg.results.dataset_names import dataset_namer
from brainseg.results.exports import file_stem
from brainseg.results.markdown import escape
from brainseg.results.run_files import reading
from brainseg.results.stored_dataset import stored_report
from brainseg.runs import Run

SPLITS = {
    "random": "at random: copies and slices of one patient may be in more than one set",
    "grouped": "grouped: copies, exact and near, and images of one patient stay together",
    "k-fold": "grouped folds, one of them held out",
    "given": "as given by the folders or the manifest",
}

FOLDS_BY_IMAGE = "folds by image: copies and slices of one patient may be in several folds"


@guarded
def settings_panel(run: Run) -> None:
    """All settings, and the weights that the training started from."""
    st.markdown(
        f"Preset: **{escape(run.config.preset)}**. On the command line, each setting is `--set section.field=value`."
    )
    settings = pd.DataFrame(run.config.flat().items(), columns=["Setting", "Value"]).astype(str)
    st.dataframe(settings, hide_index=True, alt="Settings of the run")
    st.caption(f"Id of the run: `{run.id}`. Commands and addresses also accept its first digits, at least 4.")
    _weights(run)


@guarded
def _weights(run: Run) -> None:
    weights = run_results.weights(live_store.store(), run)
    if weights is None:
        st.info("weights.json is missing: the initial weights were not recorded.")
        return
    source, taken, total = weights.get("source"), weights.get("taken"), weights.get("total")
    with reading("weights.json", run):
        if source is None or taken is None or total is None:
            raise ValueError("a field is missing")
    missing = ", ".join(weights.get("random_stages") or ())
    if not taken:
        st.markdown("Random initialisation (no pretrained weights were loaded).")
        return
    st.markdown(
        f"Started from {escape(source)}: {taken} of {total} weight tensors were loaded"
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
    facts = stored_report(live_store.store(), run)
    if facts is None:
        st.info(MISSING.format("dataset.json"))
        return
    copies, unreadable = facts["duplicates"]["surplus"], len(facts["unreadable"])
    parts = [
        f"{facts['images']} images",
        f"{copies} byte-identical duplicates" if copies else "no byte-identical duplicates",
    ]
    parts += [f"{unreadable} unreadable files were left out"] if unreadable else []
    parts += [f"{facts['groups']} patients"] if facts["groups"] else ["patients unknown"]
    st.markdown("; ".join(parts) + ".")
    with st.expander("Fingerprint", icon=":material/fingerprint:"):
        st.markdown(f"SHA-256 over paths, labels and content: `{facts['fingerprint']}`")
        st.caption("Two datasets with the same fingerprint hold the same images with the same labels.")


@guarded
def _split(run: Run) -> None:
    data = run.config.data
    by_image = data.split == "k-fold" and data.by_image
    st.markdown(f"Split: {FOLDS_BY_IMAGE if by_image else SPLITS[data.split]}.")
    table = run_results.split(live_store.store(), run)
    if table is None:
        st.info(MISSING.format("split.csv"))
        return
    counts = pd.crosstab(table["label"], table["split"], margins=True, margins_name="all")
    st.dataframe(counts.rename_axis("Class", axis=0).rename_axis(None, axis=1), alt="Images by class and split")
    offer_csv("The split as CSV", table, f"split-{file_stem(run)}", "split-csv")
