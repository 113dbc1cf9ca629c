"""What Diagnose shows while no model is ready: there is none, or it is being loaded."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from brainseg.app import live_store, model_cache
from brainseg.app.diagnose.members import Member
from brainseg.app.frame import guarded, link
from brainseg.app.navigation import demo_mode
from brainseg.app.widgets.live_run import draw_progress
from brainseg.diagnosis.images import CAPTION
from brainseg.diagnosis.mask_images import CAPTION as MASK_CAPTION
from brainseg.results.markdown import escape
from brainseg.results.run_wording import model_words, moment
from brainseg.runs import Run

NO_MODEL = "There is no model yet. You can use one here as soon as a training has finished."
TRAINING = "There is no model yet, but one is being trained. This page updates by itself when it is ready."
LOADING = ":material/hourglass_top:"
"""Icon of the message that a model is being loaded."""
POLL = 2.0
LOADING_POLL = 0.5
"""Seconds between two updates."""


@st.fragment(run_every=POLL)
@guarded
def wait_for_model() -> None:
    """Draw which models are being trained, and redraw the page once there is one."""
    if live_store.promoted():
        st.rerun()
    waiting = [run for run in live_store.runs() if run.kind == "train" and run.status in ("RUNNING", "SCHEDULED")]
    if not waiting:
        st.info(NO_MODEL)
        if not demo_mode():
            link("train", "Train a model", icon=":material/model_training:")
        return
    st.info(TRAINING)
    for run in reversed(waiting):
        _draw_run(run)
    if not demo_mode():
        link("train", "Show the trainings", icon=":material/model_training:")


def _draw_run(run: Run) -> None:
    st.markdown(waiting_sentence(run))
    if run.status != "SCHEDULED":
        draw_progress(run)


def waiting_sentence(run: Run) -> str:
    """Return since when a run has been queued or training, as Markdown."""
    state = "queued" if run.status == "SCHEDULED" else "training"
    return f"**{escape(run.name)}** ({escape(model_words(run))}) has been {state} since {moment(run.created)}."


def draw_first_steps(classifies: bool, marks: bool) -> None:
    """Draw what to do first.

    Args:
        classifies: Whether there is a classifier.
        marks: Whether there is a segmentation model.
    """
    with st.container(border=True):
        st.header("Drop one or more images on the left, or try a sample", anchor=False)
        steps = [(":material/image:", "Image", "PNG, JPEG, BMP, TIFF or GIF, one slice per file.")]
        if classifies:
            steps.append((":material/visibility:", "Heatmap", CAPTION))
        if marks:
            steps.append((":material/gesture:", "Mask", MASK_CAPTION))
        if classifies:
            steps.append(
                (":material/bar_chart:", "Probabilities", "The prediction in words, and the score of each class.")
            )
        for column, (icon, title, about) in zip(st.columns(max(3, len(steps))), steps, strict=False):
            column.markdown(f"{icon} **{title}**  \n{about}")


def all_ready(members: Sequence[Member]) -> bool:
    """Return whether all models are in memory; the others start loading in the background.

    Raises:
        BundleError: A bundle is missing, damaged or changed.
    """
    # A list, not a generator: all of them start loading at once.
    return all([model_cache.ready(member.run.id, member.description.task) for member in members])


@st.fragment(run_every=LOADING_POLL)
@guarded
def wait_for_loading(members: Sequence[Member]) -> None:
    """Show that models are being loaded, and redraw the page once they are."""
    if all_ready(members):
        st.rerun()
    which = "The model is" if len(members) == 1 else "The models are"
    st.info(f"{which} being loaded …", icon=LOADING)
