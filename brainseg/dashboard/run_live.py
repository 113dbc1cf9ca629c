"""A run that waits or trains, as it goes."""

from __future__ import annotations

import time

import streamlit as st

from brainseg.dashboard import live_store
from brainseg.dashboard.page import demo_mode, guarded, link
from brainseg.dashboard.run_panels import figure
from brainseg.dashboard.run_record_panels import log_panel
from brainseg.dashboard.run_words import progress_words
from brainseg.jobs.queue import lane, queued, reconcile
from brainseg.jobs.workspace import Workspace
from brainseg.runs import ENDED, Run

EVERY = 2.0
"""Seconds between two looks."""
SILENCE = 120.0
"""Seconds without progress after which that is said."""


@st.fragment(run_every=EVERY)
@guarded
def live_view(run_id: str) -> None:
    """Draw a run under way again and again; at its end the page goes over to the view of an ended run."""
    if not demo_mode():
        reconcile(live_store.store())  # a training that died without a word would seem to run for ever
    run = live_store.run(run_id)
    if run.status in ENDED:
        live_store.refresh()
        st.rerun()
    if run.status == "SCHEDULED":
        _waiting(run)
        return
    progress = Workspace(run.id).read_progress()
    share, words = progress_words(progress)
    st.progress(share, words)
    silent = time.time() - float(progress.get("time", time.time()))
    if silent > SILENCE:
        st.caption(f"No progress for {silent / 60:.0f} min: a large step, or a busy machine.")
    figure(run, "training_curves", "" if run.kind == "find-lr" else "The curves begin when the first epoch has ended.")
    with st.expander("Log", icon=":material/notes:"):
        log_panel(run)
    figure(run, "learning_rate")


def _waiting(run: Run) -> None:
    ids = [other.id for other in queued(live_store.store(), lane(run.config.compute.device))]
    before = ids.index(run.id) if run.id in ids else 0
    st.info(f"The run waits in the queue; {before or 'none'} before it.", icon=":material/schedule:")
    link("train", "See the queue", icon=":material/model_training:")
