"""The trials of a search as a table, and its plots."""

from __future__ import annotations

from typing import Any

import pandas as pd
from plotly.graph_objects import Figure

from brainseg.plots.search_importance import importance_figure
from brainseg.plots.search_parallel import Axis, parallel_figure
from brainseg.plots.search_progress import best_so_far_figure
from brainseg.results.search.reading import metrics_of
from brainseg.results.search.result import SearchResult
from brainseg.results.search.wording import point_words
from brainseg.search.ranges import choice_words


def trials_table(result: SearchResult) -> pd.DataFrame:
    """Return one row per trial: `number`, `state`, `value` (NaN unless complete), each setting, `run` and `run_id`."""
    rows: list[dict[str, Any]] = [
        {
            "number": trial.number,
            "state": trial.state,
            "value": trial.value,
            **{
                each.name: choice_words(trial.point[each.name]) if each.choices else trial.point[each.name]
                for each in result.plan.ranges
            },
            "run": trial.run.name,
            "run_id": trial.run.id,
        }
        for trial in result.trials
    ]
    columns = ["number", "state", "value", *result.plan.names, "run", "run_id"]
    return pd.DataFrame(rows, columns=columns).astype({"value": "float64"})


def plots_of(result: SearchResult, *, dark: bool = False) -> dict[str, Figure]:
    """Return the plots of a search: `best_so_far`, `parallel` and `importance`."""
    table, metric = trials_table(result), metrics_of(result.search.config.task)[result.plan.metric]
    settings = [point_words(trial.point).replace(", ", "<br>") for trial in result.trials]
    axes = [
        Axis(each.name, each.log, tuple(choice_words(choice) for choice in each.choices)) for each in result.plan.ranges
    ]
    complete = sum(trial.value is not None for trial in result.trials)
    return {
        "best_so_far": best_so_far_figure(table.assign(settings=settings), metric, dark=dark),
        "parallel": parallel_figure(table, axes, metric, dark=dark),
        "importance": importance_figure(result.importance, result.importance_method, complete, dark=dark),
    }
