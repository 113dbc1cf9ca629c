"""The choice of a search on the Train page, and its submission."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from brainseg.app import live_store, state
from brainseg.app.train.launch import Order, place_order
from brainseg.app.widgets.dataset_reading import progress_bar
from brainseg.config import RunConfig
from brainseg.config.form_fields import FormField
from brainseg.errors import ConfigError
from brainseg.jobs.search import check_dataset, search_config, submit_search, with_absolute_weights
from brainseg.jobs.submission import run_name
from brainseg.results.search.reading import metrics_of
from brainseg.results.search.wording import METHODS
from brainseg.runs import Run
from brainseg.search.plan import MOST_TRIALS, TRIALS, SearchPlan, plan_search
from brainseg.search.ranges import parse_ranges, searchable_fields

HELP = (
    "Trains once per trial, each time with other values of the settings that you name, and keeps the values with the "
    "best validation result. Trials that are clearly worse end early."
)
CONFIRMATIONS = {
    "test": "on a test set that no trial sees",
    "folds": "by a cross-validation on other folds",
    "none": "not at all",
}
FIRST = "training.learning_rate"
"""The setting that is searched first."""
RANGES = {
    FIRST: "1e-5:1e-2:log",
    "training.weight_decay": "1e-4:0.1:log",
    "training.label_smoothing": "0:0.2",
    "training.mixup": "0:0.4",
    "model.dropout": "0:0.7",
    "model.regularisation": "1e-4:1:log",
}
"""Setting -> the range that is offered, where half and twice the value in the form are no good choice."""
NOT_OFFERED = ("training.seed", "training.finder_steps")
"""Settings of which the best value is the best by chance."""
RANGE_HELP = "LOW:HIGH, with :log or :step=S, or values with commas between them. {}"
HOURS_HELP = "After this time, no further trial begins; 0: no limit."
KINDS = ("choice", "switch", "whole", "number", "choice or number", "list")
"""Kinds of settings that are offered; texts, such as the initial weights, are searched from the command line."""


@dataclass(frozen=True)
class SearchChoice:
    """What the visitor chose for a search.

    Attributes:
        ranges: As on the command line.
        trials: Most trials.
        hours: Hours of training; 0 for no limit.
        method: As in `SearchPlan`.
        confirm: As in `SearchPlan`.
    """

    ranges: tuple[str, ...]
    trials: int
    hours: float
    method: str
    confirm: str

    def plan(self, config: RunConfig) -> SearchPlan:
        """Return the plan for a configuration.

        Raises:
            ConfigError: A range or a budget is not allowed.
        """
        ranges = with_absolute_weights(parse_ranges(self.ranges, config), config)
        metrics = list(metrics_of(config.task))
        return plan_search(
            ranges,
            config,
            metrics,
            trials=self.trials,
            hours=self.hours,
            method=self.method,
            confirm=self.confirm,
        )


def choose_search(configs: Sequence[RunConfig]) -> SearchChoice | None:
    """Draw the choice of a search; return None if none is wanted."""
    if not st.toggle("Search for settings", key=state.SEARCH, help=HELP):
        return None
    task = configs[0].task if configs else "classify"
    fields = {field.name: field for field in offered_fields(task)}
    chosen = st.multiselect(
        "Settings to search",
        list(fields),
        default=[FIRST],
        format_func=lambda name: f"{fields[name].label} ({name})",
        key=state.SEARCHED,
        help="All other settings stay as they are in this form.",
    )
    ranges = tuple(f"{name}={_range(fields[name], configs)}" for name in chosen)
    left, right = st.columns(2)
    trials = left.number_input("Trials", 1, MOST_TRIALS, TRIALS, key=state.TRIALS)
    hours = right.number_input(
        "Hours of training",
        0.0,
        1e5,
        0.0,
        key=state.HOURS,
        help="After this time, no further trial begins; 0: no limit.",
    )
    method = left.selectbox("Method", list(METHODS), format_func=METHODS.__getitem__, key=state.METHOD)
    confirm = right.selectbox(
        "Confirm the best trial",
        list(CONFIRMATIONS),
        format_func=CONFIRMATIONS.__getitem__,
        key=state.CONFIRM,
        help="The best of many trials on the same images is too good. A test set takes a fifth of the images away from "
        "the search, unless Test fraction under All settings says otherwise.",
    )
    return SearchChoice(ranges, int(trials), float(hours), method, confirm)


def offered_fields(task: str) -> list[FormField]:
    """Return the settings that the page offers for a task."""
    return [field for field in searchable_fields(task) if field.kind in KINDS and field.name not in NOT_OFFERED]


def _range(field: FormField, configs: Sequence[RunConfig]) -> str:
    """Draw the range of one setting, as text that the command line takes."""
    key = state.search_range(field.name)
    if field.kind == "choice":
        return ",".join(st.multiselect(field.label, field.choices, default=field.choices, key=key, help=field.help))
    if field.kind == "switch":
        return ",".join(st.multiselect(field.label, ["true", "false"], default=["true", "false"], key=key))
    offered = default_range(field, configs[0] if configs else None)
    return st.text_input(field.label, offered, key=key, help=RANGE_HELP.format(field.help)).strip()


def default_range(field: FormField, config: RunConfig | None) -> str:
    """Return the range that is offered for a number: around the value in the form; "" for a list."""
    if field.name in RANGES:
        return RANGES[field.name]
    value = config.flat()[field.name] if config else None
    if field.kind == "list" or isinstance(value, str) or value is None:
        return ""
    step = field.step or (1 if field.kind == "whole" else 0)
    low, high = value / 2, value * 2 or (field.most if field.most is not None and field.most <= 1 else 1)
    if step:
        low, high = round(low / step) * step, max(round(high / step), round(low / step) + 1) * step
    low = low if field.least is None else max(low, field.least)
    high = high if field.most is None else min(high, field.most)
    return f"{low:g}:{high:g}"


def launch_search(configs: Sequence[RunConfig], choice: SearchChoice, name: str = "") -> list[Run]:
    """Queue a search for each configuration.

    Returns:
        The parents; none for the second half of a double click.

    Raises:
        BrainsegError: One of them cannot work, so none is queued.
    """
    if not choice.ranges:
        raise ConfigError("Nothing to search: choose at least one setting.")

    def check(orders: Sequence[RunConfig]) -> None:
        with progress_bar("Reading images") as report_progress:
            for config in orders:
                plan = choice.plan(config)
                check_dataset(search_config(config, plan), plan, report_progress)

    def submit(config: RunConfig, unique: str) -> Run:
        plan = choice.plan(config)
        return submit_search(live_store.store(), search_config(config, plan), unique, plan)

    def named(wanted: str, config: RunConfig) -> str:
        return wanted or f"{run_name(None, config)}-search"

    order = Order(kind="search", named=named, submit=submit, check=check, mark=str(choice))
    return place_order(configs, order, name)
