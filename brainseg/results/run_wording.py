"""Texts that describe a run on pages."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from brainseg.runs import Run
from brainseg.runs.ensemble_members import networks
from brainseg.tasks import facts_of

STATES: dict[str, tuple[str, Literal["blue", "green", "red", "gray"], str]] = {
    "SCHEDULED": ("queued", "blue", ":material/schedule:"),
    "RUNNING": ("running", "blue", ":material/play_circle:"),
    "FINISHED": ("finished", "green", ":material/check_circle:"),
    "FAILED": ("failed", "red", ":material/error:"),
    "KILLED": ("stopped", "gray", ":material/cancel:"),
}
"""Status in the store -> the word, colour and icon for it."""

PHASES = {
    "": "Starting",
    "preparing": "Reading images",
    "finding": "Finding a learning rate",
    "frozen": "Training the new layers",
    "unfrozen": "Training the whole network",
    "features": "Computing features",
    "evaluating": "Evaluating held-out images",
    "robustness": "Predicting worse images",
}
"""Phase of `training.log.Progress` -> its description."""

NO_MODEL = {"find-lr": "learning rate only", "robustness": "robustness check"}
"""Kind of a run that leaves no model -> the words for it."""


def run_label(run: Run) -> str:
    """Return a label that identifies a run in a list, with its state and its accuracy or Dice."""
    facts = facts_of(run.config.task)
    value = run.metrics.get(f"final_{facts.headline}")
    parts = [
        run.name,
        STATES[run.status][0],
        NO_MODEL.get(run.kind) or model_words(run),
        {"crossval": "cross-validation", "search": "search"}.get(run.kind, ""),
        "" if value is None else f"{facts.headline_words} {value:.3f}",
        moment(run.created),
        run.id[:8],
    ]
    return " · ".join(filter(None, parts))


def model_words(run: Run) -> str:
    """Return the network in words: architecture and head; of an ensemble, those of its members."""
    if run.members:
        return networks(run.members)
    return facts_of(run.config.task).network(run.config.model)


def moment(time: datetime) -> str:
    """Return a time in UTC, to the minute."""
    return f"{time:%Y-%m-%d %H:%M} UTC"


def lasted(run: Run) -> str:
    """Return how long an ended run took; "" if it has not ended."""
    if run.ended is None:
        return ""
    seconds = (run.ended - run.begun).total_seconds()
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def outcome_words(run: Run) -> str:
    """Return what a run gave, in a few words: its headline metric with the interval, or why there is none."""
    values = run.metrics
    if run.kind == "find-lr" and run.status == "FINISHED":
        return f"learning rate {values['final_learning_rate']:.2e}"
    if run.check and run.status == "FINISHED":
        return f"measured run {run.check.run[:8]}"
    if run.trials:
        return run.reason or run.trials.words()
    if run.kind == "crossval" and run.counts and run.status != "FINISHED":
        return run.counts.words()
    facts = facts_of(run.config.task)
    name = facts.headline
    if (outcome := values.get(f"final_{name}")) is None:
        return run.reason[:60]
    low, high = (values.get(f"final_{name}_{end}") for end in ("low", "high"))
    shown = f"{facts.headline_words} {outcome:.3f}"
    return shown if low is None or high is None else f"{shown} ({low:.3f} to {high:.3f})"
