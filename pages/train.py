"""Train: say what to learn from and how, put it into the queue, and watch it."""

from __future__ import annotations

import streamlit as st

from brainseg.config import RunConfig
from brainseg.dashboard import live_store
from brainseg.dashboard.page import demo_mode, page
from brainseg.dashboard.train.actions import draw_actions
from brainseg.dashboard.train.data import choose_data
from brainseg.dashboard.train.finder import draw_finders, finders
from brainseg.dashboard.train.form import choose_preset, draw_settings, reset
from brainseg.dashboard.train.launch import configurations
from brainseg.dashboard.train.queue import show_queue
from brainseg.dashboard.train.weights import choose_architectures, choose_weights
from brainseg.dashboard.words import plain
from brainseg.errors import ConfigError
from brainseg.runs import Run


def form(runs: list[Run]) -> tuple[str, list[RunConfig]]:
    """Draw the form; return the dataset and one configuration for each architecture, none while something is wrong."""
    st.subheader("What to learn from", anchor=False)
    data = choose_data(runs)
    st.subheader("Starting point", anchor=False)
    preset = choose_preset()
    archs = choose_architectures(preset)
    weights = choose_weights(preset, runs, archs)
    st.subheader("Settings", anchor=False)
    fault = st.empty()
    values = draw_settings(preset)
    if values.settings:
        st.button(f"Back to the values of {preset}", on_click=reset, type="tertiary", icon=":material/undo:")
    try:
        return data, configurations(values, data, archs, weights)
    except ConfigError as error:
        fault.error(plain(error), icon=":material/error:")
        return data, []


with page("Train", "Say what to learn from and how. Trainings wait in a queue and go on when you close this page."):
    if demo_mode():
        st.info("This is a demo session, in which nothing can be trained.", icon=":material/info:")
    else:
        runs = live_store.runs()
        left, right = st.columns([11, 9], gap="large")
        with left:
            data, configs = form(runs)
        with right:
            draw_actions(data, configs, runs)
            if found := finders(runs, data):
                with st.expander("Learning rate", expanded=True, icon=":material/show_chart:"):
                    draw_finders(found, configs)
            show_queue()
