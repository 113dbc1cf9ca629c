"""A confusion matrix whose cells can be clicked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from brainseg.plots.theme import palette


def clickable(figure: go.Figure, classes: Sequence[str], chosen: tuple[str, str] | None, *, dark: bool) -> go.Figure:
    """Make the cells of a confusion matrix clickable, frame the chosen one, and return the figure.

    Plotly cannot select single cells of a heat map, so invisible points above them receive the clicks.

    Args:
        figure: From `confusion_matrix_figure`.
        classes: Class names, in the order of its rows.
        chosen: Actual and predicted class of the cell to frame.
        dark: Whether the figure is for a dark page.
    """
    cells = [(row, column) for row in range(len(classes)) for column in range(len(classes))]
    texts = figure.data[0].customdata
    figure.update_traces(hoverinfo="skip", hovertemplate=None, selector={"type": "heatmap"})
    # Without an explicit colour for selected texts, Plotly would fade the numbers at every click.
    figure.update_traces(selected={"textfont": {"color": palette(dark).ink}}, selector={"mode": "text"})
    figure.add_scatter(
        x=[column for _, column in cells],
        y=[row for row, _ in cells],
        mode="markers",
        marker={"size": 30, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        customdata=[texts[row][column] for row, column in cells],
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
    )
    figure.update_layout(hovermode="closest", hoverdistance=-1, clickmode="event+select", dragmode=False)
    if chosen:
        column, row = classes.index(chosen[1]), classes.index(chosen[0])
        figure.add_shape(
            x0=column - 0.48,
            x1=column + 0.48,
            y0=row - 0.48,
            y1=row + 0.48,
            line={"color": palette(dark).series[1], "width": 4},
        )
    return figure


def clicked_cell(selection: Mapping[str, Any], classes: Sequence[str]) -> tuple[str, str] | None:
    """Return actual and predicted class of the clicked cell; None if the click cleared the selection.

    Args:
        selection: `selection` of what `st.plotly_chart` reports.
        classes: Class names, in the order of the rows.
    """
    points = selection.get("points") or []
    if not points:
        return None
    return classes[round(points[0]["y"])], classes[round(points[0]["x"])]
