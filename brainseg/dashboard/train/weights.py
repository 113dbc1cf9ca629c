"""The choice of architectures and of the weights that they start from."""

from __future__ import annotations

import typing

import streamlit as st

from brainseg.config import Architecture, ModelConfig, RunConfig
from brainseg.dashboard.train.form import widget_key
from brainseg.dashboard.words import plain, run_label
from brainseg.models.sources import IMAGENET, RUN, is_weights_file
from brainseg.runs import Run

FILE, FINISHED = "A weights file on the server", "A finished run (warm start)"
NAMES = {
    "imagenet": "ImageNet",
    "imagenet-v1": "ImageNet, first edition",
    "none": "None (random)",
}
MEANINGS = {
    "imagenet": "The body has learnt to see on a million photographs. Taken from this server, or else downloaded once.",
    "imagenet-v1": "As ImageNet, but trained by the recipe of the original publications.",
    "none": "Nothing was learnt before: training needs far more images and epochs.",
    FILE: "A .safetensors or .pth file made for the architecture, read without running code. What it lacks starts out "
    "random, and the run's log says what that is.",
    FINISHED: "Goes on from what that run has learnt. If it learnt from images that are held out now, the figures of "
    "the new run are too good.",
}


def choose_architectures(preset: str) -> list[str]:
    """Draw the choice of architectures; each one ticked becomes a run."""
    key = widget_key("model.arch")
    st.session_state.setdefault(key, [RunConfig.from_preset(preset).model.arch])
    return st.pills(
        "Architectures",
        typing.get_args(Architecture),
        selection_mode="multi",
        key=key,
        wrap=True,
        persist_state="session",
        help=f"{ModelConfig.model_fields['arch'].description} Each one ticked becomes a run of its own.",
    )


def choose_weights(preset: str, runs: list[Run], archs: list[str]) -> str:
    """Draw the choice of starting weights, and return it as `model.weights` takes it.

    Args:
        preset: What it starts from.
        runs: All runs; those with a model are offered.
        archs: The architectures ticked.
    """
    start = RunConfig.from_preset(preset).model.weights
    models = {run.id: run for run in runs if run.has_model}
    words = [*IMAGENET, "none", FILE, *([FINISHED] if models else [])]
    key = widget_key("model.weights")
    st.session_state.setdefault(key, FILE if is_weights_file(start) else start)
    chosen = st.selectbox(
        "Weights to start from", words, key=key, format_func=lambda word: NAMES.get(word, word), persist_state="session"
    )
    st.caption(MEANINGS[chosen])
    if chosen == FILE:
        st.session_state.setdefault(f"{key}:file", start if is_weights_file(start) else "")
        return st.text_input("Weights file", key=f"{key}:file", persist_state="session").strip()
    if chosen == FINISHED:
        return RUN + _choose_model(models, key, archs)
    return chosen


def _choose_model(models: dict[str, Run], key: str, archs: list[str]) -> str:
    if st.session_state.get(f"{key}:run") not in models:
        st.session_state[f"{key}:run"] = next(iter(models))
    run_id = st.selectbox(
        "Run to start from",
        list(models),
        format_func=lambda each: run_label(models[each]),
        key=f"{key}:run",
        persist_state="session",
    )
    run = models[run_id]
    if others := [arch for arch in archs if arch != run.config.model.arch]:
        st.warning(
            f"{plain(run.name)} is a {run.config.model.arch}: for {', '.join(others)} only the parts that fit are "
            "taken, or the run is refused.",
            icon=":material/warning:",
        )
    return run_id
