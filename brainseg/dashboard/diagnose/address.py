"""The run that Diagnose's address names, put into the picker of its task."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from brainseg.dashboard import live_store
from brainseg.dashboard.words import plain

PICKERS = {"classify": "model", "segment": "marker"}
"""Task -> key of the picker of its models."""


def preselect() -> None:
    """Start with the run that the address names; say so where it has no model."""
    wanted, promoted = st.query_params.get("run"), live_store.promoted()
    if promoted is None or not wanted or st.session_state.get("asked for") == wanted:
        return
    st.session_state["asked for"] = wanted
    found = next((run for run in live_store.runs() if run.id == wanted and run.has_model), None)
    shown = found or promoted
    st.session_state[PICKERS[shown.config.task]] = shown.id
    if not found:
        st.info(
            f"The run {plain(wanted[:8])} that this address names has no model here (yet): {plain(promoted.name)} is "
            "shown instead.",
            icon=":material/info:",
        )


def forget_gone(picker: str, offered: Iterable[str]) -> None:
    """Forget a chosen run that is not offered any more."""
    if st.session_state.get(picker) not in offered:
        st.session_state.pop(picker, None)
