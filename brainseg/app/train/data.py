"""The choice of a dataset: a known one, one of earlier runs, or another folder of the server."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from brainseg.app import state
from brainseg.app.address import set_parameters
from brainseg.app.frame import link
from brainseg.app.tasks import view_of
from brainseg.app.train.form import reset
from brainseg.app.widgets.dataset_reading import SYNTHETIC, count_pairs
from brainseg.config import RunConfig, default_preset
from brainseg.datasets.access import permitted
from brainseg.datasets.library import KnownDataset, known_datasets
from brainseg.datasets.listing import walk
from brainseg.datasets.manifest import MANIFEST
from brainseg.errors import DataError
from brainseg.jobs.removal import unlisted_paths
from brainseg.results.markdown import escape
from brainseg.runs import Run
from brainseg.scans import SUFFIXES

OTHER = "Another folder …"


def choose_data(runs: list[Run]) -> str:
    """Draw the choice of a dataset, and return its path; "" if none is chosen.

    Args:
        runs: All runs, newest first; their datasets are offered too.
    """
    known = [dataset for dataset in known_datasets() if dataset.exists]
    named = {dataset.name: dataset for dataset in known}
    earlier = [path for path in unlisted_paths(known, runs) if Path(path).exists()]
    options = [*named, *earlier, OTHER]
    _choose_initial(options, named, runs)
    chosen = st.selectbox(
        "Dataset",
        options,
        key=state.DATASET,
        persist_state="session",
        on_change=lambda: _fit_preset(named.get(st.session_state[state.DATASET])),
        help="The images to train on. Add more on the Data page.",
    )
    path = _described(chosen, named)
    _write_address(path if chosen == OTHER else chosen)
    return path


def _described(chosen: str, named: dict[str, KnownDataset]) -> str:
    """Draw what is known about the chosen dataset, and return its path."""
    if chosen == OTHER:
        typed = st.text_input(
            "Folder or CSV manifest on the server",
            key=state.DATASET_PATH,
            persist_state="session",
            help="A folder with one folder of images per class, or a CSV manifest with the columns path and label; for "
            "segmentation the folders images and masks, masks called NAME_mask, or a manifest with the column mask.",
        )
        return _opened(typed)
    if chosen in named:
        _describe(named[chosen])
        return named[chosen].path
    st.caption("Used by earlier runs. Add it on the Data page to see its images.")
    return chosen


def _opened(typed: str) -> str:
    """Return a typed path if the pages may open it; otherwise draw why not, and return ""."""
    try:
        return permitted(typed) if typed.strip() else ""
    except DataError as error:
        st.error(escape(error), icon=":material/error:")
        return ""


def _choose_initial(options: list[str], named: dict[str, KnownDataset], runs: list[Run]) -> None:
    """Choose the dataset that the address names, by name or path, or else that of the newest run."""
    address = st.query_params.get("data")
    new = address if address != st.session_state.get(state.DATASET_READ) else None
    requested = st.session_state.pop(state.DATASET_WANTED, None)
    if asked := requested or new:
        names = [name for name, dataset in named.items() if dataset.path == asked]
        found = next(filter(options.__contains__, [asked, *names]), None)
        st.session_state[state.DATASET] = found or OTHER
        if not found:
            st.session_state[state.DATASET_PATH] = asked
    elif st.session_state.get(state.DATASET) not in options:
        last = runs[0].config.data.path if runs else ""
        names = [name for name, dataset in named.items() if dataset.path == last]
        st.session_state[state.DATASET] = next(filter(options.__contains__, [*names, last]), options[0])
    else:
        return
    if not requested and "preset" not in st.query_params:
        _fit_preset(named.get(st.session_state[state.DATASET]))


def choose_dataset_later(path: str) -> None:
    """Choose the dataset at a path when the form is next drawn."""
    st.session_state[state.DATASET_WANTED] = path


def _fit_preset(dataset: KnownDataset | None) -> None:
    """Choose the preset of the dataset's task: a dataset with only masks does not fit classification."""
    if dataset is None or dataset.counts is None:
        return
    preset = st.session_state.get(state.PRESET, "default")
    task = RunConfig.from_preset(preset).task
    fits = task == dataset.task or (
        view_of(task).masks and count_pairs(dataset.path)
    )  # it may have both class folders and masks
    if not fits:
        st.session_state[state.PRESET] = default_preset({"task": dataset.task})
        reset()


def _write_address(data: str) -> None:
    """Write the choice into the address, for a reload and for a shared link."""
    set_parameters(data=data)
    st.session_state[state.DATASET_READ] = data or None


def _describe(dataset: KnownDataset) -> None:
    if dataset.counts is None:
        st.caption("Not scanned yet. Open it on the Data page to count its images.")
    else:
        counts = ", ".join(f"{count:,} “{escape(name)}”" for name, count in dataset.counts.items())
        bad = f"; {dataset.unreadable:,} files cannot be read" if dataset.unreadable else ""
        masks = " with masks" if view_of(dataset.task).masks else ""
        st.caption(f"{dataset.images:,} images{masks}: {counts}{bad}.")
    if dataset.source == "synthetic":
        st.caption(SYNTHETIC)
    link("data", "View dataset", icon=":material/database:", data=dataset.name)


def count_images(path: str) -> int | None:
    """Return about how many images a dataset has, without reading any; None if this is unknown."""
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
        files = (Path(name) for _, _, names in walk(place) for name in names)
        return sum(file.suffix.lower() in SUFFIXES for file in files) or None
    except (OSError, DataError):
        return None
