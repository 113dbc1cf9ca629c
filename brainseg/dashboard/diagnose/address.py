"""The models in Diagnose's address: it names them for a link, and chooses them in the pickers of their tasks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from brainseg.dashboard import live_store
from brainseg.dashboard.address import keep, named_run, parameter
from brainseg.dashboard.words import plain

if TYPE_CHECKING:
    from brainseg.dashboard.diagnose.members import Member

PICKERS = {"classify": "model", "segment": "marker"}
"""Task -> key of the picker of its models."""
RUN, MARKER, NOBODY = "run", "marker", "none"
"""Parameters of the address, and the marker that stands for none."""
_ASKED = "asked for"


def preselect() -> None:
    """Start with the run that the address names; say so where it has no model."""
    wanted, marker, promoted = parameter(RUN), parameter(MARKER), live_store.promoted()
    if promoted is None or not wanted or st.session_state.get(_ASKED) == (wanted, marker):
        return
    st.session_state[_ASKED] = (wanted, marker)
    models = [run for run in live_store.runs() if run.has_model]
    found, _ = named_run(wanted, models)
    shown = found or promoted
    st.session_state[PICKERS[shown.config.task]] = shown.id
    if marker == NOBODY:
        st.session_state[PICKERS["segment"]] = ""
    elif (beside := named_run(marker, models)[0]) and beside.config.task == "segment":
        st.session_state[PICKERS["segment"]] = beside.id
    if not found:
        st.info(
            f"The run {plain(wanted[:8])} that this address names has no model here (yet): {plain(promoted.name)} is "
            "shown instead.",
            icon=":material/info:",
        )


def remember(members: Sequence[Member], marker: Member | None) -> None:
    """Keep the models that are asked in the address, so that a link asks the same ones tomorrow."""
    if not members:
        return
    beside = marker.run.id if marker else NOBODY if live_store.promoted("segment") else ""
    keep(**{RUN: members[0].run.id, MARKER: beside})
    st.session_state[_ASKED] = (members[0].run.id, beside)


def forget_gone(picker: str, offered: Iterable[str]) -> None:
    """Forget a chosen run that is not offered any more."""
    if st.session_state.get(picker) not in offered:
        st.session_state.pop(picker, None)
