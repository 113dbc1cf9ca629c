"""The images that runs disagree on, with the place that each model looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from brainseg.dashboard.comparison import Comparison
from brainseg.dashboard.comparison_table import disagreements_in_words, for_csv
from brainseg.dashboard.page import guarded
from brainseg.dashboard.run_words import plain
from brainseg.diagnosis.words import percent
from brainseg.errors import BrainsegError, ScanError
from brainseg.evaluation.comparison import disagreements
from brainseg.scans import Scan, display_name, read_scan

LOOKED = "The colours show where each model looked for the class that it named, not where the tumour is."
PICTURE = 260
"""Width of a picture in pixels: scans of any size side by side."""


@st.fragment
@guarded
def show_disagreements(comparison: Comparison, letter: str) -> None:
    """Draw the table of one group's disagreements, and one of its images at a time."""
    names = comparison.groups[letter]
    aligned = comparison.aligned(letter)
    rows = disagreements(aligned, names)
    if rows.empty:
        st.markdown(f"These runs give the same answer on all {len(aligned)} images.")
        return
    st.markdown(f"On **{len(rows)} of {len(aligned)}** images at least two of these runs give different answers.")
    st.dataframe(disagreements_in_words(rows, names), hide_index=True, width="stretch", height=_height(len(rows)))
    st.download_button(
        "Disagreements as CSV",
        for_csv(rows).to_csv(index=False).encode(),
        f"disagreements-{letter}.csv",
        "text/csv",
        key=f"disagreements-csv-{letter}",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    place = left.selectbox(
        "Image to look at",
        range(len(rows)),
        format_func=lambda number: f"{rows['path'][number]}: is {rows['label'][number]}",
        key=f"disagreement-{letter}",
    )
    maps = right.toggle("Show where each model looked (Grad-CAM)", key=f"maps-{letter}")
    _show_image(comparison, names, rows.iloc[place], maps)


def _height(rows: int) -> int:
    """Return the height of a table in pixels that shows up to eight rows whole."""
    return 38 + 35 * min(rows, 8)


def _show_image(comparison: Comparison, names: list[str], row: pd.Series, maps: bool) -> None:
    scan = _read(comparison.runs[names[0]].run.config.data.path, row)
    columns = st.columns(min(len(names) + 1, 4))
    with columns[0]:
        st.markdown(f"**{plain(display_name(row['path']))}**  \nis {plain(row['label'])}")
        if scan:
            st.image(scan.pixels, width=PICTURE)
    for position, name in enumerate(names, start=1):
        with columns[position % len(columns)]:
            _show_answer(comparison, name, row, scan, maps)
    if maps and scan:
        st.caption(LOOKED)


def _read(data: str, row: pd.Series) -> Scan | None:
    """Return the image as it was judged, or say why it cannot be shown."""
    root = Path(data)
    try:
        scan = read_scan((root.parent if root.is_file() else root) / row["path"])
    except ScanError:
        st.info(
            f"{display_name(row['path'])} is no longer where it was: the answers stay, its picture cannot be shown."
        )
        return None
    if scan.sha256 != row["sha256"]:
        st.info(f"{plain(scan.name)} was changed since it was judged, so its picture is not shown.")
        return None
    return scan


def _show_answer(comparison: Comparison, name: str, row: pd.Series, scan: Scan | None, maps: bool) -> None:
    answer, share = row[f"prediction {name}"], row[f"probability {name}"]
    right = "right" if answer == row["label"] else "wrong"
    st.markdown(f"**{plain(name)}**  \nsays {plain(answer)} with {percent(share)}: {right}")
    if not (maps and scan):
        return
    try:
        st.image(_looked(comparison.runs[name].run.id, scan.sha256, scan), width=PICTURE)
    except BrainsegError as error:
        st.info(str(error))


@st.cache_data(max_entries=60, show_spinner="Asking the model where it looked …")
def _looked(run_id: str, sha256: str, _scan: Scan) -> np.ndarray:
    """Return a scan with a model's map over it: (H, W, 3) uint8. Imports torch, so it is called on demand alone."""
    from brainseg.dashboard.models import predictor
    from brainseg.diagnosis.picture import overlay

    return overlay(_scan.pixels, predictor(run_id).diagnose(_scan).heatmap)
