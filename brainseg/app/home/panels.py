"""The parts of Home: the demo switch, the cards of the pages, the running trainings, and the best model."""

from __future__ import annotations

import os

import streamlit as st

from brainseg.app import live_store, state
from brainseg.app.frame import dark, guarded, link, show
from brainseg.app.navigation import demo_mode
from brainseg.app.widgets.live_run import draw_progress
from brainseg.errors import RunError
from brainseg.evaluation.stored import Evaluation
from brainseg.plots.comparison_curves import comparison_curves
from brainseg.results import stored_results as run_results
from brainseg.results.best_models import Best, best_models, under_way
from brainseg.results.comparison import MOST
from brainseg.results.markdown import escape
from brainseg.results.run_wording import model_words
from brainseg.runs import Run

FIRST_STEPS = (
    "First add a folder of slices, or have brainseg draw synthetic ones. Then train a model on them, which takes "
    "minutes. Diagnose and Compare work as soon as a training has finished."
)
NOT_EVALUATED = "No model has been evaluated yet."
TRAINING_NOW = "Training now"
QUEUED = ":material/schedule:"
IDLE = "Nothing is training right now."
EVERY = 2.0
"""Seconds between two updates."""
SHOWN = 3
"""Most trainings that are shown; there is rarely more than one."""

CARDS = (
    (
        "diagnose",
        "radiology",
        "Diagnose",
        "Upload an image to see a model's prediction and the regions that influenced it.",
    ),
    ("train", "model_training", "Train", "Choose a dataset and a network, and follow the training epoch by epoch."),
    ("compare", "compare", "Compare", "Compare models on the images that they share, with confidence intervals."),
)
STEPS = (
    ("diagnose", "radiology", "1. Choose or drop an image", "On Diagnose: one of the held-out samples, or your own."),
    (
        "",
        "fact_check",
        "2. Read the result",
        "The prediction, how sure the model is, and which regions influenced it.",
    ),
    ("compare", "compare", "3. Compare", "How good the models are, and where their predictions differ."),
)


def demo_switch() -> None:
    """Draw the switch of the demo session; a server that was started for demonstrations has none."""
    if os.environ.get("BRAINSEG_DEMO", "") not in ("", "0"):
        return
    st.toggle(
        "Demo session",
        value=demo_mode(),
        key=state.DEMO_SWITCH,
        on_change=_store_choice,
        help="Larger text, a guide in three steps, and no way to change what is stored.",
    )


def _store_choice() -> None:
    """Store the choice for all pages: Streamlit drops the value of a widget that is not drawn."""
    st.session_state[state.DEMO_SESSION] = st.session_state[state.DEMO_SWITCH]


def navigation_cards() -> None:
    """Draw a card for each main page; in a demo session, one for each of the three steps of the guide."""
    cards = STEPS if demo_mode() else CARDS
    for column, (target, icon, title, text) in zip(st.columns(len(cards)), cards, strict=True):
        with column.container(border=True, height="stretch"):
            st.header(f":material/{icon}: {title}", anchor=False)
            st.markdown(text)
            if target:
                link(target, f"Open {target.capitalize()}", icon=":material/arrow_forward:")


@st.fragment(run_every=EVERY)
@guarded
def live() -> None:
    """Draw the running trainings and the best model, and keep them up to date."""
    runs = live_store.runs()
    if not runs:
        _first_steps()
        return
    if not demo_mode():  # visitors of a public screen should not see other people's trainings
        _under_way(runs)
    st.header("Best model so far", anchor=False)
    found = best_models(runs, _evaluation_of)
    for best in found:
        _best(best)
    if not found:
        st.markdown(NOT_EVALUATED)


def _under_way(runs: list[Run]) -> None:
    running, waiting = under_way(runs)
    st.header(TRAINING_NOW, anchor=False)
    for run in running[:SHOWN]:
        _training(run)
    if waiting:
        names = ", ".join(run.name for run in waiting[:SHOWN])
        more = f" and {len(waiting) - SHOWN} more" if len(waiting) > SHOWN else ""
        st.markdown(f"{QUEUED} Queued: {escape(names)}{more}.")
    if not running and not waiting:
        st.markdown(IDLE)


def _first_steps() -> None:
    st.header("Nothing has been trained yet", anchor=False)
    st.markdown(FIRST_STEPS)
    if not demo_mode():
        link("data", "Add images", icon=":material/database:")
        link("train", "Train a model", icon=":material/model_training:")


def _training(run: Run) -> None:
    of = "robustness check of a " if run.check else ""
    st.markdown(f"**{escape(run.name)}**, {of}{escape(model_words(run))}")
    draw_progress(run)
    _curves(run)
    link("runs", f"Watch this {run.work}", icon=":material/query_stats:", run=run.id)


def _curves(run: Run) -> None:
    """Draw the epochs so far, on an axis for all epochs of the training."""
    try:
        epochs = run_results.epochs(live_store.store(), run)
    except RunError as error:  # an incomplete file must not hide the rest of Home
        st.caption(escape(error))
        return
    if epochs is None or epochs.empty:
        return
    settings = run.config.training
    figure = comparison_curves({run.name: epochs}, dark=dark())
    figure.update_xaxes(range=[0.5, settings.frozen_epochs + settings.epochs + 0.5])
    figure.update_layout(height=480, showlegend=False, margin={"r": 28})
    show(figure, f"home-{run.id}", name=f"epochs-{run.name}")


def _best(best: Best) -> None:
    with st.container(border=True):
        st.markdown(f"**{escape(best.run.name)}**, {escape(model_words(best.run))}, trained on {escape(best.data)}")
        for sentence in best.sentences():
            st.markdown(escape(sentence))
        with st.container(horizontal=True):
            link("diagnose", "Diagnose with it", icon=":material/radiology:", run=best.run.id)
            if best.rivals:
                ids = ",".join(run.id for run in (best.run, *best.rivals[: MOST - 1]))
                link("compare", "Compare with the closest", icon=":material/compare:", runs=ids)
            if not demo_mode():
                link("runs", "Open the run", icon=":material/query_stats:", run=best.run.id)


def _evaluation_of(run: Run) -> Evaluation | None:
    return _evaluation(live_store.store().uri, run.id, str(run.ended))


@st.cache_data(max_entries=100, show_spinner=False)
def _evaluation(uri: str, run_id: str, ended: str) -> Evaluation | None:
    """Cached: an ended run no longer changes. Damaged runs are left out here; their own pages report the damage."""
    try:
        return run_results.evaluation(live_store.store(), live_store.run(run_id))
    except RunError:
        return None
