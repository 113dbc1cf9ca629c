"""Plot of a search: the value of each trial, and the best one so far."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from brainseg.evaluation.checks import require_columns
from brainseg.plots.theme import finish, palette, remark

HEIGHT = 420


def best_so_far_figure(table: pd.DataFrame, metric: str, *, dark: bool = False) -> go.Figure:
    """Draw the value of each complete trial, and the best value so far as steps.

    Args:
        table: One row per trial, by number: `number` (int), `value` (float; NaN unless complete), `state` and
            `settings` (texts).
        metric: Name of the metric.
        dark: Draw for a dark page.

    Raises:
        ValueError: A column is missing.
    """
    require_columns(table, ["number", "value", "state", "settings"], "The table of trials")
    known = table[table["value"].notna()]
    counts = table["state"].value_counts()
    figure = go.Figure()
    figure.update_layout(height=HEIGHT, showlegend=True, legend={"orientation": "h", "y": -0.24, "x": 0})
    figure.update_xaxes(title="Trial", tickformat="d")
    figure.update_yaxes(title=f"{metric} on the validation set")
    subtitle = ", ".join(f"{count} {state}" for state, count in counts.items())
    finish(figure, "Best value so far", subtitle, dark)
    if known.empty:
        return remark(figure, "No trial has finished yet.", dark)
    colours = palette(dark)
    figure.add_scatter(
        x=known["number"],
        y=known["value"],
        name="one trial",
        mode="markers",
        marker={"size": 9, "color": colours.series[0], "opacity": 0.75},
        customdata=known["settings"],
        hovertemplate=f"trial %{{x}}: {metric} %{{y:.4f}}<br>%{{customdata}}<extra></extra>",
    )
    figure.add_scatter(
        x=known["number"],
        y=known["value"].cummax(),
        name="best so far",
        mode="lines",
        line={"shape": "hv", "width": 2.5, "color": colours.series[1]},
        hovertemplate=f"best of trials 0 to %{{x}}: {metric} %{{y:.4f}}<extra></extra>",
    )
    return figure
