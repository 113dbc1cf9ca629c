"""All answers of a visit: one as a card, and all in a gallery, a table and downloads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from brainseg.app import state
from brainseg.app.diagnose.answers import Answered
from brainseg.app.diagnose.card import Opacities, short_words, show_card, tile
from brainseg.app.diagnose.cases import Unreadable
from brainseg.app.diagnose.exports import csv_file, png_file, zip_file
from brainseg.app.diagnose.ground_truth import remarks, true_label
from brainseg.app.diagnose.mask_card import mask_cells
from brainseg.app.diagnose.members import Classifiers, Member
from brainseg.app.diagnose.reports import Download, report_downloads
from brainseg.app.frame import guarded
from brainseg.app.visitor import later
from brainseg.app.widgets.image import draw_png
from brainseg.results.markdown import escape

COLUMNS = 6
STYLE = """<style>
[class*="st-key-answer"] h2 { overflow-wrap: anywhere }
[class*="st-key-answer"] [data-testid="stCaptionContainer"] { overflow-wrap: anywhere }
@media (max-width: 640px) {
  [data-testid="stColumn"]:has(.st-key-answer) { order: -1 }
}
</style>"""
"""On a phone the columns are stacked: the answer comes first, above uploads and settings."""
TILE = 240
"""Pixels of the side of an image in the gallery."""


@st.fragment
@guarded
def show_results(
    results: Sequence[Answered | Unreadable], members: Classifiers, segmentation_model: Member | None
) -> None:
    """Draw the answers; visitors can change the opacity and the shown image without running the models again."""
    for each in results:
        if isinstance(each, Unreadable):
            st.error(escape(each.reason), icon=":material/error:")
    answered = [each for each in results if isinstance(each, Answered)]
    if not answered:
        return
    shown = answered[_place(len(answered))]
    opacities = show_card(shown, members, segmentation_model)
    if len(results) > 1:
        asked = [*members, segmentation_model] if segmentation_model else list(members)
        _gallery(answered, shown, opacities, asked)
        _table(results, asked)
    _downloads(results, shown, members, segmentation_model, opacities)


def _place(count: int) -> int:
    """Return which answer is shown; the first if the chosen one is gone."""
    place = int(st.session_state.get(state.SHOWN_IMAGE, 0))
    return place if place < count else 0


def _show(place: int) -> None:
    st.session_state[state.SHOWN_IMAGE] = place


def _gallery(answered: Sequence[Answered], shown: Answered, opacities: Opacities, asked: Sequence[Member]) -> None:
    st.header("All images", anchor=False)
    for origin in dict.fromkeys(each.origin for each in answered):
        st.caption(escape(origin))
    places = _chosen_places(answered)
    for start in range(0, len(places), COLUMNS):
        # Row by row: a long name makes its whole row higher, and the images stay aligned.
        for column, place in zip(st.columns(COLUMNS, gap="small"), places[start : start + COLUMNS], strict=False):
            with column:
                _draw_tile(answered[place], place, answered[place] is shown, opacities, asked)


def _chosen_places(answered: Sequence[Answered]) -> list[int]:
    """Draw the filter and the order of the gallery, and return which answers to draw, in order."""
    kinds = [EVERYTHING, DOUBTFUL, *dict.fromkeys(each.decision for each in answered)]
    columns = st.columns([1, 1, 2])
    kind = columns[0].selectbox("Show", kinds, key=state.GALLERY_SHOW)
    order = columns[1].selectbox("Order", list(ORDERS), key=state.GALLERY_ORDER)
    places = [place for place, each in enumerate(answered) if _matches(each, kind)]
    return sorted(places, key=lambda place: ORDERS[order](answered[place]))


def _matches(answered: Answered, kind: str) -> bool:
    return kind == EVERYTHING or (bool(answered.warnings) if kind == DOUBTFUL else answered.decision == kind)


EVERYTHING, DOUBTFUL = "all images", "with warnings"
ORDERS: dict[str, Callable[[Answered], tuple[str | float, ...]]] = {
    "as uploaded": lambda _: (),
    "warnings first": lambda each: (each.in_domain is not False, not each.warnings),
    "by decision": lambda each: (each.decision, -each.score),
    "highest score first": lambda each: (-each.score,),
    "by name": lambda each: (each.case.name.casefold(),),
}
"""Order of the gallery -> what it sorts by."""


def _draw_tile(answered: Answered, place: int, primary: bool, opacities: Opacities, asked: Sequence[Member]) -> None:
    words, drawn = short_words(answered).replace(" · ", ", "), "heatmap" if answered.answer else "mask"
    alt = f"{answered.case.name} with its {drawn}: {answered.lead or words}"
    draw_png(tile(answered, opacities, TILE), alt)
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


def _table(results: Sequence[Answered | Unreadable], asked: Sequence[Member]) -> None:
    rows = [_row(each, asked) for each in results]
    st.dataframe(pd.DataFrame(rows).fillna(""), hide_index=True, width="stretch")


def _row(result: Answered | Unreadable, asked: Sequence[Member]) -> dict[str, str]:
    if isinstance(result, Unreadable):
        return {"File": result.name, "Remark": result.reason}
    sentences = [*result.warnings, *(remark.sentence for remark in remarks(result, asked)), *result.case.scan.warnings]
    known = "unknown" if result.in_domain is None else "yes" if result.in_domain else "no"
    label = true_label(result.case, asked)
    return {
        "File": result.case.name,
        "Like the training images": known,
        **_class_cells(result),
        **({"Ground truth": label} if label else {}),
        **mask_cells(result),
        "Remark": " ".join(sentences),
    }


def _class_cells(answered: Answered) -> dict[str, str]:
    answer = answered.answer
    if not answer:
        return {}
    probabilities = {f"P({name})": answer.certainty.write(value) for name, value in answer.probabilities.items()}
    return {"Decision": answer.label, **probabilities, "Seconds": f"{answer.seconds:.2f}"}


def _downloads(
    results: Sequence[Answered | Unreadable],
    shown: Answered,
    members: Classifiers,
    segmentation_model: Member | None,
    opacities: Opacities,
) -> None:
    heat, mask = opacities.heat, opacities.mask
    classes = members[0].description.classes if members else ()
    files: list[Download] = [
        ("Table (CSV)", "diagnosis.csv", "text/csv", lambda: csv_file(results, classes)),
        ("This image with its answer (PNG)", "diagnosis.png", "image/png", lambda: png_file(shown, heat, mask)),
    ]
    files += report_downloads(shown, [*members, *filter(None, [segmentation_model])], (heat, mask))
    if len(results) > 1:
        everything = "All images and the table (ZIP)"
        files.append((everything, "diagnosis.zip", "application/zip", lambda: zip_file(results, classes, heat, mask)))
    with st.container(horizontal=True):
        for label, name, kind, make in files:
            st.download_button(
                label, later(make), name, kind, key=name, icon=":material/download:", type="tertiary", on_click="ignore"
            )
