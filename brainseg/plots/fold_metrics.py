"""Plot of a cross-validation: each fold as a dot, with the mean of the folds and the pooled metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from brainseg.plots.theme import finish, palette, write_beside

ROW = 62
"""Pixels of height for each metric."""
FOLDS, MEAN, POOLED = "one fold", "mean of the folds, 95 % interval", "pooled, 95 % interval"
_ABOVE, _BELOW = -0.22, 0.22
"""Offsets of mean and pooled metric from the row of the folds."""
Bounds = tuple[float, float] | None


def folds_figure(
    folds: Mapping[str, Sequence[float | None]],
    means: Mapping[str, tuple[float | None, Bounds]],
    pooled: Mapping[str, tuple[float | None, Bounds]],
    labels: Sequence[str],
    *,
    dark: bool = False,
) -> go.Figure:
    """Draw one row per metric: a dot for each fold, and mean and pooled metric with their intervals.

    Args:
        folds: Name of a metric -> its value (0..1) in each fold; None where it is not defined.
        means: Name of a metric -> its mean over the folds, and the interval of the mean; None where not defined.
        pooled: Name of a metric -> its value on the pooled predictions, and its interval.
        labels: Name of each fold.
        dark: Draw for a dark page.

    Raises:
        ValueError: A metric has not one value per fold.
    """
    names = list(folds)
    if any(len(values) != len(labels) for values in folds.values()):
        raise ValueError(f"Each metric needs {len(labels)} values, one per fold.")
    figure = go.Figure()
    figure.update_layout(margin={"l": 170, "r": 130}, height=200 + ROW * len(names))
    figure.update_xaxes(title="Value (0 to 1)", range=[-0.02, 1.02])
    rows = {"tickmode": "array", "tickvals": list(range(len(names))), "ticktext": names}
    figure.update_yaxes(range=[len(names) - 0.4, -0.6], ticks="", showline=False, **rows)
    subtitle = f"{len(labels)} folds; dots: {FOLDS}; bars: 95 % intervals of the mean and of the pooled metric"
    finish(figure, "Folds", subtitle, dark)
    colours = palette(dark)
    places = [(row, value, label) for row, name in enumerate(names) for value, label in _known(folds[name], labels)]
    figure.add_scatter(
        x=[value for _, value, _ in places],
        y=[row for row, _, _ in places],
        name=FOLDS,
        mode="markers",
        marker={"size": 9, "color": colours.series[0], "opacity": 0.65},
        customdata=[[names[row], label] for row, _, label in places],
        hovertemplate="%{customdata[0]}, %{customdata[1]}: %{x:.4f}<extra></extra>",
    )
    _bars(figure, means, names, MEAN, _ABOVE, colours.ink, "diamond")
    _bars(figure, pooled, names, POOLED, _BELOW, colours.series[1], "square")
    for row, name in enumerate(names):
        if means[name][0] is None:
            write_beside(figure, row, name, "mean not defined", colours.muted)
    figure.update_layout(showlegend=True, legend={"orientation": "h", "y": -0.28 - 0.3 / len(names), "x": 0})
    return figure


def _known(values: Sequence[float | None], labels: Sequence[str]) -> list[tuple[float, str]]:
    return [(value, label) for value, label in zip(values, labels, strict=True) if value is not None]


def _bars(
    figure: go.Figure,
    found: Mapping[str, tuple[float | None, Bounds]],
    names: Sequence[str],
    title: str,
    offset: float,
    colour: str,
    symbol: str,
) -> None:
    known = [(row, *found[name]) for row, name in enumerate(names) if found[name][0] is not None]
    values = [value or 0.0 for _, value, _ in known]
    ends = [bounds or (value, value) for value, (_, _, bounds) in zip(values, known, strict=True)]
    figure.add_scatter(
        x=values,
        y=[row + offset for row, _, _ in known],
        name=title,
        mode="markers",
        marker={"size": 10, "color": colour, "symbol": symbol},
        error_x={
            "array": [high - value for value, (_, high) in zip(values, ends, strict=True)],
            "arrayminus": [value - low for value, (low, _) in zip(values, ends, strict=True)],
            "symmetric": False,
            "thickness": 2,
            "width": 6,
        },
        customdata=[
            [names[row], f"{low:.4f} to {high:.4f}" if bounds else "no interval"]
            for (row, _, bounds), (low, high) in zip(known, ends, strict=True)
        ],
        hovertemplate=f"%{{customdata[0]}}, {title}: %{{x:.4f}} (%{{customdata[1]}})<extra></extra>",
    )
