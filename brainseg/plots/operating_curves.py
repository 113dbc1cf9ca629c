"""Plots of all operating points of a classifier: sensitivity and specificity by threshold, accuracy by coverage."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from brainseg.models.operating_point import OperatingPoint
from brainseg.plots.theme import finish, palette, readable, remark, series_style, translucent

PROPORTION = {"range": [-0.02, 1.02], "dtick": 0.2, "tickformat": ".1f"}
NO_IMAGES = "No image was evaluated."


def threshold_figure(
    curve: pd.DataFrame, positive: str, threshold: float | None = None, *, dark: bool = False
) -> go.Figure:
    """Draw sensitivity and specificity against the threshold, and the threshold of the model.

    Args:
        curve: From `operating.threshold_curve`.
        positive: The class that the threshold is of.
        threshold: The model's threshold; None if the highest probability decides.
        dark: Draw for a dark page.
    """
    figure = go.Figure()
    for position, name in enumerate(("sensitivity", "specificity")):
        style = series_style(position, dark)
        _band(figure, curve["threshold"], curve[f"{name}_low"], curve[f"{name}_high"], style["color"])
        figure.add_scatter(
            x=curve["threshold"],
            y=curve[name],
            mode="lines",
            # A value holds for all thresholds down to the next lower probability.
            line={**style, "width": 3, "shape": "vh"},
            name=f"{name}, 95 % interval",
            customdata=curve[[f"{name}_low", f"{name}_high"]],
            hovertemplate=f"{name} %{{y:.3f}} (%{{customdata[0]:.3f}} to %{{customdata[1]:.3f}}) from %{{x:.3f}} on"
            "<extra></extra>",
        )
    if threshold is not None:
        line = {"color": palette(dark).ink, "width": 2, "dash": "dot"}
        figure.add_vline(
            threshold, line=line, annotation_text=f"threshold {threshold:.3f}", annotation_position="bottom right"
        )
    figure.update_xaxes(title=f"Threshold on the probability of {readable(positive, 30)} (0–1)", **PROPORTION)
    figure.update_yaxes(title="Sensitivity, specificity (0–1)", **PROPORTION)
    subtitle = f"{readable(positive, 30)} is predicted from the threshold on; a lower one finds more and errs more"
    finish(figure, "Sensitivity and specificity by threshold", subtitle, dark)
    return figure if len(curve) else remark(figure, NO_IMAGES, dark)


def coverage_figure(curve: pd.DataFrame, point: OperatingPoint, *, dark: bool = False) -> go.Figure:
    """Draw the accuracy of the certain answers against their fraction, with its interval, and where the model is.

    Args:
        curve: From `operating.coverage_curve`.
        point: The model's operating point.
        dark: Draw for a dark page.
    """
    figure = go.Figure()
    style = series_style(0, dark)
    _band(figure, curve["coverage"], curve["low"], curve["high"], style["color"])
    figure.add_scatter(
        x=curve["coverage"],
        y=curve["accuracy"],
        mode="lines",
        line={**style, "width": 3},
        name="accuracy, 95 % interval",
        customdata=curve[["count", "margin", "low", "high"]],
        hovertemplate="%{customdata[0]} certain answers (%{x:.3f} of the images), margin from %{customdata[1]:.3f}<br>"
        "accuracy %{y:.3f} (%{customdata[2]:.3f} to %{customdata[3]:.3f})<extra></extra>",
    )
    now = curve[curve["margin"] >= point.margin]
    if len(now):
        here = now.sort_values("coverage").iloc[-1]
        figure.add_scatter(
            x=[here["coverage"]],
            y=[here["accuracy"]],
            mode="markers",
            marker={"size": 14, "color": palette(dark).ink, "symbol": "diamond"},
            name=f"margin {point.margin:.2f}, as now",
            hovertemplate="%{x:.3f} of the images, accuracy %{y:.3f}<extra></extra>",
        )
    figure.update_xaxes(title="Coverage: fraction of images with a certain answer (0–1)", **PROPORTION)
    figure.update_yaxes(title="Accuracy of the certain answers (0–1)", **PROPORTION)
    finish(figure, "Accuracy by coverage", "Fewer certain answers should be more often correct", dark)
    return figure if len(curve) else remark(figure, NO_IMAGES, dark)


def _band(figure: go.Figure, places: pd.Series, low: pd.Series, high: pd.Series, colour: str) -> None:
    """Fill the area between two curves."""
    figure.add_scatter(
        x=pd.concat([places, places[::-1]]),
        y=pd.concat([high, low[::-1]]),
        fill="toself",
        mode="none",
        fillcolor=translucent(colour),
        hoverinfo="skip",
        showlegend=False,
    )
