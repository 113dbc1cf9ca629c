"""The Train form in the page's address: it survives a reload, can be shared, and can start from an earlier run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import streamlit as st

from brainseg.app import state
from brainseg.app.address import keep
from brainseg.app.train.data import take_over_data
from brainseg.app.train.form import ELSEWHERE, FormValues, reset, widget_key
from brainseg.app.train.weights import take_over_weights
from brainseg.app.train.widgets import remember
from brainseg.config import RunConfig, preset_names
from brainseg.config.form_fields import form_fields
from brainseg.errors import ConfigError, RunError
from brainseg.runs import Run

FROM = "from"
"""The run whose settings are asked for, by its id or the start of it."""
NAMES = ("preset", "networks", "weights", "settings")


def read_address(runs: Sequence[Run]) -> str:
    """Fill the form from the address; call it before the form is drawn.

    Args:
        runs: All runs, newest first.

    Returns:
        A sentence on the run whose settings were taken over; "" where none was asked for.

    Raises:
        RunError: No run, or more than one, has the id that is asked for.
    """
    if wanted := st.query_params.pop(FROM, ""):
        run = _named(wanted, runs)
        take_over(run.config, [run.config.model.arch])
        take_over_data(run.config.data.path)
        return f"The form shows the settings of {run.name}: edit them, then train."
    asked = {name: st.query_params[name] for name in NAMES if name in st.query_params}
    if asked and asked != st.session_state.get(state.FORM_WRITTEN):
        _restore(asked)
    return ""


def write_address(values: FormValues, archs: Sequence[str], weights: str) -> None:
    """Put the form into the address."""
    said = {"preset": values.preset, "networks": ",".join(archs), "weights": weights}
    if values.settings:
        said["settings"] = json.dumps(values.settings, separators=(",", ":"))
    said = {name: text for name, text in said.items() if text}
    keep(**{name: said.get(name) for name in NAMES})
    st.session_state[state.FORM_WRITTEN] = said


def take_over(config: RunConfig, archs: Sequence[str], weights: bool = True) -> None:
    """Write a configuration into the form, all but its dataset.

    Args:
        config: The values for the form.
        archs: The architectures to choose.
        weights: Whether to take its weights over too; else they depend on what is on this machine.
    """
    reset()
    preset = config.preset if config.preset in preset_names() else "default"
    st.session_state[state.PRESET] = preset
    st.session_state[widget_key("model.arch")] = list(archs)
    flat = config.flat()
    for field in form_fields():
        if field.name not in ELSEWHERE:
            remember(field, flat[field.name], widget_key(field.name))
    if weights:
        take_over_weights(config.model.weights)


def _restore(asked: dict[str, str]) -> None:
    """Fill the form from an address; one that cannot be read, such as an older version's, changes nothing."""
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
    take_over(configs[0], archs, weights="weights" in asked)


def _named(wanted: str, runs: Sequence[Run]) -> Run:
    found = [run for run in runs if run.id.startswith(wanted.lower())]
    if len(found) != 1:
        what = "There is no run" if not found else "More than one run begins with"
        raise RunError(f"{what} {wanted[:40]}: it was deleted, or the address is wrong.")
    return found[0]
