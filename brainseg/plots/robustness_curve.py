"""Plot of one measure against the strength of one corruption."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from brainseg.plots.theme import finish, palette, remark, series_style
from brainseg.robustness.result import Curve, Measured

HEIGHT = 360
Values = Sequence[Measured | None]
"""A measure on the untouched images, and at each strength of a corruption; None where it says nothing."""


def robustness_figure(
    curve: Curve, values: Values, measure: str, limits: tuple[float, float] | None = (0, 1), *, dark: bool = False
) -> go.Figure:
    """Draw a measure at each strength of a corruption, with its 95 % intervals.

    Strengths are drawn at equal distances, from weak to strong, since their units differ. A line with a shade for its
    interval marks the untouched images.

    Args:
        curve: The corruption.
        values: The measure.
        measure: Its name.
        limits: Its lowest and highest possible value; None if it has no upper limit.
        dark: Draw for a dark page.

    Raises:
        ValueError: There is not one value for the untouched images and one per strength.
    """
    figure, colours, untouched = go.Figure(), palette(dark), values[0] if values else None
    figure.update_layout(height=HEIGHT, showlegend=False)
    figure.update_xaxes(title=f"Strength ({curve['unit']})", **strength_axis(curve))
    known = known_values(curve, values)
    lowest = min((value["value"] or 0.0 for _, value in known), default=0.0)
    figure.update_yaxes(title=measure, **value_axis(lowest, limits))
    if untouched and untouched["value"] is not None:
        if bounds := untouched["interval"]:
            figure.add_hrect(y0=bounds[0], y1=bounds[1], fillcolor=colours.shade, line_width=0, layer="below")
        figure.add_hline(y=untouched["value"], line={"color": colours.muted, "width": 1.5, "dash": "dot"})
    mark = "; dotted line and shade: untouched images" if untouched else ""
    finish(figure, curve["title"], f"{measure}, with 95 % intervals{mark}", dark)
    if not known:
        return remark(figure, f"{measure} is not defined here.", dark)
    return figure.add_trace(curve_trace(curve, values, measure, dark))


def strength_names(curve: Curve) -> list[str]:
    """Return the labels of the axis: "none" for the untouched images, then the strengths."""
    return ["none", *(f"{point['strength']:g}" for point in curve["points"])]


def strength_axis(curve: Curve) -> dict[str, object]:
    """Return the settings of the axis of a corruption's strengths."""
    names = strength_names(curve)
    return {
        "tickmode": "array",
        "tickvals": list(range(len(names))),
        "ticktext": names,
        "range": [-0.4, len(names) - 0.6],
    }


def value_axis(lowest: float, limits: tuple[float, float] | None) -> dict[str, object]:
    """Return the settings of the axis of a measure; below 0 only if its lowest value is."""
    if limits is None:
        return {"rangemode": "tozero"}
    low = limits[0] if lowest < 0 else max(0.0, limits[0])
    return {"range": [low - 0.03, limits[1] + 0.03], "tickformat": ".2f"}


def known_values(curve: Curve, values: Values) -> list[tuple[int, Measured]]:
    """Return the values that are defined, with their places on the axis.

    Raises:
        ValueError: There is not one value for the untouched images and one per strength.
    """
    if len(values) != len(curve["points"]) + 1:
        raise ValueError(f"A curve of {len(curve['points'])} strengths needs one value more, and has {len(values)}.")
    return [(place, value) for place, value in enumerate(values) if value and value["value"] is not None]


def curve_trace(curve: Curve, values: Values, measure: str, dark: bool) -> go.Scatter:
    """Return the line of a measure with its intervals."""
    names, known = strength_names(curve), known_values(curve, values)
    numbers = [value["value"] or 0.0 for _, value in known]
    ends = [value["interval"] or (number, number) for number, (_, value) in zip(numbers, known, strict=True)]
    return go.Scatter(
        x=[place for place, _ in known],
        y=numbers,
        mode="lines+markers",
        showlegend=False,
        line={**series_style(0, dark), "width": 2.5},
        marker={"size": 8},
        error_y={
            "array": [high - number for number, (_, high) in zip(numbers, ends, strict=True)],
            "arrayminus": [number - low for number, (low, _) in zip(numbers, ends, strict=True)],
            "symmetric": False,
            "thickness": 1.5,
            "width": 5,
        },
        customdata=[
            [names[place], f"{low:.4f} to {high:.4f}" if value["interval"] else "no interval", value["count"]]
            for (place, value), (low, high) in zip(known, ends, strict=True)
        ],
        hovertemplate=f"strength %{{customdata[0]}}: {measure} %{{y:.4f}}<br>95 % interval: %{{customdata[1]}}<br>"
        "n = %{customdata[2]}<extra></extra>",
    )
