"""Datasets as the pages read them: with a progress bar the first time, then from memory until a file changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from brainseg.datasets.inspection import cached_dataset, signature
from brainseg.datasets.library import KnownDataset, inspect_known_dataset, known_datasets
from brainseg.datasets.mask_layouts import list_pairs
from brainseg.datasets.near_decisions import with_decisions
from brainseg.datasets.report import dataset_report
from brainseg.datasets.report_fields import DatasetReport
from brainseg.datasets.table import Dataset
from brainseg.errors import BrainsegError, DataError
from brainseg.results.markdown import escape

PATIENCE = 20
"""Seconds for which a folder counts as unchanged: walking through a large one takes long."""
SYNTHETIC = "Synthetic images: metrics measured on them say nothing about patients."


def read_dataset(known: KnownDataset) -> Dataset:
    """Return the images of a dataset. All visitors share the result: do not change it.

    Raises:
        DataError: It is gone, cannot be read, or changes while it is read.
    """
    if not known.exists:
        raise DataError(f"{known.path} no longer exists: put it back, or remove the dataset {known.name!r}.")
    stamp = _signature(known.path, known.groups, known.mask_threshold)
    try:
        return with_decisions(_kept(known.path, stamp))
    except LookupError:
        pass
    with progress_bar("Reading images") as report_progress:
        dataset = inspect_known_dataset(known, report_progress)
    _signature.clear(known.path, known.groups, known.mask_threshold)
    try:
        return with_decisions(_kept(known.path, _signature(known.path, known.groups, known.mask_threshold)))
    except LookupError:  # files are changing right now
        return dataset


def count_once(known: KnownDataset) -> bool:
    """Store the counts of a dataset that another visitor has read; return whether the list now has them."""
    inspect_known_dataset(known)
    return any(other.path == known.path and other.counts is not None for other in known_datasets())


@st.cache_data(ttl=300, max_entries=50, show_spinner=False)
def count_pairs(path: str) -> int | None:
    """Return how many images with a mask a dataset has, by their names; None if it has none."""
    try:
        return len(list_pairs(Path(path)).pairs) if path else None
    except DataError:
        return None


def read_report(known: KnownDataset, dataset: Dataset) -> DatasetReport:
    """Return the `dataset_report` of a dataset from `read_dataset`."""
    pairs = tuple((pair.first, pair.second) for pair in dataset.near_pairs)
    return _report(known.path, dataset.grouped_fingerprint, len(dataset.bad), pairs, dataset)


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar during the `with` block, which calls the yielded function with (done, total)."""
    bar = st.progress(0.0, text=f"{what} …")
    shown = -1

    def report_progress(done: int, total: int) -> None:
        nonlocal shown
        part = 100 * done // max(1, total)
        if part != shown:  # one message per percent, not per file
            shown = part
            bar.progress(min(100, part), text=f"{what}: {done:,} of {total:,}")

    try:
        yield report_progress
    finally:
        bar.empty()


def reread(store: Callable[[Callable[[int, int], None]], object]) -> None:
    """Store a setting of a dataset, which reads it again, and redraw the page; an error is drawn instead.

    Args:
        store: Called with a function that reports progress.
    """
    try:
        with progress_bar("Reading images") as report_progress:
            store(report_progress)
    except BrainsegError as error:
        st.error(escape(str(error)), icon=":material/error:")
    else:
        st.rerun()


@st.cache_data(ttl=PATIENCE, max_entries=100, show_spinner=False)
def _signature(path: str, groups: str, mask_threshold: float | None) -> str:
    return signature(Path(path), groups, mask_threshold)


@st.cache_resource(max_entries=8, show_spinner=False)
def _kept(path: str, stamp: str) -> Dataset:
    found = cached_dataset(Path(path), stamp)
    if found is None:
        raise LookupError(path)  # errors are not cached
    return found


@st.cache_resource(max_entries=8, show_spinner=False)
def _report(
    path: str, fingerprint: str, bad: int, pairs: tuple[tuple[str, str], ...], _dataset: Dataset
) -> DatasetReport:
    return dataset_report(_dataset)
