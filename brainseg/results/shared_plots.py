"""What all tasks plot of a run: learning-rate search, epochs and robustness, read from the run's stored files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from plotly.graph_objects import Figure

from brainseg.plots import learning_rate_curve, training_curves
from brainseg.plots.robustness_overview import robustness_overview
from brainseg.results import stored_results
from brainseg.results.robustness import stored_robustness
from brainseg.runs import Run, RunStore

Plot = Callable[..., Figure]
"""Draws a plot from data that were already read; takes `dark`."""
ReadPlot = Callable[[RunStore, Run], Plot | None]
"""Reads what a plot is drawn from; None if those files do not exist (yet)."""


def read_learning_rate(store: RunStore, run: Run) -> Plot | None:
    """Read the learning-rate search."""
    found = stored_results.learning_rate(store, run)
    return partial(learning_rate_curve, *found) if found else None


def read_robustness(store: RunStore, run: Run) -> Plot | None:
    """Read the robustness check."""
    report = stored_robustness(store, run)
    return partial(robustness_overview, report) if report else None


def read_epochs(store: RunStore, run: Run, **options: Any) -> Plot | None:  # noqa: ANN401
    """Read the epochs.

    Args:
        store: The run store.
        run: Live or ended.
        options: Of `plots.training_curves`.
    """
    table = stored_results.epochs(store, run)
    if table is None:
        return None
    # During training nobody knows which epoch the model will be from.
    keeps = run.config.training.keep if run.status == "FINISHED" else None
    return partial(training_curves, table, keeps=keeps, **options)
