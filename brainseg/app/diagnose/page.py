"""Diagnose: upload slices or a volume, and see what models predict, where they looked and what they mark."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from brainseg.app import live_store, model_cache, state
from brainseg.app.address import copy_link
from brainseg.app.diagnose.address import preselect, remember
from brainseg.app.diagnose.answers import answer_all
from brainseg.app.diagnose.cases import Case, Unreadable, choose_cases
from brainseg.app.diagnose.heatmap_options import HeatmapOptions, choose_heatmap
from brainseg.app.diagnose.members import Classifiers, Member, choose_members
from brainseg.app.diagnose.results import STYLE, show_results
from brainseg.app.diagnose.segmentation_model import choose_segmentation_model
from brainseg.app.diagnose.volume.listing import choose_shown, with_sequences
from brainseg.app.diagnose.volume.page import draw_volumes
from brainseg.app.diagnose.volume.uploads import choose_series
from brainseg.app.diagnose.waiting import all_ready, draw_first_steps, wait_for_loading, wait_for_model
from brainseg.app.frame import page

IMAGES, VOLUME = "Images", "Volume"
"""What is diagnosed: slices as images, or whole series."""


def draw_answers(
    cases: Sequence[Case | Unreadable],
    members: Classifiers,
    segmentation_model: Member | None,
    options: HeatmapOptions,
) -> None:
    """Draw the answers; until there are any, draw what to do first or which model is being trained or loaded."""
    asked = [*members, segmentation_model] if segmentation_model else members
    if live_store.promoted() is None:
        wait_for_model()
    elif not all_ready(asked):
        wait_for_loading(asked)
    elif cases and asked:
        with st.container(key="answer"):
            show_results(answer_all(cases, members, options, segmentation_model), members, segmentation_model)
            if state.SAMPLE in st.session_state:  # a link cannot show uploads: they exist only in this session
                copy_link()
    else:
        draw_first_steps(bool(members), bool(segmentation_model))


def draw() -> None:
    """Draw the page."""
    with page("Diagnose", "Upload brain MRI to see the models' predictions and the regions that influenced them."):
        st.html(STYLE)
        model_cache.warm_up()
        view = st.segmented_control(
            "What to diagnose",
            [IMAGES, VOLUME],
            default=IMAGES,
            required=True,
            key=state.DIAGNOSED,
            bind="query-params",
            label_visibility="collapsed",
        )
        left, right = st.columns([1, 3], gap="medium")
        if view == VOLUME:
            _draw_volume(left, right)
        else:
            _draw_images(left, right)


def _draw_images(left: DeltaGenerator, right: DeltaGenerator) -> None:
    with left:
        inputs = st.container()
        preselect()
        members = choose_members()
        segmentation_model = choose_segmentation_model(alone=not members)
        options = choose_heatmap(members) if members else HeatmapOptions()
        remember(members, segmentation_model, options)
        with inputs:
            cases = choose_cases(members.source or (segmentation_model.run if segmentation_model else None))
    with right:
        draw_answers(cases, members, segmentation_model, options)


def _draw_volume(left: DeltaGenerator, right: DeltaGenerator) -> None:
    with left:
        found, refused = choose_series()
        found = with_sequences(found)
        shown = choose_shown(found) if found else None
        preselect()
        members = choose_members()
        segmentation_model = choose_segmentation_model(alone=not members, volumes=True)
        remember(members, segmentation_model, HeatmapOptions())
    with right:
        draw_volumes(found, refused, shown, members, segmentation_model)
