"""A case after its answer is locked: the model's answer beside it, the answer after that, and the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from brainseg.app import live_store, model_cache, state
from brainseg.app.read.answering import COLUMNS, SIDE, ask, draw_image
from brainseg.app.widgets.image import draw_png
from brainseg.diagnosis.doubts import UNLIKE
from brainseg.diagnosis.images import CAPTION, overlay, squared
from brainseg.diagnosis.joint import diagnose_with
from brainseg.diagnosis.mask_images import mask_overlay
from brainseg.reading.images import read_case
from brainseg.reading.library import read_mask
from brainseg.reading.replay import CaseRecord, ReaderState
from brainseg.reading.session import ReaderSession
from brainseg.reading.study import Study
from brainseg.results.markdown import escape
from brainseg.scans import Scan

if TYPE_CHECKING:
    from brainseg.reading.model import ModelAnswer

ASK_AGAIN = "Your answer, after the model's"
OUTLINE = "The outline is the true mask."


def draw_revision(session: ReaderSession, own: ReaderState, case: str, scan: Scan) -> None:
    """Draw the model's answer, and the question again, with the locked answer chosen."""
    answer = _model_answer(session, case)
    locked = own.record(case).locked
    if locked is None:  # `show_model` has refused it already
        return
    left, right = st.columns(COLUMNS, gap="medium")
    with right:
        _draw_answer(answer)
        st.markdown(f"You alone: **{escape(locked.finding)}**, confidence {locked.confidence}.")
        # Another key than that of the first lock: a key that is held down must not skip the model's answer.
        start = locked.finding, locked.confidence
        if given := ask(session, case, ASK_AGAIN, start, "Lock and go on", "Shift+Enter"):
            session.revise(case, *given)
            st.session_state.pop(state.READ_ANSWER, None)
            if session.study.teaching:
                session.show_truth(case)
                st.session_state[state.READ_TRUTH] = (session.study.id, case)
            st.rerun()
    with left:
        if st.toggle("Heatmap", value=True, key=state.reading_widget(session.study.id, session.reader, case, "heat")):
            _draw_heatmap(scan, answer)
        else:
            draw_image(scan)


def _model_answer(session: ReaderSession, case: str) -> ModelAnswer:
    """Return the model's answer; it is asked once per case and visit, and never before the answer is locked."""
    kept: tuple[str, ModelAnswer] | None = st.session_state.get(state.READ_ANSWER)
    if kept and kept[0] == case:
        return kept[1]
    with st.spinner("Asking the model …", show_time=True):
        answer = session.show_model(case, lambda scan: _ask(session.study, scan))
    st.session_state[state.READ_ANSWER] = (case, answer)
    return answer


def _ask(study: Study, scan: Scan) -> ModelAnswer:
    run = live_store.run(study.model.run if study.model else "")
    if not run.members:
        return model_cache.predictor(run.id).diagnose(scan)
    opened = model_cache.ensemble(run.id)
    return diagnose_with([model_cache.predictor(member.id) for member in opened.members], scan, opened.ensemble)


def _draw_answer(answer: ModelAnswer) -> None:
    """Draw the doubts first, then the model's class with its probability."""
    words = f"{answer.label} · {answer.certainty.write(answer.probabilities[answer.label])}"
    if answer.in_domain is False:
        st.header(escape(UNLIKE), anchor=False)
    if answer.warnings:
        st.warning("  \n".join(map(escape, answer.warnings)), icon=":material/warning:")
    if answer.in_domain is False:
        st.markdown(f":gray[If it were, the model would say: {escape(words)}]")
    else:
        st.header(f"Model: {escape(words)}", anchor=False)
    st.caption(f"{escape(answer.sentence)} {escape(answer.origin)} {escape(' '.join(answer.certainty.sentences))}")


def _draw_heatmap(scan: Scan, answer: ModelAnswer) -> None:
    pixels = overlay(squared(scan.pixels, SIDE), squared(answer.heatmap, SIDE))
    alt = f"The image with the heatmap of class {answer.explained} laid over it"
    draw_png(pixels, alt, CAPTION)


def draw_truth(session: ReaderSession, case: str) -> None:
    """Draw the truth of a case that is done, in teaching mode, until the reader goes on."""
    known, record = session.study.case(case), session.state().record(case)
    left, right = st.columns(COLUMNS, gap="medium")
    with right:
        st.header(f"Truth: {escape(known.truth)}", anchor=False)
        draw_given(session.study, case, record)
        if st.button(
            "Next case",
            type="primary",
            icon=":material/arrow_forward:",
            key=state.reading_widget(session.study.id, session.reader, case, "next"),
            shortcut="Shift+Enter",
            width="stretch",
        ):
            st.session_state.pop(state.READ_TRUTH, None)
            st.rerun()
    with left:
        draw_true_image(session.study, case)


def draw_given(study: Study, case: str, record: CaseRecord) -> None:
    """Draw what a reader and the model said about a case, and whether it is right."""
    truth = study.case(case).truth
    said: list[tuple[str, str | None]] = [
        ("Alone", record.locked.finding if record.locked else None),
        ("Model", record.model.label if record.model else None),
        ("After the model", record.revised.finding if record.revised else None),
    ]
    for who, finding in said:
        if finding:
            icon = ":material/check:" if finding == truth else ":material/close:"
            st.markdown(f"{icon} {who}: **{escape(finding)}** ({'right' if finding == truth else 'wrong'})")


def draw_true_image(study: Study, case: str) -> None:
    """Draw the image with the outline of its true mask, if it has one."""
    known = study.case(case)
    pixels = squared(read_case(study, known).pixels, SIDE)
    if known.mask:
        mask = squared(read_mask(study.id, known.mask).astype(np.float32), SIDE) >= 0.5
        pixels = mask_overlay(pixels, mask.astype(np.uint8), fill=False)
    draw_png(pixels, f"The image of this case, whose class is {known.truth}", OUTLINE if known.mask else None)
