"""The buttons that put something into the queue, with how long it will take."""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st

from brainseg.config import RunConfig
from brainseg.dashboard import live_store
from brainseg.dashboard.data.reading import count_pairs
from brainseg.dashboard.page import guarded
from brainseg.dashboard.train.data import count_images
from brainseg.dashboard.train.estimate import estimate, measured_paces
from brainseg.dashboard.train.launch import instant_baseline, launch
from brainseg.dashboard.train.queue import in_queue
from brainseg.dashboard.words import plain
from brainseg.jobs.reading import run_file
from brainseg.runs import ENDED, Kind, Run

BASELINE = (
    "A linear classifier on what the frozen network sees: a first model, and the mark that a training has to beat."
)
NO_BASELINE = (
    "An instant baseline is for classification alone: a segmentation is judged beside marking nothing and a threshold."
)


@guarded
def draw_actions(data: str, configs: list[RunConfig], runs: list[Run]) -> None:
    """Draw the buttons, and put into the queue what is asked for.

    Args:
        data: The dataset's path; "" as long as none is chosen.
        configs: One for each architecture; empty while the form is faulty.
        runs: All runs.
    """
    st.subheader("Start", anchor=False)
    name = st.text_input(
        "Name (may stay empty)", key="train:name", placeholder="made from architecture and preset", max_chars=60
    )
    if not data or not configs:
        st.info("Choose a dataset first." if not data else "Mend the settings first.", icon=":material/info:")
    ready = bool(data and configs)
    count, masks = len(configs), any(config.task == "segment" for config in configs)
    with st.container(horizontal=True):
        train = st.button(
            "Train" if count < 2 else f"Train {count} networks",
            type="primary",
            icon=":material/play_arrow:",
            disabled=not ready,
            key="train:train",
        )
        find = st.button(
            "Find learning rate",
            icon=":material/search:",
            disabled=not ready,
            key="train:find",
            help="Tries rising learning rates for a short while and draws the loss; leaves no model.",
        )
        instant = st.button(
            "Instant baseline",
            icon=":material/bolt:",
            disabled=not ready or masks,
            key="train:instant",
            help=NO_BASELINE if masks else BASELINE,
        )
    if masks:
        st.caption(NO_BASELINE)
    if ready:
        _estimates(configs, data, runs)
    if train:
        _report(launch(configs, name))
    elif find:
        _report(launch(configs[:1], kind="find-lr"))
    elif instant:
        _report(launch([instant_baseline(configs[0])], name and f"{name}-baseline"))


def _report(queued: Sequence[Run]) -> None:
    for run in queued:
        st.toast(f"{plain(run.name)} is in the queue.", icon=":material/schedule:")


def _estimates(configs: list[RunConfig], data: str, runs: list[Run]) -> None:
    first = configs[0]
    masks = first.task == "segment"
    images = count_pairs(data) if masks else count_images(data)
    if not images:
        what = "images with masks" if masks else "images"
        st.caption(f"How long it will take is not known: no {what} were found there to count.")
        return
    lines = [f"Training of {config.model.arch}: {_sentence(config, images, runs)}" for config in configs]
    if first.model.head == "concat-pool":
        lines.append(f"Learning-rate finder ({first.model.arch}): {_sentence(first, images, runs, 'find-lr')}")
    if first.model.head == "concat-pool" and not masks:
        lines.append(f"Instant baseline ({first.model.arch}): {_sentence(instant_baseline(first), images, runs)}")
    before = len(in_queue(runs))
    wait = f" after the {before} in the queue" if before else ""
    what = "images with masks" if masks else "images"
    st.caption(f"**Time{wait}, for {images:,} {what}**\n" + "".join(f"\n* {line}" for line in lines))


def _sentence(config: RunConfig, images: int, runs: list[Run], kind: Kind = "train") -> str:
    paces = measured_paces(config, runs, _images) if config.model.head == "concat-pool" else []
    found = estimate(config, images, paces, kind)
    if found:
        return found.sentence()
    return "not known, since no such run was measured on this GPU yet"


def _images(run: Run) -> int | None:
    return _stored_images(run.id, run.status in ENDED)


@st.cache_data(max_entries=1000, show_spinner=False)
def _stored_images(run_id: str, ended: bool) -> int | None:
    """Return how many readable images a run's dataset had, from its stored report."""
    file = run_file(live_store.store(), live_store.run(run_id), "dataset.json")
    try:
        return int(json.loads(file.read_text("utf-8"))["images"]) if file else None
    except (OSError, ValueError, KeyError):
        return None
