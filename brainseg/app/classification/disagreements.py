"""The images on which runs disagree, and where each model looked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from brainseg.app.frame import guarded, offer_csv
from brainseg.app.widgets.image import draw_png
from brainseg.diagnosis.calibrated import write_value
from brainseg.errors import BrainsegError, ScanError
from brainseg.results.classification.comparison import aligned_images, disagreeing_images
from brainseg.results.classification.tables import disagreements_in_words
from brainseg.results.comparison import Comparison
from brainseg.results.markdown import escape
from brainseg.scans import Scan, display_name, read_scan

LOOKED = "The colours show where each model looked for the class that it predicted, not where the tumour is."
ACROSS = 3
"""Runs side by side."""
IMAGE_WIDTH = 260
"""Pixels, the same for scans of any size."""
MOVED, CHANGED = ":material/image_not_supported:", ":material/edit_document:"
"""Icons of the messages for an image that is gone, and for one that is no longer the same."""


@st.fragment
@guarded
def show_disagreements(comparison: Comparison, letter: str) -> None:
    """Draw the table of one group's disagreements, and one of its images at a time."""
    names = comparison.groups[letter]
    count = len(aligned_images(comparison, letter))
    rows = disagreeing_images(comparison, letter)
    if rows.empty:
        st.markdown(f"These runs predict the same class on all {count} images.")
        return
    st.markdown(f"On **{len(rows)} of {count}** images at least two of these runs predict different classes.")
    st.dataframe(disagreements_in_words(rows, names), hide_index=True, width="stretch")
    offer_csv("Disagreements as CSV", rows, f"disagreements-{letter}", f"disagreements-csv-{letter}")
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    place = left.selectbox(
        "Image to show",
        range(len(rows)),
        format_func=lambda number: f"{rows['path'][number]}: {rows['label'][number]}",
        key=f"disagreement-{letter}",
    )
    maps = right.toggle("Show where each model looked", key=f"maps-{letter}")
    _show_image(comparison, names, rows.iloc[place], maps)


def _show_image(comparison: Comparison, names: list[str], row: pd.Series, maps: bool) -> None:
    scan = _read(comparison.runs[names[0]].run.config.data.path, row)
    left, right = st.columns([1, ACROSS])
    with left:
        st.markdown(f"**{escape(display_name(row['path']))}**  \nGround truth: {escape(row['label'])}")
        if scan:
            draw_png(scan.pixels, f"{display_name(row['path'])}: the image", width=IMAGE_WIDTH)
    with right:
        for start in range(0, len(names), ACROSS):
            columns = st.columns(ACROSS)
            for column, name in zip(columns, names[start : start + ACROSS], strict=False):
                with column:
                    _show_answer(comparison, name, row, scan, maps)
    if maps and scan:
        st.caption(LOOKED)


def _read(data: str, row: pd.Series) -> Scan | None:
    """Return the evaluated image; if it cannot be shown, draw a message that says why, and return None."""
    root = Path(data)
    try:
        scan = read_scan((root.parent if root.is_file() else root) / row["path"])
    except ScanError:
        st.info(
            f"{escape(display_name(row['path']))} was moved or deleted, so only the predictions are shown.", icon=MOVED
        )
        return None
    if scan.sha256 != row["sha256"]:
        st.info(f"{escape(scan.name)} has changed since it was evaluated, so it is not shown.", icon=CHANGED)
        return None
    return scan


def _show_answer(comparison: Comparison, name: str, row: pd.Series, scan: Scan | None, maps: bool) -> None:
    answer, probability = row[f"prediction {name}"], row[f"probability {name}"]
    right = "right" if answer == row["label"] else "wrong"
    st.markdown(f"**{escape(name)}**  \n{escape(answer)}, {write_value(float(probability))}: {right}")
    if not (maps and scan):
        return
    try:
        image, empty = _with_heatmap(comparison.runs[name].run.id, answer, scan.sha256, scan)
        draw_png(image, f"Where {name} looked", width=IMAGE_WIDTH)
        if empty:
            st.caption(escape(empty))
    except BrainsegError as error:
        st.info(str(error))


@st.cache_data(max_entries=60, show_spinner="Computing the heatmap …")
def _with_heatmap(run_id: str, explain: str, sha256: str, _scan: Scan) -> tuple[np.ndarray, str]:
    """Return a scan with a model's heatmap of a class over it, and the message for an empty heatmap.

    The image is (H, W, 3) uint8; the message is "" for other heatmaps. This imports torch: call it on request only.
    """
    from brainseg.app.model_cache import predictor
    from brainseg.diagnosis.doubts import empty_heatmap
    from brainseg.diagnosis.images import overlay

    diagnosis = predictor(run_id).diagnose(_scan, explain)
    return overlay(_scan.pixels, diagnosis.heatmap), empty_heatmap(diagnosis)
