"""All answers of a visit: the card of one of them, and a gallery, a table and downloads of all."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from brainseg.dashboard.diagnose.answers import Answered, standing
from brainseg.dashboard.diagnose.card import Opacities, short_words, show_card, tile
from brainseg.dashboard.diagnose.exports import csv_file, png_file, zip_file
from brainseg.dashboard.diagnose.mask_card import marked_cells
from brainseg.dashboard.diagnose.members import Member
from brainseg.dashboard.page import guarded
from brainseg.dashboard.words import plain
from brainseg.diagnosis.words import percent

COLUMNS = 6
TILE = 240
"""Pixels of a gallery picture's side."""


@st.fragment
@guarded
def show_results(answered: Sequence[Answered], members: Sequence[Member], marker: Member | None) -> None:
    """Draw the answers; opacity and the image shown can be changed without asking the models again."""
    good = [each for each in answered if each.good]
    for each in answered:
        if not each.good:
            st.error(plain(each.answer), icon=":material/error:")
    if not good:
        return
    shown = good[_place(len(good))]
    opacities = show_card(shown, members, marker)
    if len(answered) > 1:
        _gallery(good, shown, opacities)
        _table(answered, [*members, marker] if marker else members)
    _downloads(answered, shown, members[0].description.classes if members else (), opacities)


def _place(count: int) -> int:
    """Return which answer is shown; the first where the chosen one is gone."""
    place = st.session_state.get("shown", 0)
    return place if place < count else 0


def _show(place: int) -> None:
    st.session_state["shown"] = place


def _gallery(good: Sequence[Answered], shown: Answered, opacities: Opacities) -> None:
    st.header("All images", anchor=False)
    columns = st.columns(COLUMNS, gap="small")
    for place, each in enumerate(good):
        words, drawn = short_words(each).replace(" · ", ", "), "heatmap" if each.answer else "mask"
        with columns[place % COLUMNS]:
            alt = f"{each.case.name} with its {drawn}: {words}"
            st.image(tile(each, opacities, TILE), width="stretch", caption=plain(words), alt=alt)
            st.button(
                plain(each.case.name),
                key=f"show-{place}",
                on_click=_show,
                args=(place,),
                type="primary" if each is shown else "secondary",
                width="stretch",
                help="Show this image above",
            )


def _table(answered: Sequence[Answered], asked: Sequence[Member]) -> None:
    rows = []
    for each in answered:
        if not each.good:
            rows.append({"File": each.case.name, "Remark": each.answer})
            continue
        remarks = [*(remark.sentence for remark in standing(each, asked)), *each.case.scan.warnings]
        remarks += each.marked.warnings if each.marked else ()
        rows.append({"File": each.case.name, **_said(each), **marked_cells(each), "Remark": " ".join(remarks)})
    st.dataframe(pd.DataFrame(rows).fillna(""), hide_index=True, width="stretch")


def _said(answered: Answered) -> dict[str, str]:
    answer = answered.answer
    if not answer:
        return {}
    shares = {f"P({name})": percent(share) for name, share in answer.probabilities.items()}
    return {"Decision": answer.label, **shares, "Seconds": f"{answer.seconds:.2f}"}


def _downloads(answered: Sequence[Answered], shown: Answered, classes: Sequence[str], opacities: Opacities) -> None:
    heat, mask = opacities.heat, opacities.mask
    files = [("Table (CSV)", "diagnosis.csv", "text/csv", lambda: csv_file(answered, classes))]
    one = "This image with its answer (PNG)"
    files.append((one, "diagnosis.png", "image/png", lambda: png_file(shown, heat, mask)))
    if len(answered) > 1:
        everything = "All pictures and the table (ZIP)"
        files.append((everything, "diagnosis.zip", "application/zip", lambda: zip_file(answered, classes, heat, mask)))
    with st.container(horizontal=True):
        for label, name, kind, make in files:
            st.download_button(
                label, make, name, kind, key=name, icon=":material/download:", type="tertiary", on_click="ignore"
            )
