"""A run whose work other runs do, on the Runs page until it has ended."""

from __future__ import annotations

import streamlit as st

from brainseg.app import live_store
from brainseg.app.navigation import demo_mode
from brainseg.jobs.queue import reconcile
from brainseg.runs import ENDED, Run

EVERY = 3.0
"""Seconds between two updates of a live cross-validation or search."""


def current(run_id: str) -> Run:
    """Return the run as it is now; if it has ended, draw the whole page again."""
    if not demo_mode():
        reconcile(live_store.store())
    run = live_store.run(run_id)
    if run.status in ENDED:
        live_store.refresh()
        st.rerun()
    return run
