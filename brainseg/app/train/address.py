"""The Train form in the page's address: it survives a reload, can be shared, and can start from an earlier run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import streamlit as st

from brainseg.app import state
from brainseg.app.address import set_parameters
from brainseg.app.train.data import choose_dataset_later
from brainseg.app.train.form import ELSEWHERE, FormValues, reset, widget_key
from brainseg.app.train.weights import fill_weights
from brainseg.app.train.widgets import set_widget
from brainseg.config import RunConfig, preset_names
from brainseg.config.form_fields import form_fields
from brainseg.errors import ConfigError, RunError
from brainseg.runs import Run

FROM = "from"
"""Parameter for the run whose settings fill the form: its id or the start of it."""
NAMES = ("preset", "networks", "weights", "settings")


def read_address(runs: Sequence[Run]) -> str:
    """Fill the form from the address; call it before the form is drawn.

    Args:
        runs: All runs, newest first.

    Returns:
        A sentence that names the run whose settings fill the form; "" if the address names none.

    Raises:
        RunError: No run, or more than one, has this id.
    """
    if wanted := st.query_params.pop(FROM, ""):
        run = _named(wanted, runs)
        fill_form(run.config, [run.config.model.arch])
        choose_dataset_later(run.config.data.path)
        return f"The form shows the settings of {run.name}: edit them, then train."
    asked = {name: st.query_params[name] for name in NAMES if name in st.query_params}
    if asked and asked != st.session_state.get(state.FORM_WRITTEN):
        _restore(asked)
    return ""


def write_address(values: FormValues, archs: Sequence[str], weights: str) -> None:
    """Write the form into the address."""
    parameters = {"preset": values.preset, "networks": ",".join(archs), "weights": weights}
    if values.settings:
        parameters["settings"] = json.dumps(values.settings, separators=(",", ":"))
    parameters = {name: text for name, text in parameters.items() if text}
    set_parameters(**{name: parameters.get(name) for name in NAMES})
    st.session_state[state.FORM_WRITTEN] = parameters


def fill_form(config: RunConfig, archs: Sequence[str], weights: bool = True) -> None:
    """Write a configuration into the form, except its dataset.

    Args:
        config: The values for the form.
        archs: The architectures to choose.
        weights: Whether to fill in its weights; otherwise they depend on what is on this machine.
    """
    reset()
    preset = config.preset if config.preset in preset_names() else "default"
    st.session_state[state.PRESET] = preset
    st.session_state[widget_key("model.arch")] = list(archs)
    flat = config.flat()
    for field in form_fields():
        if field.name not in ELSEWHERE:
            set_widget(field, flat[field.name], widget_key(field.name))
    if weights:
        fill_weights(config.model.weights)


def _restore(asked: dict[str, str]) -> None:
    """Fill the form from an address; an address that cannot be read, such as an old one, changes nothing."""
    preset = asked.get("preset", "default")
    try:
        settings: Any = json.loads(asked.get("settings", "{}"))
        if not isinstance(settings, dict):
            return
        weights = asked.get("weights") or RunConfig.from_preset(preset).model.weights
        archs = [arch for arch in asked.get("networks", "").split(",") if arch]
        archs = archs or [RunConfig.from_preset(preset, settings).model.arch]
        wanted = {**settings, "model.weights": weights}
        configs = [RunConfig.from_preset(preset, {**wanted, "model.arch": arch}) for arch in archs]
    except (ConfigError, ValueError, RecursionError):
        return
    fill_form(configs[0], archs, weights="weights" in asked)


def _named(wanted: str, runs: Sequence[Run]) -> Run:
    found = [run for run in runs if run.id.startswith(wanted.lower())]
    if not found:
        raise RunError(f"There is no run {wanted[:40]}: it was deleted, or the address is wrong.")
    if len(found) > 1:
        raise RunError(f"{len(found)} runs begin with {wanted[:40]}: use more digits of the id.")
    return found[0]
