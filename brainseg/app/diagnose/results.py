"""All answers of a visit: the card of one of them, and a gallery, a table and downloads of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from brainseg.app.diagnose.answers import Answered, standing, true_label
from brainseg.app.diagnose.card import Opacities, short_words, show_card, tile
from brainseg.app.diagnose.exports import csv_file, png_file, zip_file
from brainseg.app.diagnose.mask_card import marked_cells
from brainseg.app.diagnose.members import Member
from brainseg.app.frame import guarded
from brainseg.diagnosis.words import percent
from brainseg.results.markdown import escape

COLUMNS = 6
STYLE = """<style>
[class*="st-key-answer"] h2 { overflow-wrap: anywhere }
[class*="st-key-answer"] [data-testid="stCaptionContainer"] { overflow-wrap: anywhere }
@media (max-width: 640px) {
  [data-testid="stColumn"]:has(.st-key-answer) { order: -1 }
}
</style>"""
"""On a phone the columns stand below each other: the answer comes first, not below uploads and settings."""
TILE = 240
"""Pixels of a gallery picture's side."""


@st.fragment
@guarded
def show_results(answered: Sequence[Answered], members: Sequence[Member], marker: Member | None) -> None:
    """Draw the answers; opacity and the image shown can be changed without asking the models again."""
    good = [each for each in answered if each.good]
    for each in answered:
        if not each.good:
            st.error(escape(each.answer), icon=":material/error:")
    if not good:
        return
    shown = good[_place(len(good))]
    opacities = show_card(shown, members, marker)
    if len(answered) > 1:
        asked = [*members, marker] if marker else list(members)
        _gallery(good, shown, opacities, asked)
        _table(answered, asked)
    _downloads(answered, shown, members[0].description.classes if members else (), opacities)


def _place(count: int) -> int:
    """Return which answer is shown; the first where the chosen one is gone."""
    place = st.session_state.get("shown", 0)
    return place if place < count else 0


def _show(place: int) -> None:
    st.session_state["shown"] = place


def _gallery(good: Sequence[Answered], shown: Answered, opacities: Opacities, asked: Sequence[Member]) -> None:
    st.header("All images", anchor=False)
    for origin in dict.fromkeys(each.origin for each in good):
        st.caption(escape(origin))
    places = _chosen_places(good)
    for start in range(0, len(places), COLUMNS):
        # Row by row: a long name makes its whole row higher, and the pictures stay in line.
        for column, place in zip(st.columns(COLUMNS, gap="small"), places[start : start + COLUMNS], strict=False):
            with column:
                _draw_tile(good[place], place, good[place] is shown, opacities, asked)


def _chosen_places(good: Sequence[Answered]) -> list[int]:
    """Draw the filter and the order of the gallery, and return which answers to draw, in order."""
    decisions = list(dict.fromkeys(_decision(each) for each in good))
    kinds = {EVERYTHING: lambda _: True, DOUBTFUL: lambda each: bool(each.warnings)}
    kinds |= {name: lambda each, name=name: _decision(each) == name for name in decisions}
    columns = st.columns([1, 1, 2])
    kind = columns[0].selectbox("Show", list(kinds), key="gallery-show")
    order = columns[1].selectbox("Order", list(ORDERS), key="gallery-order")
    places = [place for place, each in enumerate(good) if kinds.get(kind, kinds[EVERYTHING])(each)]
    return sorted(places, key=lambda place: ORDERS[order](good[place]))


def _decision(answered: Answered) -> str:
    if answered.answer:
        return answered.answer.label
    return "something marked" if answered.marked.regions else "nothing marked"


def _score(answered: Answered) -> float:
    """Return the decision's probability, or without a classifier the marked area, highest first."""
    return -(max(answered.answer.probabilities.values()) if answered.answer else answered.marked.area)


EVERYTHING, DOUBTFUL = "all images", "with warnings"
ORDERS: dict[str, Callable[[Answered], Any]] = {
    "as uploaded": lambda _: 0,
    "warnings first": lambda each: (each.in_domain is not False, not each.warnings),
    "by decision": lambda each: (_decision(each), _score(each)),
    "highest score first": _score,
    "by name": lambda each: each.case.name.casefold(),
}


def _draw_tile(answered: Answered, place: int, primary: bool, opacities: Opacities, asked: Sequence[Member]) -> None:
    words, drawn = short_words(answered).replace(" · ", ", "), "heatmap" if answered.answer else "mask"
    alt = f"{answered.case.name} with its {drawn}: {answered.lead or words}"
    st.image(tile(answered, opacities, TILE), width="stretch", alt=alt)
    name = escape(answered.case.name)
    st.caption(name)
    if answered.in_domain is False:
        st.markdown(f":orange[:material/warning: **{escape(answered.lead)}**]  \n:gray[{escape(words)}]")
    else:
        doubt = f":orange[:material/warning: **{escape(answered.lead)}**]  \n" if answered.lead else ""
        st.markdown(f"{doubt}{escape(words)}")
    if label := true_label(answered.case, asked):
        st.caption(f"Ground truth: {escape(label)}")
    st.button(
        "Show above",
        key=f"show-{place}",
        on_click=_show,
        args=(place,),
        type="primary" if primary else "secondary",
        width="stretch",
        help=f"Show {name} above",
    )


def _table(answered: Sequence[Answered], asked: Sequence[Member]) -> None:
    rows = []
    for each in answered:
        if not each.good:
            rows.append({"File": each.case.name, "Remark": each.answer})
            continue
        remarks = [*each.warnings, *(remark.sentence for remark in standing(each, asked)), *each.case.scan.warnings]
        known = {"Like the training images": {True: "yes", False: "no", None: "unknown"}[each.in_domain]}
        labelled = {"Ground truth": label} if (label := true_label(each.case, asked)) else {}
        cells = {**known, **_said(each), **labelled, **marked_cells(each), "Remark": " ".join(remarks)}
        rows.append({"File": each.case.name, **cells})
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
        everything = "All images and the table (ZIP)"
        files.append((everything, "diagnosis.zip", "application/zip", lambda: zip_file(answered, classes, heat, mask)))
    with st.container(horizontal=True):
        for label, name, kind, make in files:
            st.download_button(
                label, make, name, kind, key=name, icon=":material/download:", type="tertiary", on_click="ignore"
            )
