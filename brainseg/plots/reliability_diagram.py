"""The reliability diagram: how often probabilities came true, with the number of images behind each point."""

from __future__ import annotations

import math

import plotly.graph_objects as go

from brainseg.evaluation.calibration import CalibrationReport, Reliability
from brainseg.plots.theme import finish, palette, readable, remark, series_style

PROPORTION = {"range": [-0.02, 1.02], "dtick": 0.2, "tickformat": ".1f"}
HEIGHT = 620  # pixels, for the diagram above the counts
SMALLEST, LARGER = 7, 9  # pixels: a point of few images, and how much larger that of most images is
COUNTS, GAP = 0.2, 0.06
"""Fractions of the height: that of the counts, and the space between them and the diagram."""


def reliability_figure(report: CalibrationReport, *, unit: str = "images", dark: bool = False) -> go.Figure:
    """Draw the observed fraction against the mean probability of each bin, before and after scaling.

    Args:
        report: A run's calibration.
        unit: What is counted, in the plural.
        dark: Draw for a dark page.
    """
    figure = go.Figure()
    drawn = {"before scaling": report["before"], "after scaling": report["after"]}
    if report["after"] == report["before"]:
        del drawn["after scaling"]
    first = report["before"]
    for position, (name, measured) in enumerate(drawn.items()):
        if measured:
            _curve(figure, name, measured, position, unit, dark)
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        name="perfect calibration",
        line={"color": palette(dark).muted, "width": 1.5, "dash": "dot"},
        hoverinfo="skip",
    )
    of = readable(first["of"]) if first and first["of"] else ""
    figure.update_layout(height=HEIGHT, barmode="group", bargap=0.15)
    title = f"Mean probability of {of}" if of else "Mean highest probability"
    figure.update_xaxes(title=title, anchor="y2", **PROPORTION)
    observed = f"Fraction that is {of}" if of else "Fraction that is correct"
    figure.update_layout(
        yaxis={"title": observed, "domain": [COUNTS + GAP, 1], **PROPORTION},
        yaxis2={"title": unit.capitalize(), "domain": [0, COUNTS], "anchor": "x", "rangemode": "tozero"},
    )
    subtitle = f"On the dotted line, probabilities come true as often as they say; large points: many {unit}"
    finish(figure, "Reliability diagram", subtitle, dark)
    return figure if first else remark(figure, "No image was evaluated.", dark)


def _curve(figure: go.Figure, name: str, measured: Reliability, position: int, unit: str, dark: bool) -> None:
    """Add the points of one curve with their intervals, and below them the number of images in each bin."""
    filled = [each for each in measured["bins"] if each["count"]]
    observed = [each["observed"] or 0.0 for each in filled]
    intervals = [each["interval"] or (0.0, 1.0) for each in filled]
    style = series_style(position, dark)
    colour, most = {"color": style["color"]}, max(each["count"] for each in filled)
    figure.add_scatter(
        x=[each["probability"] for each in filled],
        y=observed,
        error_y={
            "array": [high - value for (_, high), value in zip(intervals, observed, strict=True)],
            "arrayminus": [value - low for (low, _), value in zip(intervals, observed, strict=True)],
            "symmetric": False,
            "thickness": 1.5,
        },
        mode="markers",  # a line would lead through bins of a single image, and look like a trend
        name=f"{name}<br>expected error {measured['ece']:.3f}",
        legendgroup=name,
        marker={"size": [SMALLEST + LARGER * math.sqrt(each["count"] / most) for each in filled], **colour},
        customdata=[[each["count"], each["low"], each["high"]] for each in filled],
        hovertemplate=f"{name}<br>%{{customdata[0]:,}} {unit} from %{{customdata[1]:.1f}} to %{{customdata[2]:.1f}}<br>"
        "mean probability %{x:.3f}, observed %{y:.3f}<extra></extra>",
    )
    figure.add_bar(
        x=[(each["low"] + each["high"]) / 2 for each in measured["bins"]],
        y=[each["count"] for each in measured["bins"]],
        yaxis="y2",
        marker=colour,
        showlegend=False,
        legendgroup=name,
        hovertemplate=f"{name}: %{{y:,}} {unit}<extra></extra>",
    )
