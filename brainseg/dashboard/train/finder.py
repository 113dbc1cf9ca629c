"""Learning-rate finders on the Train page: their curve, and the button that takes their suggestion over."""

from __future__ import annotations

import streamlit as st

from brainseg.config import RunConfig
from brainseg.dashboard.page import link
from brainseg.dashboard.runs.panels import figure
from brainseg.dashboard.train.form import take_rate
from brainseg.dashboard.words import model_words, moment, plain
from brainseg.runs import FINAL, Run

SHOWN = 10
"""Finders to choose from, the newest first."""
MATTERS = ("model.arch", "model.weights", "preparation.size", "training.batch_size", "training.optimiser")
"""Settings on which the right learning rate depends most."""


def finders(runs: list[Run], data: str) -> list[Run]:
    """Return the finished learning-rate finders of a dataset, newest first."""
    fitting = (run for run in runs if run.kind == "find-lr" and run.config.data.path == data)
    return [run for run in fitting if run.status == "FINISHED"][:SHOWN]


def differences(run: Run, config: RunConfig) -> list[str]:
    """Say in what a finder's settings differ from those of a run to come, as far as its rate depends on them."""
    found, wanted = run.config.flat(), config.flat()
    return [f"{name} {found[name]} (now {wanted[name]})" for name in MATTERS if found[name] != wanted[name]]


def draw_finders(found: list[Run], configs: list[RunConfig]) -> None:
    """Draw a finder's curve and the button that takes its suggestion over.

    Args:
        found: The finders to choose from.
        configs: What the form says, one for each architecture; empty while it is faulty.
    """
    run = found[0]
    if len(found) > 1:
        named = {each.id: each for each in found}
        run = named[st.selectbox("Learning-rate finder", list(named), format_func=lambda each: _label(named[each]))]
    rate = run.metrics[FINAL + "learning_rate"]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Use {rate:.2e} as learning rate",
            key="train:take-rate",
            on_click=take_rate,
            args=(float(f"{rate:.3g}"),),
            type="primary",
            icon=":material/keyboard_tab:",
            help="Writes the suggestion into the form above.",
        )
        link("runs", "Open the finder", run=run.id)
    for config in configs:
        if others := differences(run, config):
            st.caption(f"For {config.model.arch} it is not quite the same question: {plain(', '.join(others))}.")
    figure(run, "learning_rate", "The curve of this finder is not there any more.")


def _label(run: Run) -> str:
    return f"{run.name} · {model_words(run)} · {moment(run.created)}"
