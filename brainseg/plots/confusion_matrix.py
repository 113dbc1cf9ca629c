"""Plot of a confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from brainseg.plots.theme import MARGIN, finish, palette, readable, text_on

CELL = 42  # minimum height in pixels of a cell with two lines of text
FEW = 5  # up to this many classes, cells and labels have room for more text


def confusion_matrix_figure(
    matrix: np.ndarray | Sequence[Sequence[int]], classes: Sequence[str], *, unit: str = "images", dark: bool = False
) -> go.Figure:
    """Draw a confusion matrix: counts, and percentages of the row, which is the actual class.

    Args:
        matrix: Counts of shape (classes, classes); rows actual, columns predicted.
        classes: Class names, in the order of the rows.
        unit: The counted things, in the plural.
        dark: Draw for a dark page.

    Raises:
        ValueError: The matrix is not square, does not fit the classes, or holds a negative count.
    """
    counts = np.asarray(matrix)
    size = len(classes)
    if counts.shape != (size, size):
        raise ValueError(f"matrix must have shape ({size}, {size}) for {list(classes)}, got {counts.shape}.")
    if (counts < 0).any():
        raise ValueError(f"matrix must not hold negative counts, got {counts.min()}.")
    totals = counts.sum(axis=1)
    # NaN in the rows of classes without images: these cells have the colour of 0 and a dash as text.
    percentages = np.where(totals[:, None] > 0, 100 * counts / np.maximum(totals, 1)[:, None], np.nan)
    names = [readable(name, 16 if size <= 3 else 13) for name in classes]
    figure = go.Figure()
    figure.add_heatmap(
        z=np.nan_to_num(percentages),
        x=list(range(size)),
        y=list(range(size)),
        customdata=_hover_texts(classes, counts, percentages, unit),
        hovertemplate="%{customdata}<extra></extra>",
        colorscale=list(palette(dark).scale),
        zmin=0,
        zmax=100,
        xgap=2,
        ygap=2,
        showscale=False,
    )
    _write_cells(figure, counts, percentages, dark)
    _name_axes(figure, names, classes, totals)
    right = f"{int(np.trace(counts)):,} of {int(counts.sum()):,} {unit} are on the diagonal (correct)"
    return finish(figure, "Confusion matrix", f"{right}; colour and %: proportion of the actual class (row)", dark)


def _name_axes(figure: go.Figure, names: list[str], classes: Sequence[str], totals: np.ndarray) -> None:
    """Label rows and columns; with many classes, in one line each, and vertical below the columns."""
    many = len(names) > FEW
    ticks = {
        "tickmode": "array",
        "tickvals": list(range(len(names))),
        "ticks": "",
        "ticklabelstandoff": 8,
        "tickfont": {"size": 14 if len(names) <= 3 else 12},
        "showgrid": False,
        "showline": False,
        "constrain": "domain",
    }
    if many:
        rows = [f"{readable(name, 18, 1)} (n = {total:,})" for name, total in zip(classes, totals, strict=True)]
        letters = max(len(line) for name in names for line in name.split("<br>"))
        below = 76 + 8 * letters  # 8 pixels per letter are enough
        figure.update_layout(margin={"b": below}, height=MARGIN["t"] + below + CELL * len(names))
    else:
        rows = [f"{name}<br>n = {total:,}" for name, total in zip(names, totals, strict=True)]
        figure.update_layout(margin={"b": 104})
    figure.update_xaxes(title="Predicted class", ticktext=names, tickangle=-90 if many else 0, **ticks)
    figure.update_yaxes(title="Actual class", ticktext=rows, autorange="reversed", automargin=True, **ticks)
    figure.update_yaxes(scaleanchor="x")


def _write_cells(figure: go.Figure, counts: np.ndarray, percentages: np.ndarray, dark: bool) -> None:
    """Write count and percentage into each cell: in a separate trace, since a heat map has only one text colour."""
    size = len(counts)
    rows, columns = np.divmod(np.arange(size * size), size)
    backgrounds = sample_colorscale(list(palette(dark).scale), np.nan_to_num(percentages.ravel()) / 100)
    digits = 1 if size <= FEW else 0
    figure.add_scatter(
        x=columns,
        y=rows,
        mode="text",
        text=[
            f"{count:,}<br>{_percent(value, digits)}"
            for count, value in zip(counts.ravel(), percentages.ravel(), strict=True)
        ],
        textfont={
            "size": 20 if size <= 3 else 15 if size <= FEW else 11,
            "color": [text_on(background) for background in backgrounds],
        },
        hoverinfo="skip",
        showlegend=False,
    )


def _hover_texts(classes: Sequence[str], counts: np.ndarray, percentages: np.ndarray, unit: str) -> list[list[str]]:
    names = [readable(name, 50, 3) for name in classes]

    def text(row: int, column: int) -> str:
        found = f"{counts[row, column]:,} of {counts[row].sum():,} {unit} ({_percent(percentages[row, column], 1)})"
        return f"Actual: {names[row]}<br>Predicted: {names[column]}<br>{found}"

    return [[text(row, column) for column in range(len(names))] for row in range(len(names))]


def _percent(value: float, digits: int) -> str:
    return "–" if np.isnan(value) else f"{value:.{digits}f} %"
