"""Train: choose a dataset and a network, queue the training, and follow it."""

from __future__ import annotations

import streamlit as st

from brainseg.app import live_store
from brainseg.app.frame import caught, page
from brainseg.app.messages import on_page
from brainseg.app.navigation import demo_mode
from brainseg.app.train.actions import draw_actions
from brainseg.app.train.address import read_address, write_address
from brainseg.app.train.data import choose_data
from brainseg.app.train.finder import draw_finders, finders
from brainseg.app.train.form import choose_preset, current_preset, draw_settings, reset
from brainseg.app.train.launch import configurations
from brainseg.app.train.queue import show_queue
from brainseg.app.train.weights import choose_architectures, choose_weights, how_to_get
from brainseg.config import RunConfig
from brainseg.errors import ConfigError
from brainseg.results.markdown import escape
from brainseg.runs import Run
from brainseg.users.actor import current
from brainseg.users.policy import Act, may, refusal

DEMO = "This is a demo session: training is switched off."


def form(runs: list[Run]) -> tuple[str, list[RunConfig]]:
    """Draw the form; return the dataset, and one configuration for each network or none while the form has errors."""
    data = choose_data(runs)
    archs = choose_architectures(current_preset())
    start = st.container()
    with st.expander("All settings", icon=":material/tune:", key="train:all-settings"):
        preset = choose_preset()
        weights = choose_weights(preset, runs, archs)
        values = draw_settings(preset)
        if values.settings:
            st.button(f"Reset to preset '{preset}'", on_click=reset, type="tertiary", icon=":material/undo:")
    write_address(values, archs, weights)
    with start:
        try:
            configs = configurations(values, data, archs, weights)
        except ConfigError as error:
            st.error(escape(on_page(error)), icon=":material/error:")
            configs = []
        wanted = RunConfig.from_preset(preset).model.weights
        draw_actions(data, configs, runs, how_to_get(wanted, archs) if weights == "none" else "")
    return data, configs


def draw() -> None:
    """Draw the page."""
    with page("Train", "Choose data and settings. Trainings are queued and keep running if you close this page."):
        if demo_mode():
            st.info(DEMO, icon=":material/info:")
        elif not may(Act.TRAIN):
            st.info(escape(refusal(Act.TRAIN, current())), icon=":material/info:")
            with st.container(key="live-queue"):
                show_queue()
        else:
            runs = live_store.runs()
            with caught():
                if message := read_address(runs):
                    st.info(escape(message), icon=":material/edit:")
            left, right = st.columns([11, 9], gap="large")
            with left:
                data, configs = form(runs)
            with right:
                if found := finders(runs, data):
                    with st.expander("Learning rate", expanded=True, icon=":material/show_chart:"):
                        draw_finders(found, configs)
                with st.container(key="live-queue"):
                    show_queue()
