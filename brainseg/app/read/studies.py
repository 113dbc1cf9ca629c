"""The list of reader studies, with the progress of each reader."""

from __future__ import annotations

import streamlit as st

from brainseg.app.frame import link
from brainseg.errors import BrainsegError
from brainseg.reading.ending import study_state
from brainseg.reading.library import all_studies
from brainseg.reading.study import Study
from brainseg.results.markdown import escape

NOTHING = "There is no reader study yet: create one below."
WHAT = (
    "In a reader study, you say what an image shows and how sure you are. Your answer is locked before you see the "
    "model's; then you may change your mind. A log keeps who saw what and when."
)


def study_words(study: Study) -> str:
    """Return what a study is, in one line, as Markdown."""
    cases = f"{len(study.cases)} cases of {study.dataset.name}"
    model = f"model {study.model.name}" if study.model else "no model"
    teaching = " · teaching: the truth is shown after each case" if study.teaching else ""
    return f"{escape(cases)} · {escape(model)}{teaching} · made {study.created[:10]}"


def draw_studies() -> None:
    """Draw the list of studies."""
    st.markdown(WHAT)
    studies = all_studies()
    if not studies:
        st.info(NOTHING, icon=":material/info:")
    for study in studies:
        if isinstance(study, Study):
            _draw(study)
        else:
            st.warning(escape(study.reason), icon=":material/broken_image:")


def _draw(study: Study) -> None:
    with st.container(border=True):
        st.markdown(f"**{escape(study.name)}**  \n:small[{study_words(study)}]")
        try:
            st.markdown(progress_words(study))
        except BrainsegError as error:  # one damaged log must not hide the other studies
            st.warning(escape(str(error)), icon=":material/broken_image:")
            return
        with st.expander("About the sample"):
            st.markdown("\n".join(f"- {escape(note)}" for note in study.notes))
        link("read", "Open", icon=":material/arrow_forward:", study=study.id)


def progress_words(study: Study) -> str:
    """Return how far each reader is, as Markdown.

    Raises:
        ReadingError: The study's files cannot be used.
    """
    found = study_state(study)
    if not found.readers:
        return "Nobody has read it yet."
    parts = [
        f"{escape(reader.name)} {'finished' if reader.finished else f'{len(reader.done(study))} of {len(study.cases)}'}"
        for reader in found.readers.values()
    ]
    return " · ".join(parts) + (" · ended" if found.ended else "")
