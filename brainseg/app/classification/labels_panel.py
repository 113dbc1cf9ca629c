"""The panel of a run with the images whose label is likely wrong."""

from __future__ import annotations

import streamlit as st

from brainseg.app import live_store
from brainseg.app.frame import guarded, offer_csv
from brainseg.app.messages import on_page
from brainseg.app.widgets.image import draw_png
from brainseg.app.widgets.run_image import run_image
from brainseg.errors import BrainsegError, RunError
from brainseg.evaluation.label_ranking import LabelReason
from brainseg.results import stored_results
from brainseg.results.exports import file_stem
from brainseg.results.label_report import JudgedLabel, label_report
from brainseg.results.label_words import label_sentences, labels_table, why_words
from brainseg.results.markdown import escape
from brainseg.runs import Run

COLUMNS, IMAGES = 3, 6
"""Images per row and per page."""
LEAST = 12
"""Fewest images to offer, even if fewer labels look wrong."""


@st.fragment
@guarded
def labels_panel(run: Run) -> None:
    """The images whose label is likely wrong, most suspicious first."""
    try:
        report = label_report(live_store.store(), run)
    except RunError as error:
        st.info(escape(on_page(error)))
        return
    for sentence in label_sentences(report):
        st.markdown(f"- {escape(on_page(sentence))}")
    labels = report["labels"]
    suspects = sum(label["reason"] != LabelReason.NONE for label in labels)
    offered = labels[: max(suspects, LEAST)]
    pages = -(-len(offered) // IMAGES)
    number = st.pagination(pages, key=f"labels-page-{run.id}") if pages > 1 else 1
    digests = stored_results.digests(live_store.store(), run)
    shown = offered[(number - 1) * IMAGES : number * IMAGES]
    for start in range(0, len(shown), COLUMNS):
        places = st.columns(COLUMNS)
        for place, label in zip(places, shown[start : start + COLUMNS], strict=False):
            with place.container(border=True):
                _draw_label(run, label, digests.get(label["path"]))
    offer_csv("All labels as CSV", labels_table(labels), f"labels-{file_stem(run)}", "labels-csv")


def _draw_label(run: Run, label: JudgedLabel, sha256: str | None) -> None:
    try:
        image = run_image(run, label["path"], sha256)
        draw_png(image, f"{label['path']}: labelled {label['label']}")
    except BrainsegError as error:
        st.info(escape(error), icon=":material/image_not_supported:")
    suspect = label["reason"] != LabelReason.NONE
    badge = ":orange-badge[:material/label: check]" if suspect else ":gray-badge[low score]"
    suggested = escape(label["suggested"]) or "unknown"
    st.markdown(f"{badge} Label: **{escape(label['label'])}**, suggested: **{suggested}**")
    st.markdown(escape(f"Why: {why_words(label)}."))
    fold = "" if label["fold"] is None else f" (fold {label['fold']})"
    st.caption(escape(f"{label['path']}{fold}"))
