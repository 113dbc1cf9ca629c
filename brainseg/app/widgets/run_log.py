"""The log of a training."""

from __future__ import annotations

import streamlit as st

from brainseg.app import live_store
from brainseg.app.frame import guarded
from brainseg.results import stored_results as run_results
from brainseg.runs import Run


@guarded
def log_panel(run: Run) -> None:
    """The log of the training."""
    text = run_results.log_text(live_store.store(), run)
    if text:
        st.code(text, language=None, height=400)
    else:
        st.info("The run has no log: it never started, or its files were removed.")
