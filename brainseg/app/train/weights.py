"""The choice of architectures and of their initial weights."""

from __future__ import annotations

import typing
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from brainseg.app import state
from brainseg.app.train.form import widget_key
from brainseg.config import Architecture, ModelConfig, RunConfig
from brainseg.datasets.access import permitted
from brainseg.errors import DataError, WeightsError
from brainseg.models.sources import (
    FILES,
    IMAGENET,
    RUN,
    imagenet_cached,
    imagenet_reachable,
    is_weights_file,
    torch_cache,
)
from brainseg.results.markdown import escape
from brainseg.results.run_wording import run_label
from brainseg.runs import Run

FILE, FINISHED = "A weights file on the server", "A finished run (warm start)"
NAMES = {
    "imagenet": "ImageNet",
    "imagenet-v1": "ImageNet, first edition",
    "none": "None (random)",
}
MEANINGS = {
    "imagenet": "Pretrained on ImageNet (1.3 million photos). Uses the local copy, or downloads it once.",
    "imagenet-v1": "Like ImageNet, but trained with the recipe of the original publications.",
    "none": "Random initial weights: needs many more images and epochs.",
    FILE: "A .safetensors or .pth file for the architecture, read without running code. Weights that it lacks start "
    "random, and the run's log lists them.",
    FINISHED: "Continues from the weights of that run. If it was trained on images that are held out now, the metrics "
    "of the new run are too good.",
}
SIZES = {
    "resnet18": "ResNet-18 · smallest, fastest",
    "resnet34": "ResNet-34 · small",
    "resnet50": "ResNet-50 · medium",
    "resnet101": "ResNet-101 · large",
    "resnet152": "ResNet-152 · largest, slowest",
}


def choose_architectures(preset: str) -> list[str]:
    """Draw the choice of architectures; each chosen one becomes a run."""
    key = widget_key("model.arch")
    st.session_state.setdefault(key, [RunConfig.from_preset(preset).model.arch])
    return st.pills(
        "Size of the network",
        typing.get_args(Architecture),
        selection_mode="multi",
        key=key,
        format_func=lambda arch: SIZES.get(arch, arch),
        wrap=True,
        persist_state="session",
        help=f"{ModelConfig.model_fields['arch'].description} Each chosen network becomes a separate run.",
    )


def choose_weights(preset: str, runs: list[Run], archs: list[str]) -> str:
    """Draw the choice of initial weights, and return the value for `model.weights`.

    Until the visitor chooses, ImageNet weights are preselected only if they are on this machine.

    Args:
        preset: The preset of the form.
        runs: All runs; those with a model are offered.
        archs: The chosen architectures.
    """
    start = RunConfig.from_preset(preset).model.weights
    models = {run.id: run for run in runs if run.offers_model}
    words = [*IMAGENET, "none", FILE, *([FINISHED] if models else [])]
    key = widget_key("model.weights")
    if not st.session_state.get(state.weights_chosen(key)):
        _select(preselected(start, archs, runs), key)
    elif st.session_state.get(key) == FINISHED and not models:
        _select("none", key)
    chosen = st.selectbox(
        "Weights to start from",
        words,
        key=key,
        format_func=lambda word: NAMES.get(word, word),
        on_change=_mark_chosen,
        args=(key,),
        persist_state="session",
    )
    st.caption(MEANINGS[chosen])
    if chosen == FILE:
        st.session_state.setdefault(state.weights_file(key), start if is_weights_file(start) else "")
        return st.text_input("Weights file", key=state.weights_file(key), persist_state="session").strip()
    if chosen == FINISHED:
        return RUN + _choose_model(models, key, archs)
    return chosen


def preselected(start: str, archs: Sequence[str], runs: Sequence[Run]) -> str:
    """Return the weights to offer first: the preset's, unless those are ImageNet's and not on this machine.

    Then it is the weights file of the newest finished run with the same single architecture, if the pages may open
    that file, or else random weights. This does not check whether ImageNet weights can be downloaded: offline, that
    would take seconds.

    Args:
        start: The preset's weights.
        archs: The chosen architectures.
        runs: All runs, newest first.
    """
    if start not in IMAGENET or not missing(start, archs):
        return start
    for run in runs:
        file = run.config.model.weights
        if list(archs) == [run.config.model.arch] and run.has_model and is_weights_file(file) and _may_open(file):
            return file
    return "none"


def _may_open(file: str) -> bool:
    try:
        return Path(permitted(file)).is_file()
    except DataError:
        return False


def missing(spec: str, archs: Sequence[str]) -> list[str]:
    """Return the architectures whose weights would have to be downloaded first."""
    return [arch for arch in archs if spec in IMAGENET and not imagenet_cached(arch, spec)]


def how_to_get(spec: str, archs: Sequence[str]) -> str:
    """Return one sentence on how to get ImageNet weights onto this machine; "" if they are there.

    Args:
        spec: The preset's weights.
        archs: The chosen architectures.
    """
    if not (absent := missing(spec, archs)):
        return ""
    files = " and ".join(FILES[spec][arch] for arch in absent)
    return (
        f"ImageNet weights for {' and '.join(absent)} are not on this machine: to use them, choose ImageNet under All "
        f"settings, which downloads them, or copy {files} into {torch_cache()}."
    )


def refuse_missing(configs: Sequence[RunConfig]) -> None:
    """Refuse runs whose ImageNet weights are not on this machine and cannot be downloaded now.

    Raises:
        WeightsError: There is such a run.
    """
    for arch, spec in dict.fromkeys((config.model.arch, config.model.weights) for config in configs):
        if spec in IMAGENET and not imagenet_cached(arch, spec) and not imagenet_reachable(arch, spec):
            raise WeightsError(
                f"The ImageNet weights of {arch} are not on this machine and cannot be downloaded now: choose None "
                f"(random) or a weights file under Weights to start from, or copy {FILES[spec][arch]} into "
                f"{torch_cache()}."
            )


def fill_weights(spec: str) -> None:
    """Write a weights setting into the form, as if the visitor had chosen it."""
    key = widget_key("model.weights")
    _select(spec, key)
    _mark_chosen(key)


def _select(spec: str, key: str) -> None:
    if spec.startswith(RUN):
        st.session_state[key], st.session_state[state.weights_run(key)] = FINISHED, spec.removeprefix(RUN)
    elif is_weights_file(spec):
        st.session_state[key], st.session_state[state.weights_file(key)] = FILE, spec
    else:
        st.session_state[key] = spec


def _mark_chosen(key: str) -> None:
    """Keep the visitor's choice when another architecture is chosen."""
    st.session_state[state.weights_chosen(key)] = True


def _choose_model(models: dict[str, Run], key: str, archs: list[str]) -> str:
    if st.session_state.get(state.weights_run(key)) not in models:
        st.session_state[state.weights_run(key)] = next(iter(models))
    run_id = st.selectbox(
        "Run to start from",
        list(models),
        format_func=lambda each: run_label(models[each]),
        key=state.weights_run(key),
        persist_state="session",
    )
    run = models[run_id]
    if others := [arch for arch in archs if arch != run.config.model.arch]:
        st.warning(
            f"{escape(run.name)} is a {run.config.model.arch}: for {', '.join(others)} only the parts that fit are "
            "used, or the run is refused.",
            icon=":material/warning:",
        )
    return run_id
