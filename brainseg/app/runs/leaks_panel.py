"""The panel of a run that shows evaluated images with a copy in its training set, and the metric without them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from brainseg.app import live_store
from brainseg.app.frame import guarded, offer_csv
from brainseg.app.widgets.dataset_reading import progress_bar
from brainseg.app.widgets.image import draw_png
from brainseg.app.widgets.run_image import run_image
from brainseg.app.widgets.run_panels import headline
from brainseg.errors import BrainsegError
from brainseg.results import stored_results
from brainseg.results.exports import file_stem
from brainseg.results.leak_words import kind_words, leak_sentence
from brainseg.results.leaks import LeakedImage, LeakReport, leak_report
from brainseg.results.markdown import escape
from brainseg.results.subset_metric import SubsetMetric
from brainseg.runs import Run

PAIRS = 6
"""Pairs per page."""
TITLES = {"accuracy": "Accuracy", "dice": "Dice, all pixels"}


@guarded
def leaks_panel(run: Run) -> None:
    """The leaks of a run: their number, the metric with and without them, and the pairs side by side."""
    with progress_bar("Reading images") as report_progress:
        report = leak_report(live_store.store(), run, report_progress)
    if report["problem"]:
        st.warning(escape(report["problem"]), icon=":material/folder_off:")
    images = report["images"]
    draw = st.warning if images else st.success
    draw(leak_sentence(report), icon=":material/content_copy:" if images else ":material/check:")
    st.caption(
        "A copy has the same bytes, or looks the same: saved again, scaled, mirrored, turned, shifted, cropped, "
        "brighter or darker, or with text on the margin. The model has learnt from such an image, so its answer says "
        "little."
    )
    if not images:
        return
    left, right = st.columns(2)
    with left:
        _metric("on all evaluated images", report["all_images"])
    with right:
        _metric("without images with a copy", report["without"])
    _pairs(run, report)


def _metric(where: str, metric: SubsetMetric) -> None:
    headline(f"{TITLES[metric['name']]} {where}", metric["value"], metric["interval"], f"n = {metric['count']:,}")


@st.fragment
@guarded
def _pairs(run: Run, report: LeakReport) -> None:
    images = report["images"]
    pages = -(-len(images) // PAIRS)
    number = st.pagination(pages, key=f"leaks-page-{run.id}") if pages > 1 else 1
    digests = stored_results.digests(live_store.store(), run)
    for row in range((number - 1) * PAIRS, min(number * PAIRS, len(images)), 2):
        for column, image in zip(st.columns(2), images[row : row + 2], strict=False):
            with column, st.container(border=True):
                _pair(run, image, digests)
    offer_csv("All pairs as CSV", pd.DataFrame(images), f"leaks-{file_stem(run)}", "leaks-csv")


def _pair(run: Run, image: LeakedImage, digests: dict[str, str]) -> None:
    st.markdown(f"**{escape(kind_words(image).capitalize())}**")
    sides = (("evaluated", image["path"], image["label"]), ("training", image["twin"], image["twin_label"]))
    for column, (side, path, label) in zip(st.columns(2), sides, strict=True):
        with column:
            try:
                digest = None if run.config.data.modalities else digests.get(path)
                draw_png(run_image(run, path, digest), f"Image {path}")
            except BrainsegError as error:
                st.info(escape(str(error)), icon=":material/image_not_supported:")
            st.caption(f"{side}: {escape(path)} (label {escape(label)})")
