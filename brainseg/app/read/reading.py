"""Reading: one case after the other; what is shown next follows from the log alone."""

from __future__ import annotations

import streamlit as st

from brainseg.app import model_cache, state
from brainseg.app.read.answering import draw_question
from brainseg.app.read.revealing import draw_revision, draw_truth
from brainseg.reading.ending import study_state
from brainseg.reading.replay import ReaderState, Step
from brainseg.reading.session import ADVICE, LONGEST_PSEUDONYM, ReaderSession
from brainseg.reading.study import Study
from brainseg.results.markdown import escape
from brainseg.scans import Scan

FINISHED = "You have answered all cases. Thank you!"
RESULTS_READY = "All who began have finished: choose Results above."
CONTINUES = "If you have begun before, the same pseudonym continues with your next case."


def draw_reading(study: Study, sitting: str) -> None:
    """Draw what comes next for this visitor: the choice of a pseudonym, a case, or the end."""
    names = st.session_state.setdefault(state.READERS, {})
    if study.id not in names:
        _draw_beginning(study, sitting)
        return
    if study.model:
        model_cache.warm_up()  # loads weights; the model is asked after an answer is locked
    session = ReaderSession(study, names[study.id], sitting)
    shown = st.session_state.get(state.READ_TRUTH)
    if shown and shown[0] == study.id:
        draw_truth(session, shown[1])
        return
    scan = session.show()
    own = session.state()
    case = own.current(study)
    if scan is None or case is None:
        _draw_end(study, own)
    else:
        _draw_case(session, own, case, scan)


def _draw_case(session: ReaderSession, own: ReaderState, case: str, scan: Scan) -> None:
    count, step = len(own.order), own.record(case).step(session.study)
    place = own.order.index(case) + 1
    st.progress((place - 1) / count, f"Case {place} of {count} · {escape(own.name)}")
    if step is Step.ANSWER:
        draw_question(session, case, scan)
    elif step is Step.TRUTH:  # the visitor left before the truth was shown
        session.show_truth(case)
        st.session_state[state.READ_TRUTH] = (session.study.id, case)
        st.rerun()
    else:
        draw_revision(session, own, case, scan)


def _draw_beginning(study: Study, sitting: str) -> None:
    with st.form("begin", border=False):
        name = st.text_input("Your pseudonym", max_chars=LONGEST_PSEUDONYM, key="reading-pseudonym", help=CONTINUES)
        st.caption(f"{ADVICE} {CONTINUES}")
        if st.form_submit_button("Begin", type="primary", key="reading-begin"):
            session = ReaderSession(study, name, sitting)
            session.begin()
            st.session_state[state.READERS][study.id] = session.reader
            st.rerun()


def _draw_end(study: Study, own: ReaderState) -> None:
    st.success(FINISHED, icon=":material/check:")
    found = study_state(study)
    if found.over:
        st.markdown(RESULTS_READY)
    else:
        waiting = ", ".join(escape(reader.name) for reader in found.unfinished)
        st.markdown(f"Results are shown when all who began have finished. Still reading: {waiting}.")
    if st.button("Read as somebody else", type="tertiary", key="reading-other"):
        st.session_state[state.READERS].pop(study.id, None)
        st.rerun()
