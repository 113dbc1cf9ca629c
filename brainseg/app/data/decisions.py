"""The decisions about near copies on the Data page: images that look the same, but are not copies."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from brainseg.app.data.images import thumbnail
from brainseg.app.widgets.image import draw_png
from brainseg.datasets.near_decisions import judge_copies, judge_different, judged_in, pairs_of
from brainseg.datasets.table import Dataset
from brainseg.results.markdown import escape
from brainseg.users.policy import Act, may

SHOWN = 24
"""Most pairs that are drawn; the others are only counted."""


def offer_to_part(dataset: Dataset, path: str, others: Sequence[str]) -> None:
    """Draw a button that keeps that an image is no copy of the others in its group."""
    if may(Act.DECIDE_LABELS) and st.button(
        "Not a copy", key=f"part-{path}", help="It looks the same, but is another image. This is kept."
    ):
        judge_different(pairs_of(path, others, dataset.table))
        st.rerun()


def judged(dataset: Dataset) -> None:
    """Draw the pairs that were judged to be different images, with a button to take that back."""
    pairs = judged_in(dataset.table)
    if not pairs:
        return
    with st.expander(f"Judged to be different images: {len(pairs):,}", icon=":material/call_split:"):
        for first, second in pairs[:SHOWN]:
            left, right, action = st.columns([1, 1, 2], vertical_alignment="center")
            for column, path in ((left, first), (right, second)):
                small = thumbnail(dataset, path)
                if small is not None:
                    with column:
                        draw_png(small, f"Image {path}", escape(path), "content")
                else:
                    column.caption(escape(path))
            if may(Act.DECIDE_LABELS) and action.button("They are copies", key=f"join-{first}-{second}"):
                judge_copies(pairs_of(first, [second], dataset.table))
                st.rerun()
        if (hidden := len(pairs) - SHOWN) > 0:
            st.caption(f"And {hidden:,} more.")
