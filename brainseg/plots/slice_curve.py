"""Plots of a volume's answer slice by slice: the marked area, and the probability of each class."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from brainseg.evaluation.checks import require_columns
from brainseg.plots.theme import finish, palette, readable, remark, series_style, translucent

HEIGHT = 320
UNLIKE = "not like the training images"


def area_curve_figure(table: pd.DataFrame, plane: str, *, dark: bool = False) -> go.Figure:
    """Draw the marked area along a volume; slices unlike the training images have a cross.

    Each point has the number of its slice as `customdata`, so that a page can show the slice that is clicked.

    Args:
        table: From `diagnosis.slice_table.area_table`.
        plane: The plane of the slices, such as "axial".
        dark: Draw for a dark page.

    Raises:
        ValueError: The table lacks a column.
    """
    require_columns(table, ("slice", "position_mm", "area_mm2", "unlike"), "The table of slices")
    figure = _empty(table, plane, "Marked area, mm²")
    figure.update_yaxes(rangemode="tozero")
    finish(figure, "Marked area along the volume", f"one point per {plane} slice; {_doubt(table)}", dark)
    if not table["area_mm2"].any():
        return remark(figure, "Nothing is marked on any slice.", dark)
    style = series_style(0, dark)
    figure.add_scatter(
        x=table["slice"],
        y=table["area_mm2"],
        mode="lines+markers",
        line={**style, "width": 2},
        marker=_marks(table, style["color"], dark),
        fill="tozeroy",
        fillcolor=translucent(style["color"]),
        customdata=table[["slice", "position_mm"]],
        hovertemplate="slice %{customdata[0]} (%{customdata[1]:.1f} mm): %{y:,.0f} mm²<extra></extra>",
    )
    return figure


def class_curve_figure(
    table: pd.DataFrame,
    plane: str,
    shown: tuple[str, ...],
    threshold: float | None = None,
    noun: str = "probability",
    *,
    dark: bool = False,
) -> go.Figure:
    """Draw the prediction along a volume; slices unlike the training images have a cross, empty ones leave a gap.

    Args:
        table: From `diagnosis.slice_table.class_table`.
        plane: The plane of the slices.
        shown: The classes to draw.
        threshold: The probability from which on the only shown class is predicted; None for no line.
        noun: What the values are, "probability" or "score".
        dark: Draw for a dark page.

    Raises:
        ValueError: The table lacks a column.
    """
    require_columns(table, ("slice", "position_mm", "label", "unlike", *(f"p_{name}" for name in shown)), "The table")
    figure, colours = _empty(table, plane, noun.capitalize()), palette(dark)
    figure.update_yaxes(range=[-0.03, 1.03], tickformat=".0%")
    figure.update_layout(showlegend=len(shown) > 1)
    line = "; dotted line: threshold" if threshold is not None else ""
    finish(figure, "Prediction along the volume", f"one point per {plane} slice{line}; {_doubt(table)}", dark)
    if not table["label"].any():
        return remark(figure, "Every slice is empty.", dark)
    if threshold is not None:
        figure.add_hline(y=threshold, line={"color": colours.muted, "width": 1.5, "dash": "dot"})
    for number, name in enumerate(shown):
        style = series_style(number, dark)
        figure.add_scatter(
            x=table["slice"],
            y=table[f"p_{name}"],
            mode="lines+markers",
            name=readable(name, 30, 1),
            line={**style, "width": 2},
            marker=_marks(table, style["color"], dark),
            customdata=table[["slice", "position_mm"]],
            hovertemplate=f"slice %{{customdata[0]}} (%{{customdata[1]:.1f}} mm): {readable(name, 30, 1)} "
            "%{y:.1%}<extra></extra>",
        )
    return figure


def _empty(table: pd.DataFrame, plane: str, measure: str) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(height=HEIGHT, showlegend=False, clickmode="event+select")
    figure.update_xaxes(title=f"{plane.capitalize()} slice", range=[0, len(table) + 1])
    figure.update_yaxes(title=measure)
    return figure


def _marks(table: pd.DataFrame, colour: str, dark: bool) -> dict[str, object]:
    unlike = table["unlike"].to_numpy(bool)
    return {
        "size": [7 if each else 5 for each in unlike],
        "symbol": ["x" if each else "circle" for each in unlike],
        "color": [palette(dark).muted if each else colour for each in unlike],
    }


def _doubt(table: pd.DataFrame) -> str:
    count = int(table["unlike"].sum())
    if not count:
        return f"no slice is {UNLIKE}"
    return f"cross: 1 slice {UNLIKE}" if count == 1 else f"crosses: {count} slices {UNLIKE}"
