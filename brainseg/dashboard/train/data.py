"""The choice of a dataset: a known one, one of earlier runs, or another folder of the server."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from brainseg.dashboard.data.uses import unlisted_paths
from brainseg.dashboard.page import link
from brainseg.dashboard.words import plain
from brainseg.datasets.library import KnownDataset, known_datasets
from brainseg.datasets.sources import MANIFEST
from brainseg.runs import Run
from brainseg.scans import SUFFIXES

OTHER = "Another folder …"
CHOSEN, TYPED = "train:data", "train:data:path"


def choose_data(runs: list[Run]) -> str:
    """Draw the choice of a dataset, and return its path; "" as long as none is chosen.

    Args:
        runs: All runs, newest first; their datasets are offered too.
    """
    known = [dataset for dataset in known_datasets() if dataset.exists]
    named = {dataset.name: dataset for dataset in known}
    earlier = [path for path in unlisted_paths(known, runs) if Path(path).exists()]
    options = [*named, *earlier, OTHER]
    _start(options, named, runs)
    chosen = st.selectbox(
        "Dataset", options, key=CHOSEN, persist_state="session", help="What to learn from. Add more on the Data page."
    )
    if chosen == OTHER:
        typed = st.text_input(
            "Folder or CSV manifest on the server",
            key=TYPED,
            persist_state="session",
            help="A folder with one folder of images a class, or a CSV manifest with the columns path and label; for "
            "segmentation the folders images and masks, masks called NAME_mask, or a manifest with the column mask.",
        )
        return typed.strip()
    if chosen in named:
        _describe(named[chosen])
        return named[chosen].path
    st.caption("Used by earlier runs; add it on the Data page to see what it holds.")
    return chosen


def _start(options: list[str], named: dict[str, KnownDataset], runs: list[Run]) -> None:
    """Choose what the address of the page names, else what the newest run learnt from; a set may also have gone."""
    asked = st.query_params.pop("data", None)
    if asked in options:
        st.session_state[CHOSEN] = asked
    elif asked:
        st.session_state[CHOSEN], st.session_state[TYPED] = OTHER, asked
    if st.session_state.get(CHOSEN) not in options:
        last = runs[0].config.data.path if runs else ""
        names = [name for name, dataset in named.items() if dataset.path == last]
        st.session_state[CHOSEN] = next(filter(options.__contains__, [*names, last]), options[0])


def _describe(dataset: KnownDataset) -> None:
    if dataset.counts is None:
        st.caption("Not looked into yet: the Data page counts its images.")
    else:
        counts = ", ".join(f"{count:,} {plain(name)}" for name, count in dataset.counts.items())
        bad = f"; {dataset.unreadable:,} files cannot be read" if dataset.unreadable else ""
        masks = " with masks" if dataset.task == "segment" else ""
        st.caption(f"{dataset.images:,} images{masks}: {counts}{bad}.")
    if dataset.source == "synthetic":
        st.caption("Synthetic images: figures measured on them say nothing about patients.")
    link("data", "Look into it", icon=":material/database:", data=dataset.name)


def count_images(path: str) -> int | None:
    """Return about how many images a dataset has, without reading any; None where that cannot be told."""
    if not path:
        return None
    for dataset in known_datasets():
        if dataset.path == path and dataset.images is not None:
            return dataset.images
    return _count(path)


@st.cache_data(ttl=300, max_entries=50, show_spinner=False)
def _count(path: str) -> int | None:
    place = Path(path).expanduser()
    manifest = place if place.is_file() else place / MANIFEST
    try:
        if manifest.is_file():
            with manifest.open("rb") as lines:
                return max(sum(1 for line in lines if line.strip()) - 1, 0) or None
        files = (Path(name) for _, _, names in os.walk(place) for name in names)
        return sum(file.suffix.lower() in SUFFIXES for file in files) or None
    except OSError:
        return None
