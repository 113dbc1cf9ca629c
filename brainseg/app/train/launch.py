"""From the values of the form to runs in the queue."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from brainseg.app import live_store, state
from brainseg.app.train.form import FormValues
from brainseg.app.train.weights import refuse_missing
from brainseg.config import RunConfig
from brainseg.datasets.access import permitted
from brainseg.datasets.library import stored_settings
from brainseg.errors import ConfigError, DataError
from brainseg.jobs.queue import submit
from brainseg.jobs.submission import free_name, run_name, validate
from brainseg.models.sources import is_weights_file
from brainseg.runs import Kind, Run
from brainseg.runs.labels import clean_name

NO_NETWORK = "No network is chosen: choose at least one."
NO_WEIGHTS_FILE = "No weights file is named: give its path on the server, or choose other weights."
DOUBLE_CLICK = 5.0
"""Seconds within which the same submission from the same visitor counts as a double click."""


def configurations(form: FormValues, data: str, archs: Sequence[str], weights: str) -> list[RunConfig]:
    """Return one configuration for each architecture.

    Raises:
        ConfigError: No architecture is chosen, or a value or a combination is not allowed.
    """
    if form.faults:
        raise ConfigError(" ".join(form.faults))
    if not archs:
        raise ConfigError(NO_NETWORK)
    if not weights:
        raise ConfigError(NO_WEIGHTS_FILE)
    if is_weights_file(weights):
        weights = _opened(weights)
    settings = {**form.settings, "data.path": data, "model.weights": weights}
    stored = stored_settings(data)
    return [RunConfig.from_preset(form.preset, {**settings, "model.arch": arch}, stored) for arch in archs]


def _opened(weights: str) -> str:
    try:
        return permitted(weights)
    except DataError as error:
        raise ConfigError(str(error)) from error


def instant_baseline(config: RunConfig) -> RunConfig:
    """Return the instant baseline on the same images, split and weights."""
    head = {"head": "logistic", "stages": None}
    return config.model_copy(update={"model": config.model.model_copy(update=head)})


@dataclass(frozen=True)
class Order:
    """How runs are put into the queue.

    Attributes:
        kind: What the runs do.
        named: Returns the name of a run from the visitor's name, or "", and its configuration.
        submit: Queues one configuration under a name.
        check: Refuses what cannot work before anything is queued.
        mark: What else tells this order from others.
    """

    kind: Kind
    named: Callable[[str, RunConfig], str]
    submit: Callable[[RunConfig, str], Run]
    check: Callable[[Sequence[RunConfig]], None]
    mark: str = ""


def launch(configs: Sequence[RunConfig], name: str = "", kind: Kind = "train") -> list[Run]:
    """Put runs into the queue.

    Args:
        configs: One for each run.
        name: The visitor's name for it; with several runs, their architectures are added.
        kind: What the runs do.

    Returns:
        The runs; none for the second half of a double click.

    Raises:
        BrainsegError: One of them cannot work, so none is queued.
    """
    order = Order(
        kind=kind,
        named=lambda wanted, config: run_name(wanted, config, kind),
        submit=lambda config, unique: submit(live_store.store(), config, unique, kind),
        check=lambda _orders: None,
    )
    return place_order(configs, order, name)


def place_order(configs: Sequence[RunConfig], order: Order, name: str) -> list[Run]:
    """Check all configurations, then queue one run for each; arguments and errors are those of `launch`."""
    name = clean_name(name) if name.strip() else ""
    wanted = [validate(config, order.kind) for config in configs]
    submission = (order.kind, order.mark, name, *(config.model_dump_json() for config in wanted))
    last, when = st.session_state.get(state.LAST_SUBMISSION, ((), 0.0))
    if submission == last and time.monotonic() - when < DOUBLE_CLICK:
        return []
    refuse_missing(wanted)
    store = live_store.store()
    for config in wanted:
        store.warm_start(config)
    order.check(wanted)
    taken = {run.name for run in live_store.runs()}
    queued = []
    for config in wanted:
        chosen = f"{name}-{config.model.arch}" if name and len(wanted) > 1 else name
        unique = free_name(order.named(chosen, config), taken)
        queued.append(order.submit(config, unique))
        taken.add(unique)
    st.session_state[state.LAST_SUBMISSION] = (submission, time.monotonic())
    live_store.refresh()
    return queued
