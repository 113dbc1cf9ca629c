"""Plot of the difference of two confusion matrices on the same images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from brainseg.evaluation.matrix_difference import MatrixDifference
from brainseg.plots.theme import finish, palette, readable

HEIGHT = 420
CELL = 64


def difference_figure(
    found: MatrixDifference, classes: Sequence[str], names: tuple[str, str], *, dark: bool = False
) -> go.Figure:
    """Draw in each cell how many more images one model put there than the other, and the interval of the fraction.

    A cell is coloured only if its interval excludes 0: in the first colour if the first model has more, in the second
    if the second has more.

    Args:
        found: From `matrix_difference`.
        classes: Class names, in the order of the rows.
        names: The two models; the second is subtracted from the first.
        dark: Draw for a dark page.
    """
    size, colours = len(classes), palette(dark)
    shown = np.where((found.low > 0) | (found.high < 0), np.sign(found.counts), 0)
    first, second = (readable(name, 40, 1) for name in names)
    figure = go.Figure(
        go.Heatmap(
            z=shown,
            x=list(range(size)),
            y=list(range(size)),
            zmin=-1,
            zmax=1,
            colorscale=[[0, colours.series[1]], [0.5, colours.shade], [1, colours.series[0]]],
            opacity=0.55,
            xgap=2,
            ygap=2,
            showscale=False,
            text=_cells(found),
            texttemplate="%{text}",
            textfont={"size": 16 if size <= 3 else 12, "color": colours.ink},
            customdata=_hover(found, classes, names),
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    ticks = {"tickmode": "array", "tickvals": list(range(size)), "ticks": "", "showgrid": False, "showline": False}
    labels = [readable(name, 14, 1) for name in classes]
    rows = [f"{name}<br>n = {total:,}" for name, total in zip(labels, found.totals, strict=True)]
    figure.update_xaxes(title="Predicted class", ticktext=labels, **ticks)
    figure.update_yaxes(title="Actual class", ticktext=rows, autorange="reversed", automargin=True, **ticks)
    figure.update_layout(height=max(HEIGHT, 220 + CELL * size))
    subtitle = f"{first} minus {second}; images, and 95 % interval in points; coloured where it excludes 0"
    return finish(figure, "Difference of the confusion matrices", subtitle, dark)


def _cells(found: MatrixDifference) -> list[list[str]]:
    size = len(found.counts)
    return [[_cell(found, row, column) for column in range(size)] for row in range(size)]


def _cell(found: MatrixDifference, row: int, column: int) -> str:
    if not found.totals[row]:
        return "–"
    return f"<b>{_signed(found.counts[row, column], 0)}</b><br>{_bounds(found, row, column)}"


def _bounds(found: MatrixDifference, row: int, column: int) -> str:
    low, high = found.low[row, column], found.high[row, column]
    if np.isnan(low):
        return "no interval"
    return f"{_signed(100 * low, 0)} to {_signed(100 * high, 0)}"


def _hover(found: MatrixDifference, classes: Sequence[str], names: tuple[str, str]) -> list[list[str]]:
    first, second = (readable(name, 50, 1) for name in names)

    def text(row: int, column: int) -> str:
        where = f"Actual: {readable(classes[row], 50, 1)}<br>Predicted: {readable(classes[column], 50, 1)}"
        if not found.totals[row]:
            return f"{where}<br>no image of this class"
        points = _signed(100 * found.fractions[row, column], 1)
        images = f"{_signed(found.counts[row, column], 0)} of {found.totals[row]:,} images"
        interval = f"{points} points (95 % interval {_bounds(found, row, column)})"
        return f"{where}<br>{first} minus {second}: {images}<br>{interval}"

    size = len(classes)
    return [[text(row, column) for column in range(size)] for row in range(size)]


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "−") if round(value, digits) else "0"
