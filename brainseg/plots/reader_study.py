"""Plots of a reader study: the image on which a reader draws a box, and the ROC curves of the conditions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from PIL import Image

from brainseg.evaluation.checks import require_columns
from brainseg.plots.theme import finish, palette, readable, remark, series_style

HEIGHT = 500
"""Pixels of the height of the image to draw on."""
BUTTONS = ("toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d")
"""Plotly's buttons, which would cover the image; dragging always draws a box."""
GRID = 40
"""Invisible points along each side: Plotly selects nothing on an image alone."""
PROPORTION = {"range": [-0.02, 1.02], "dtick": 0.2, "tickformat": ".1f"}


def case_figure(
    pixels: np.ndarray, box: tuple[float, float, float, float] | None = None, *, dark: bool = False
) -> go.Figure:
    """Draw an image on which a box can be drawn by dragging.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        box: A box to show: left, top, right and bottom in pixels.
        dark: Draw for a dark page.
    """
    height, width = pixels.shape[:2]
    figure = go.Figure()
    x, y = np.meshgrid(np.linspace(0, width, GRID), np.linspace(0, height, GRID))
    points = {"mode": "markers", "marker": {"opacity": 0}, "hoverinfo": "skip", "showlegend": False}
    figure.add_scatter(x=x.ravel(), y=y.ravel(), **points)
    place = {"xref": "x", "yref": "y", "x": 0, "y": 0, "sizex": width, "sizey": height, "sizing": "stretch"}
    figure.add_layout_image(source=Image.fromarray(pixels), layer="below", **place)
    if box:
        left, top, right, bottom = box
        line = {"color": palette(dark).series[1], "width": 3}
        figure.add_shape(type="rect", x0=left, y0=top, x1=right, y1=bottom, line=line)
    figure.update_xaxes(visible=False, range=[0, width], constrain="domain")
    figure.update_yaxes(visible=False, range=[height, 0], scaleanchor="x", constrain="domain", constraintoward="top")
    figure.update_layout(
        template="brainseg_dark" if dark else "brainseg",
        dragmode="select",
        modebar={"remove": list(BUTTONS)},
        height=HEIGHT,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        newselection={"line": {"color": palette(dark).series[1], "width": 3, "dash": "solid"}},
    )
    return figure


def conditions_figure(
    curves: Mapping[str, pd.DataFrame],
    areas: Mapping[str, float],
    points: Mapping[str, tuple[float, float]],
    who: str,
    *,
    dark: bool = False,
) -> go.Figure:
    """Draw the ROC curve of each condition of one reader, and the point at which it decided.

    Args:
        curves: Condition -> table with `fpr`, `tpr` and `threshold`, from `ranking.roc_points`.
        areas: The same names -> area under the curve; NaN if it is not defined.
        points: The same names -> (1 - specificity, sensitivity) of the classes that were chosen.
        who: The reader.
        dark: Draw for a dark page.

    Raises:
        ValueError: A curve lacks a column, or the names in the mappings differ.
    """
    if not set(curves) == set(areas) == set(points):
        raise ValueError("curves, areas and points must have the same names.")
    figure = go.Figure()
    for position, (name, curve) in enumerate(curves.items()):
        require_columns(curve, ("fpr", "tpr", "threshold"), f"The curve of {name!r}")
        style, area = series_style(position, dark), areas[name]
        known = "not defined" if np.isnan(area) else f"{area:.3f}"
        figure.add_scatter(
            x=curve["fpr"],
            y=curve["tpr"],
            name=f"{readable(name, 30)}<br>AUC {known}",
            meta=readable(name, 30),
            mode="lines",
            line={**style, "width": 3},
            hovertemplate="%{meta}<br>sensitivity %{y:.3f}, 1 − specificity %{x:.3f}<extra></extra>",
        )
        figure.add_scatter(
            x=[points[name][0]],
            y=[points[name][1]],
            meta=readable(name, 30),
            mode="markers",
            marker={"color": style["color"], "size": 15, "symbol": "diamond", "line": {"width": 2}},
            showlegend=False,
            hovertemplate="%{meta} decided here<br>sensitivity %{y:.3f}, 1 − specificity %{x:.3f}<extra></extra>",
        )
    line = {"color": palette(dark).muted, "width": 1.5, "dash": "dot"}
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line=line, name="chance (AUC 0.500)", hoverinfo="skip")
    figure.update_xaxes(title="1 − specificity (false positive rate, 0–1)", **PROPORTION)
    figure.update_yaxes(title="Sensitivity (true positive rate, 0–1)", **PROPORTION)
    subtitle = "From the confidence of each answer, or the model's probability; diamonds: the classes that were chosen"
    finish(figure, f"ROC curves: {readable(who, 40, 1)}", subtitle, dark)
    drawn = any(curve[["fpr", "tpr"]].notna().all(axis=1).any() for curve in curves.values())
    return figure if drawn else remark(figure, "Not defined: this needs cases of the class and of other classes.", dark)
