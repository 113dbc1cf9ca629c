"""The address of Diagnose: a link names the models, the sample and the heatmap, and a new visit starts with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from brainseg.app import live_store, state
from brainseg.app.address import named_run, parameter, set_parameters
from brainseg.results.markdown import escape
from brainseg.runs import Run

if TYPE_CHECKING:
    from brainseg.app.diagnose.heatmap_options import HeatmapOptions
    from brainseg.app.diagnose.members import Classifiers, Member

NAMED = 5
"""Most models of folds that are named."""
NO_FOLD_MODELS = "None of its folds has left a model (yet)."
RUN, SEGMENTATION_MODEL, NO_MODEL = "run", "marker", "none"
"""Parameters for the first model and the segmentation model, and the value that means no segmentation model."""
OTHERS = "with"
"""Parameter for the other members of an ensemble: their ids, separated by commas."""
HEATMAP_CLASS, HEATMAP_METHOD, HEATMAP_LAYER = "explain", "method", "layer"
"""Parameters for the heatmap's settings."""


def preselect() -> None:
    """Choose the models that the address names; show a message if the first run has no model."""
    wanted, beside, promoted = parameter(RUN), parameter(SEGMENTATION_MODEL), live_store.promoted()
    if promoted is None or not wanted:
        return
    drawn = any(key in st.session_state for key in state.PICKERS.values())
    # Streamlit drops the pickers' values when the visitor leaves the page: without them, this is a new visit.
    if drawn and st.session_state.get(state.ADDRESS_READ) == (wanted, beside):
        return
    st.session_state[state.ADDRESS_READ] = (wanted, beside)
    models = [run for run in live_store.runs() if run.offers_answers]
    found, _ = named_run(wanted, models)
    shown = found or promoted
    st.session_state[state.PICKERS[shown.config.task]] = shown.id
    marks = [run for run in models if state.PICKERS[run.config.task] == state.SEGMENTATION_MODEL]
    if beside == NO_MODEL:
        st.session_state[state.SEGMENTATION_MODEL] = ""
    elif run := named_run(beside, marks)[0]:
        st.session_state[state.SEGMENTATION_MODEL] = run.id
    parent = named_run(wanted, [run for run in live_store.runs() if run.kind == "crossval"])[0]
    if parent:
        st.info(crossval_words(parent, models), icon=":material/info:")
    elif not found:
        st.info(
            f"The address names run {escape(wanted[:8])}, which has no model here (yet): {escape(promoted.name)} is "
            "shown instead.",
            icon=":material/info:",
        )


def crossval_words(parent: Run, models: Sequence[Run]) -> str:
    """Return why a cross-validation cannot be used as a model, and which models its folds left, as Markdown."""
    own = [escape(run.name) for run in models if run.parent == parent.id]
    named = ", ".join(own[:NAMED]) + (f" and {len(own) - NAMED} more" if len(own) > NAMED else "")
    left = f"Its folds left these models, which you can choose here: {named}." if own else NO_FOLD_MODELS
    return f"{escape(parent.name)} is a cross-validation: it judges settings and is no model itself. {left}"


def remember(members: Classifiers, segmentation_model: Member | None, options: HeatmapOptions) -> None:
    """Write the models and the heatmap options into the address: a link shows the same answer later.

    Args:
        members: The classifiers.
        segmentation_model: Used with the classifiers, or alone if there are none.
        options: What the heatmap shows.
    """
    first = members.source or (segmentation_model.run if segmentation_model else None)
    if first is None:
        return
    beside = ""
    if members and segmentation_model:
        beside = segmentation_model.run.id
    elif members and live_store.promoted("segment"):
        beside = NO_MODEL
    set_parameters(
        **{
            RUN: first.id,
            SEGMENTATION_MODEL: beside,
            OTHERS: "" if members.ensemble else ",".join(member.run.id for member in members[1:]),
            HEATMAP_CLASS: options.explain,
            HEATMAP_METHOD: options.method,
            HEATMAP_LAYER: str(options.stage) if options.stage else "",
        }
    )
    st.session_state[state.ADDRESS_READ] = (first.id, beside)


def named_others(fitting: dict[str, Run], most: int) -> list[str]:
    """Return the ids of the other members that the address names and that fit, at most `most` of them."""
    named = [named_run(wanted, list(fitting.values()))[0] for wanted in parameter(OTHERS).split(",") if wanted.strip()]
    return list(dict.fromkeys(run.id for run in named if run))[:most]


def new_visit() -> bool:
    """Return whether this visit has not drawn the heatmap's settings yet: then they come from the address."""
    return state.HEATMAP_METHOD not in st.session_state


def named_option(name: str, offered: Iterable[object]) -> object | None:
    """Return the option that a parameter of the address names; None if it names none."""
    return next((option for option in offered if str(option) == parameter(name)), None)


def clear_missing(picker: str, offered: Iterable[str]) -> None:
    """Clear the choice of a run that is no longer offered."""
    if st.session_state.get(picker) not in set(offered):
        st.session_state.pop(picker, None)
