"""The choice of a cross-validation on the Train page, and its submission."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from brainseg.app import live_store, state
from brainseg.app.train.launch import Order, place_order
from brainseg.app.widgets.dataset_reading import progress_bar
from brainseg.app.widgets.time_estimate import Estimate
from brainseg.config import RunConfig
from brainseg.jobs.crossval import MOST_FOLDS, MOST_REPEATS, check_dataset, plan_of, submit_crossval
from brainseg.jobs.submission import run_name
from brainseg.runs import Run
from brainseg.runs.run_plan import Plan

HELP = (
    "Trains once per fold and repeat, so every image is evaluated by a model that has not seen it. It judges the "
    "settings; a single training gives one model."
)
REPLACES = (
    "The folds replace the setting Split. By default they keep copies and patients together; Grouped folds under All "
    "settings changes that."
)


def choose_plan() -> Plan | None:
    """Draw the choice between one training and a cross-validation; return the plan, or None for one training."""
    if not st.toggle("Cross-validation", key=state.CROSSVAL, help=HELP):
        return None
    left, right = st.columns(2)
    folds = left.number_input("Folds", 2, MOST_FOLDS, 5, key=state.FOLDS)
    repeats = right.number_input(
        "Repeats", 1, MOST_REPEATS, 1, key=state.REPEATS, help="Each repeat draws other folds, with the next seed."
    )
    st.caption(REPLACES)
    return Plan(int(folds), int(repeats))


def launch_crossval(configs: Sequence[RunConfig], plan: Plan, name: str = "") -> list[Run]:
    """Queue a cross-validation for each configuration.

    Returns:
        The parents; none for the second half of a double click.

    Raises:
        BrainsegError: One of them cannot work, so none is queued.
    """

    def check(orders: Sequence[RunConfig]) -> None:
        with progress_bar("Reading images") as report_progress:
            for config in orders:
                check_dataset(config, plan_of(plan.folds, plan.repeats, config), report_progress)

    def submit(config: RunConfig, unique: str) -> Run:
        return submit_crossval(live_store.store(), config, unique, plan)

    def named(wanted: str, config: RunConfig) -> str:
        return wanted or f"{run_name(None, config)}-crossval"

    order = Order(kind="crossval", named=named, submit=submit, check=check, mark=f"{plan.folds} {plan.repeats}")
    return place_order(configs, order, name)


def of_all_folds(found: Estimate, plan: Plan) -> Estimate:
    """Return the time of a cross-validation, whose folds run one after the other."""
    count = len(plan.places)
    return replace(found, low=found.low * count, high=found.high * count)
