"""Plot of a search: how much each setting mattered."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from brainseg.plots.theme import finish, palette, remark

ROW = 44
"""Pixels of height for each setting."""


def importance_figure(importance: Mapping[str, float], method: str, trials: int, *, dark: bool = False) -> go.Figure:
    """Draw one bar per setting.

    Args:
        importance: Setting -> its importance; they add up to 1. Nothing if there is no estimate.
        method: How it was estimated.
        trials: Number of complete trials that it stands on.
        dark: Draw for a dark page.
    """
    names = list(importance)
    figure = go.Figure()
    figure.update_layout(height=220 + ROW * len(names), margin={"l": 220})
    figure.update_xaxes(title="Importance (all settings together: 1)", range=[0, 1.02])
    figure.update_yaxes(autorange="reversed", ticks="", showline=False)
    finish(figure, "Importance of the settings", f"{method}, {trials} complete trials", dark)
    if not names:
        return remark(figure, "Too few complete trials, or all with the same value.", dark)
    figure.add_bar(
        x=[importance[name] for name in names],
        y=names,
        orientation="h",
        marker={"color": palette(dark).series[0]},
        hovertemplate="%{y}: %{x:.3f}<extra></extra>",
    )
    return figure
