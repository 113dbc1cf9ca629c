"""Read: answer images yourself, then see the model's answer, and compare both."""

from __future__ import annotations

import secrets

import streamlit as st

from brainseg.app import state
from brainseg.app.address import copy_link, parameter, set_parameters
from brainseg.app.frame import page
from brainseg.app.read.creating import draw_creating
from brainseg.app.read.reading import draw_reading
from brainseg.app.read.results import draw_results
from brainseg.app.read.studies import draw_studies, study_words
from brainseg.reading.library import find_study
from brainseg.results.markdown import escape
from brainseg.users.policy import Act, may

STUDY = "study"
"""Parameter of the address: the study."""
READ, RESULTS = "Read", "Results"
LEAD = "Give your own answer first, then see the model's, and learn how both compare."
STYLE = """<style>
.st-key-reading [data-testid="stMarkdownContainer"] p, .st-key-reading label p { font-size: 1.2rem }
.st-key-reading [data-testid="stCaptionContainer"] p { font-size: 1rem }
.st-key-reading [data-testid="stNumberInput"] input { font-size: 1.2rem }
.st-key-reading [data-testid^="stBaseButton"] { min-height: 3rem }
.st-key-reading [data-testid="stRadio"] label { padding: .35rem 0 }
.st-key-reading [data-testid="stImage"] img { max-height: 66vh; object-fit: contain }
.st-key-reading kbd { opacity: 1; color: light-dark(#FFFFFF, #0B0D10) }
.st-key-reading h2 { overflow-wrap: anywhere; padding-top: 0 }
</style>"""
"""Readers look at the image, not at the page: it fits on the screen, and the questions beside it are in large type."""


def draw() -> None:
    """Draw the page."""
    wanted = parameter(STUDY)
    with page("Read", "" if wanted else LEAD):
        st.html(STYLE)
        if wanted:
            _draw_study(wanted)
            return
        draw_studies()
        if may(Act.MAKE_STUDY):
            draw_creating()


def _draw_study(wanted: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("All studies", icon=":material/arrow_back:", type="tertiary"):
            set_parameters(**{STUDY: None})
            st.session_state.pop(state.READ_VIEW, None)
            st.rerun()
        study = find_study(wanted)
        view = st.segmented_control(
            "Show", (READ, RESULTS), default=READ, key=state.READ_VIEW, required=True, label_visibility="collapsed"
        )
        st.markdown(f"**{escape(study.name)}** · :small[{study_words(study)}]")
    sitting = st.session_state.setdefault(state.SITTING, secrets.token_hex(8))
    if view == RESULTS:
        draw_results(study, sitting)
        copy_link()
    else:
        with st.container(key="reading"):
            draw_reading(study, sitting)
