"""Data: the datasets, and their problems before training."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from brainseg.app import live_store, state
from brainseg.app.address import set_parameters
from brainseg.app.data.adding import draw_adding, draw_removal
from brainseg.app.data.mask_values import mask_values
from brainseg.app.data.patients import patients
from brainseg.app.data.views import copies, faults, headline, overview, samples
from brainseg.app.frame import link, page
from brainseg.app.navigation import demo_mode
from brainseg.app.tasks import view_of
from brainseg.app.widgets.dataset_reading import SYNTHETIC, count_once, count_pairs, read_dataset, read_report
from brainseg.datasets.library import KnownDataset, known_datasets
from brainseg.jobs.removal import runs_on, unlisted_paths
from brainseg.results.markdown import escape
from brainseg.users.actor import current
from brainseg.users.policy import Act, may, refusal

SOURCES = {
    "folder": "folder on the server",
    "upload": "upload",
    "synthetic": "synthetic",
    "volumes": "slices of volumes",
}
VIEWS = ("Overview", "Images", "Duplicates", "Problem files")
BOTH = "classification and segmentation"
HAS_MASKS = "Includes masks for {:,} images: choose task 'segment' in Train to use them."
NOTHING, NO_DATASETS = "There are no datasets yet.", "There are no datasets yet: add one above."
HIDDEN = "This is a demo session: datasets are neither shown nor changed."


def draw_table(known: list[KnownDataset]) -> None:
    """Draw the table of all datasets."""
    rows = [
        {
            "Name": dataset.name,
            "Kind": SOURCES[dataset.source],
            "For": _for(dataset),
            "Images": dataset.images,
            "Classes": ", ".join(f"{count:,} “{name}”" for name, count in (dataset.counts or {}).items()),
            "Unreadable": dataset.unreadable if dataset.counts is not None else None,
            "Runs": len(runs_on(dataset, live_store.runs())),
            "Added": dataset.added[:10],
            "Place": dataset.path if dataset.exists else f"Missing: {dataset.path}",
            "Owner": dataset.owner_name,
        }
        for dataset in known
    ]
    counts = {name: st.column_config.NumberColumn(format="localized") for name in ("Images", "Unreadable", "Runs")}
    table = pd.DataFrame(rows)
    if not any(dataset.owner_name for dataset in known):
        table = table.drop(columns="Owner")
    st.dataframe(table, hide_index=True, width="stretch", column_config=counts, placeholder="–")


def _for(dataset: KnownDataset) -> str:
    """Return the tasks that a dataset fits: a dataset with class folders may also have masks."""
    view = view_of(dataset.task)
    both = dataset.exists and not view.masks and count_pairs(dataset.path)
    return BOTH if both else view.title.lower()


def choose_dataset(known: list[KnownDataset]) -> KnownDataset:
    """Draw the choice of a dataset, and write it into the address."""
    names = [dataset.name for dataset in known]
    if state.DATASET_ADDED in st.session_state:
        st.session_state[state.SHOWN_DATASET] = st.session_state.pop(state.DATASET_ADDED)
    elif st.session_state.get(state.SHOWN_DATASET) not in names:
        asked = st.query_params.get("data")
        st.session_state[state.SHOWN_DATASET] = asked if asked in names else names[0]
    name = st.selectbox("Dataset", names, key=state.SHOWN_DATASET)
    set_parameters(data=name)
    return known[names.index(name)]


def draw_dataset(known: KnownDataset) -> None:
    """Draw one dataset."""
    dataset = read_dataset(known)
    if known.counts is None and count_once(known):
        st.rerun()  # the list above was drawn without its counts
    report = read_report(known, dataset)
    if known.source == "synthetic":
        st.info(SYNTHETIC, icon=":material/info:")
    headline(report)
    patients(known, report)
    if "masks" in report and may(Act.CHANGE_DATASET, owner=known.owner):
        mask_values(known)
    if "masks" not in report and (pairs := count_pairs(known.path)):
        st.caption(HAS_MASKS.format(pairs))
    tabs = dict(zip(VIEWS, st.tabs(VIEWS, key=state.DATASET_VIEW, on_change="rerun"), strict=True))
    draw = {
        "Overview": lambda: overview(dataset),
        "Images": lambda: samples(dataset),
        "Duplicates": lambda: copies(dataset),
        "Problem files": lambda: faults(report),
    }
    for name, tab in tabs.items():
        if tab.open:
            with tab:
                draw[name]()
    st.caption(f"Place: `{known.path}` · fingerprint of the data: `{report['fingerprint'][:12]}`")


def draw() -> None:
    """Draw the page."""
    with page("Data", "Browse your datasets and catch problems before training."):
        if demo_mode():
            st.info(HIDDEN, icon=":material/info:")
        else:
            known = known_datasets()
            if state.DATASET_DONE in st.session_state:
                # A banner would move the page down, and up again at the next click.
                st.toast(st.session_state.pop(state.DATASET_DONE), icon=":material/check:", duration="long")
            for note in st.session_state.pop(state.DATASET_NOTES, ()):
                st.info(escape(note), icon=":material/info:")
            if may(Act.UPLOAD):
                with st.expander("Add a dataset", expanded=not known, icon=":material/add:"):
                    draw_adding(unlisted_paths(known, live_store.runs()))
            else:
                st.info(escape(refusal(Act.UPLOAD, current())), icon=":material/info:")
            if not known:
                st.info(NO_DATASETS if may(Act.UPLOAD) else NOTHING, icon=":material/info:")
            else:
                draw_table(known)
                left, middle, right = st.columns([4, 1, 1], vertical_alignment="bottom")
                with left:
                    chosen = choose_dataset(known)
                with middle:
                    if may(Act.TRAIN):
                        link("train", "Train on it", icon=":material/model_training:", data=chosen.name)
                with right:
                    if may(Act.REMOVE_DATASET, owner=chosen.owner):
                        draw_removal(chosen, len(runs_on(chosen, live_store.runs())))
                draw_dataset(chosen)
