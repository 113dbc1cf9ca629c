"""A case before its answer is locked: the image, the question, and an optional box. Nothing of the model is here."""

from __future__ import annotations

from typing import Any

import streamlit as st

from brainseg.app import state
from brainseg.app.frame import dark, show
from brainseg.app.widgets.image import draw_png
from brainseg.diagnosis.images import squared
from brainseg.plots.reader_study import case_figure
from brainseg.reading.answers import HIGHEST, LOWEST, Box, ReaderAnswer
from brainseg.reading.replay import Step
from brainseg.reading.session import ReaderSession
from brainseg.scans import Scan

SIDE = 900
"""Pixels of the side of the image."""
SURE = f"How sure are you? {LOWEST} is a guess, {HIGHEST} is certain"
INCOMPLETE = "Choose a class, and say how sure you are, before you lock your answer."
BOX_HELP = "Drag a box around the finding, or enter its edges. The box is optional."
NO_BOX = "These edges are no box yet: fill in all four, left less than right and top less than bottom."
EDGES = ("Left", "Top", "Right", "Bottom")
COLUMNS = (3, 2)
"""Widths of the image and of the questions."""


def draw_question(session: ReaderSession, case: str, scan: Scan) -> None:
    """Draw the image and the question; Enter in the field of the confidence, or the button, locks the answer."""
    left, right = st.columns(COLUMNS, gap="medium")
    with right:
        form = st.container()
        wants_box = st.toggle("Mark with a box (optional)", key=_key(session, case, "box"))
    with left:
        box = _draw_box(session, case, scan) if wants_box else None
        if not wants_box:
            draw_image(scan)
    with form:
        given = ask(session, case, "What does the image show?", None, "Lock my answer", "Enter")
        st.caption("A locked answer cannot be changed before the model's answer is shown.")
    if given:
        own = session.lock(case, ReaderAnswer(*given, box))
        if own.record(case).step(session.study) is Step.TRUTH:
            session.show_truth(case)
            st.session_state[state.READ_TRUTH] = (session.study.id, case)
        st.rerun()


def ask(
    session: ReaderSession, case: str, question: str, start: tuple[str, int] | None, lock: str, shortcut: str
) -> tuple[str, int] | None:
    """Draw a question with the button that locks the answer.

    Args:
        session: The reader's session.
        case: The case.
        question: The question.
        start: The class and the confidence to start from; None for none, so that no default becomes an answer.
        lock: Text of the button.
        shortcut: Its key, outside of the fields.

    Returns:
        The class and the confidence once they are locked; None before.
    """
    classes = session.study.classes
    finding, confidence = start or (None, None)
    with st.form(_key(session, case, lock), border=False):
        chosen = st.radio(
            question,
            classes,
            index=classes.index(finding) if finding in classes else None,
            key=_key(session, case, f"finding {lock}"),
        )
        sure = st.number_input(
            SURE, LOWEST, HIGHEST, confidence, key=_key(session, case, f"confidence {lock}"), placeholder="1–100"
        )
        locked = st.form_submit_button(
            lock,
            type="primary",
            icon=":material/lock:",
            key=_key(session, case, f"lock {lock}"),
            shortcut=shortcut,
            width="stretch",
        )
    if locked and (chosen is None or sure is None):
        st.warning(INCOMPLETE, icon=":material/warning:")
        return None
    return (chosen, int(sure)) if locked and chosen is not None and sure is not None else None


def draw_image(scan: Scan) -> None:
    """Draw the image alone, large. Its name would reveal its class."""
    draw_png(squared(scan.pixels, SIDE), "The image of this case")


def _draw_box(session: ReaderSession, case: str, scan: Scan) -> Box | None:
    """Draw the image to draw on, and return the box; edges that are entered count before a box that is drawn."""
    entered = _entered(session, case, scan)
    key = _key(session, case, "draw")
    st.caption(BOX_HELP)
    with st.container(key=f"fits-{key.replace(':', '-')}"):
        chosen = show(
            case_figure(scan.pixels, entered, dark=dark()),
            key,
            name="case",
            on_select="rerun",
            selection_mode="box",
            alt="The image of this case, to draw a box on",
        )
    return entered or _drawn(chosen, scan)


def _entered(session: ReaderSession, case: str, scan: Scan) -> Box | None:
    height, width = scan.pixels.shape[:2]
    with st.expander("Enter the edges in pixels instead"):
        columns = st.columns(4)
        values = [
            column.number_input(edge, 0, limit, None, key=_key(session, case, edge), placeholder=f"0–{limit}")
            for column, edge, limit in zip(columns, EDGES, (width, height, width, height), strict=True)
        ]
        known = [float(value) for value in values if value is not None]
        if not known:
            return None
        if len(known) == len(EDGES) and known[0] < known[2] and known[1] < known[3]:
            return known[0], known[1], known[2], known[3]
        st.warning(NO_BOX, icon=":material/warning:")
    return None


def _drawn(chosen: Any, scan: Scan) -> Box | None:  # noqa: ANN401 - Streamlit's own object
    """Return the last box that was drawn, cut to the image."""
    boxes = chosen.selection.box if chosen else []
    if not boxes:
        return None
    height, width = scan.pixels.shape[:2]
    x, y = sorted(boxes[-1]["x"]), sorted(boxes[-1]["y"])
    left, right = (min(max(0.0, float(value)), float(width)) for value in (x[0], x[-1]))
    top, bottom = (min(max(0.0, float(value)), float(height)) for value in (y[0], y[-1]))
    return (left, top, right, bottom) if left < right and top < bottom else None


def _key(session: ReaderSession, case: str, part: str) -> str:
    return state.reading_widget(session.study.id, session.reader, case, part)
