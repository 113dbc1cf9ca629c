"""Plot of a search: its trials as lines over parallel axes, one for each setting."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from brainseg.plots.theme import finish, palette, remark

HEIGHT = 460
TICKS = 5
FORMAT = ".3~g"
"""Three digits, without zeros at the end; Plotly would print five at the ends of an axis."""


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes:
        name: The setting, which is also a column of the table.
        log: Whether the axis is logarithmic.
        values: The values in order if they are not a range of numbers; empty otherwise.
    """

    name: str
    log: bool = False
    values: Sequence[str] = ()


def parallel_figure(table: pd.DataFrame, axes: Sequence[Axis], metric: str, *, dark: bool = False) -> go.Figure:
    """Draw one line per complete trial, coloured by its value; dragging along an axis picks lines.

    Args:
        table: One row per trial: `value` (NaN unless complete), and a column for each axis, numbers or text.
        axes: The axes, from left to right.
        metric: Name of the metric, which is the last axis.
        dark: Draw for a dark page.
    """
    known = table[table["value"].notna()]
    figure = go.Figure()
    figure.update_layout(height=HEIGHT, margin={"l": 90, "r": 90, "t": 130})
    shade = "brighter" if dark else "darker"
    subtitle = f"{len(known)} complete trials; {shade} lines: higher {metric.lower()}; drag along an axis to pick lines"
    finish(figure, "Settings of the trials", subtitle, dark)
    if known.empty:
        return remark(figure, "No trial has finished yet.", dark)
    colours = palette(dark)
    values = known["value"].to_numpy(float)
    figure.add_parcoords(
        dimensions=[*(_dimension(axis, known[axis.name]) for axis in axes), _numbers(metric, values)],
        line={"color": values, "colorscale": [list(pair) for pair in _scale(colours.scale[1:])]},
        labelfont={"size": 13, "color": colours.ink},
        tickfont={"size": 11, "color": colours.ink},
        rangefont={"size": 11, "color": colours.muted},
    )
    return figure


def _scale(colours: Sequence[str]) -> list[tuple[float, str]]:
    return [(number / (len(colours) - 1), colour) for number, colour in enumerate(colours)]


def _numbers(label: str, values: np.ndarray) -> dict[str, Any]:
    return {"label": label, "values": values, "tickformat": FORMAT}


def _dimension(axis: Axis, column: pd.Series[Any]) -> Mapping[str, Any]:
    label = axis.name.rpartition(".")[2]
    if axis.values:
        numbers = [axis.values.index(str(value)) for value in column]
        places = list(range(len(axis.values)))
        return {"label": label, "values": numbers, "tickvals": places, "ticktext": list(axis.values)}
    numbers_of = column.to_numpy(float)
    if not axis.log:
        return _numbers(label, numbers_of)
    logs = [math.log10(value) for value in numbers_of]
    low, high = min(logs), max(logs)
    places_of = [low + (high - low) * number / (TICKS - 1) for number in range(TICKS)] if high > low else [low]
    return {
        "label": f"{label}<br>(log)",
        "values": logs,
        "tickvals": places_of,
        "ticktext": [f"{10**place:.2g}" for place in places_of],
    }
