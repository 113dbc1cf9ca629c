"""A queued or running run, updated live."""

from __future__ import annotations

import time

import streamlit as st

from brainseg.app import live_store
from brainseg.app.frame import guarded, link
from brainseg.app.navigation import demo_mode
from brainseg.app.widgets.epoch_times import epoch_seconds, epoch_words
from brainseg.app.widgets.run_panels import draw_plot, log_panel
from brainseg.app.widgets.time_left import Place, place
from brainseg.jobs.launcher import words
from brainseg.jobs.queue import queued, reconcile
from brainseg.jobs.workers import queue_of
from brainseg.jobs.workspace import Workspace
from brainseg.runs import ENDED, Run
from brainseg.runs.run import LOCAL

EVERY = 2.0
"""Seconds between two updates."""
SILENCE = 120.0
"""Seconds without progress after which the page shows a note."""


@st.fragment(run_every=EVERY)
@guarded
def live_view(run_id: str) -> None:
    """Draw a queued or running run and keep it up to date; when it ends, the page shows the view of an ended run."""
    if not demo_mode():
        reconcile(live_store.store())  # a training whose process died would otherwise seem to run forever
    run = live_store.run(run_id)
    if run.status in ENDED:
        live_store.refresh()
        st.rerun()
    if run.status == "SCHEDULED":
        _waiting(run)
        return
    draw_progress(run)
    draw_plot(run, "training_curves", "The curves begin after the first epoch." if run.kind == "train" else "")
    draw_plot(run, "learning_rate")
    with st.expander("Log", icon=":material/notes:"):
        log_panel(run)


@guarded
def draw_progress(run: Run) -> None:
    """Draw how far a run is, how much longer it takes, and the metrics of its last epoch."""
    workspace, moment = Workspace(run.id), time.time()
    progress = workspace.read_progress()
    draw_bars(run, place(progress, epoch_seconds(run), moment))
    if workspace.cancel_requested():
        st.info("Stopping this run, which takes up to ten seconds.", icon=":material/stop_circle:")
    silent = moment - progress.get("time", moment)
    if silent > SILENCE:
        st.caption(f"No progress for {silent / 60:.0f} min: this step takes long, or the machine is busy.")


def draw_bars(run: Run, now: Place) -> None:
    """Draw the progress bars of a run, the remaining time if it is known, and the metrics of the last epoch."""
    left = ""
    if now.epoch or run.kind != "train":  # before its epochs, a training cannot predict its end
        patient = run.kind == "find-lr" or (run.kind == "train" and run.config.training.patience > 0)
        left = now.time_left(patient)
    if now.epoch:
        st.progress(now.whole, f"Epoch {now.epoch} of {now.epochs}{', ' + left if left else ''}")
        st.progress(now.part, f"{now.phase}: batch {now.step} of {now.steps}")
    else:
        count = f": {now.step} of {now.steps}" if now.steps else ""
        st.progress(now.part, f"{now.phase}{count}{', ' + left if left and now.steps else ''}")
    if words := epoch_words(run):
        st.caption(words)


def _waiting(run: Run) -> None:
    if run.launcher != LOCAL:
        st.info(f"Queued for {words(run.launcher)}.", icon=":material/schedule:")
        link("train", "See the queue", icon=":material/model_training:")
        return
    ids = [other.id for other in queued(live_store.store(), queue_of(run.config.compute.device))]
    before = ids.index(run.id) if run.id in ids else 0
    ahead = f"{before} run{'' if before == 1 else 's'} ahead" if before else "next in line"
    st.info(f"Queued: {ahead}.", icon=":material/schedule:")
    link("train", "See the queue", icon=":material/model_training:")
