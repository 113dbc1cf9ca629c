"""All answers of a visit: the card of one of them, and a gallery, a table and downloads of all."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from brainseg.dashboard.diagnose.answers import Answered, standing
from brainseg.dashboard.diagnose.card import show_card
from brainseg.dashboard.diagnose.exports import csv_file, png_file, zip_file
from brainseg.dashboard.diagnose.members import Member
from brainseg.dashboard.page import guarded
from brainseg.dashboard.words import plain
from brainseg.diagnosis.picture import overlay, squared
from brainseg.diagnosis.words import percent

COLUMNS = 6
TILE = 240
"""Pixels of a gallery picture's side."""


@st.fragment
@guarded
def show_results(answered: Sequence[Answered], members: Sequence[Member]) -> None:
    """Draw the answers; opacity and the image shown can be changed without asking the models again."""
    good = [each for each in answered if each.good]
    for each in answered:
        if not each.good:
            st.error(plain(each.answer), icon=":material/error:")
    if not good:
        return
    shown = good[_place(len(good))]
    show_card(shown, members)
    opacity = st.session_state["opacity"] / 100
    if len(answered) > 1:
        _gallery(good, shown, opacity)
        _table(answered, members)
    _downloads(answered, shown, members, opacity)


def _place(count: int) -> int:
    """Return which answer is shown; the first where the chosen one is gone."""
    place = st.session_state.get("shown", 0)
    return place if place < count else 0


def _show(place: int) -> None:
    st.session_state["shown"] = place


def _gallery(good: Sequence[Answered], shown: Answered, opacity: float) -> None:
    st.subheader("All images", anchor=False)
    columns = st.columns(COLUMNS, gap="small")
    for place, each in enumerate(good):
        answer = each.answer
        words = f"{answer.label}, {percent(answer.probabilities[answer.label])}"
        with columns[place % COLUMNS]:
            picture = overlay(squared(each.case.scan.pixels, TILE), squared(answer.heatmap, TILE), opacity)
            st.image(picture, width="stretch", caption=plain(words), alt=f"{each.case.name} with its heatmap: {words}")
            st.button(
                plain(each.case.name),
                key=f"show-{place}",
                on_click=_show,
                args=(place,),
                type="primary" if each is shown else "secondary",
                width="stretch",
                help="Show this image above",
            )


def _table(answered: Sequence[Answered], members: Sequence[Member]) -> None:
    rows = []
    for each in answered:
        if not each.good:
            rows.append({"File": each.case.name, "Remark": each.answer})
            continue
        answer = each.answer
        remarks = [*(remark.sentence for remark in standing(each, members)), *each.case.scan.warnings]
        rows.append(
            {
                "File": each.case.name,
                "Decision": answer.label,
                **{f"P({name})": percent(share) for name, share in answer.probabilities.items()},
                "Seconds": f"{answer.seconds:.2f}",
                "Remark": " ".join(remarks),
            }
        )
    st.dataframe(pd.DataFrame(rows).fillna(""), hide_index=True, width="stretch")


def _downloads(answered: Sequence[Answered], shown: Answered, members: Sequence[Member], opacity: float) -> None:
    classes = members[0].description.classes
    files = [("Table (CSV)", "diagnosis.csv", "text/csv", lambda: csv_file(answered, classes))]
    files.append(("This image with its answer (PNG)", "diagnosis.png", "image/png", lambda: png_file(shown, opacity)))
    if len(answered) > 1:
        everything = "All pictures and the table (ZIP)"
        files.append((everything, "diagnosis.zip", "application/zip", lambda: zip_file(answered, classes, opacity)))
    with st.container(horizontal=True):
        for label, name, kind, make in files:
            st.download_button(
                label, make, name, kind, key=name, icon=":material/download:", type="tertiary", on_click="ignore"
            )
