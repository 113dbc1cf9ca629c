"""Plots of slices with the outlines of their true and predicted masks."""

from __future__ import annotations

import base64
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from brainseg.evaluation.checks import require_columns
from brainseg.plots.theme import finish, palette, readable, remark

COLUMNS = 3
PANEL = 330  # pixels of height for a slice with its title
LARGEST = 512  # largest side in pixels of an image in the page
FINE = 4  # outlines run along the edges of pixels, to a quarter of a pixel
TRUE, PREDICTED = ("#FFD400", "solid"), ("#00E5FF", "4px,3px")
"""Colour and dash of each outline; both are bright, since slices are dark on every page."""


def worst_slices_figure(
    cases: pd.DataFrame,
    images: Sequence[np.ndarray],
    truths: Sequence[np.ndarray],
    predictions: Sequence[np.ndarray],
    *,
    title: str = "Worst slices",
    subtitle: str = "",
    dark: bool = False,
) -> go.Figure:
    """Draw slices with the outlines of their true and predicted masks.

    Args:
        cases: From `evaluation.segmentation.worst_slices`.
        images: For each case the slice, (H, W, 3) uint8.
        truths: For each case the true mask, (H, W), not 0 where there is a tumour.
        predictions: For each case the predicted mask, in the same form.
        title: Title of the plot.
        subtitle: Which slices these are; by default, those with the lowest Dice.
        dark: Draw for a dark page.

    Raises:
        ValueError: The table lacks a column, or the numbers of cases, images and masks differ.
    """
    require_columns(cases, ("path", "dice", "true_pixels", "predicted_pixels"), "The table of cases")
    if not len(cases) == len(images) == len(truths) == len(predictions):
        raise ValueError(f"{len(cases)} cases need as many images and masks, got {len(images)} images.")
    if not len(cases):
        return remark(finish(go.Figure(), title, "n = 0 slices", dark), "No slice has a Dice.", dark)
    titles = [_title(case) for case in cases.to_dict(orient="records")]
    subtitle = subtitle or f"the {len(cases)} slices with the lowest Dice, lowest first; they are not typical"
    return finish(_grid(titles, images, truths, predictions, dark), title, subtitle, dark)


def slice_outlines_figure(
    name: str,
    image: np.ndarray,
    truth: np.ndarray,
    predictions: Mapping[str, np.ndarray],
    words: Mapping[str, str],
    *,
    dark: bool = False,
) -> go.Figure:
    """Draw one slice once per run, with the outlines of its true mask and of the run's predicted mask.

    Args:
        name: Name of the slice.
        image: The slice, (H, W, 3) uint8.
        truth: The true mask, (H, W), not 0 where there is a tumour.
        predictions: Name of a run -> its predicted mask, in the same form.
        words: Name of a run -> text below its name.
        dark: Draw for a dark page.
    """
    titles = [f"{readable(run, 40, 1)}<br>{words[run]}" for run in predictions]
    count = len(predictions)
    figure = _grid(titles, [image] * count, [truth] * count, list(predictions.values()), dark)
    subtitle = f"true mask {int(np.count_nonzero(truth)):,} px, the same in every image"
    return finish(figure, readable(name, 60, 1), subtitle, dark)


def _grid(
    titles: Sequence[str],
    images: Sequence[np.ndarray],
    truths: Sequence[np.ndarray],
    predictions: Sequence[np.ndarray],
    dark: bool,
) -> go.Figure:
    """Draw slices side by side, each with its outlines."""
    rows = -(-len(titles) // COLUMNS)
    figure = make_subplots(
        rows, COLUMNS, subplot_titles=titles, horizontal_spacing=0.02, vertical_spacing=0.16 / max(1, rows)
    )
    figure.update_annotations(font={"size": 12, "color": palette(dark).ink})
    for number, (image, truth, predicted) in enumerate(zip(images, truths, predictions, strict=True)):
        place = {"row": number // COLUMNS + 1, "col": number % COLUMNS + 1}
        tall, wide = image.shape[:2]
        step = max(1.0, max(tall, wide) / LARGEST)
        figure.add_image(source=_png(image, step), dx=step, dy=step, hoverinfo="skip", **place)
        for name, mask, style in (("True outline", truth, TRUE), ("Predicted outline", predicted, PREDICTED)):
            figure.add_trace(_outline(mask, name, style, first=number == 0), **place)
        figure.update_xaxes(visible=False, range=[-0.5, wide - 0.5], constrain="domain", **place)
        axis = f"x{number + 1}" if number else "x"
        figure.update_yaxes(visible=False, range=[tall - 0.5, -0.5], scaleanchor=axis, constrain="domain", **place)
    for number in range(len(titles), rows * COLUMNS):
        place = {"row": number // COLUMNS + 1, "col": number % COLUMNS + 1}
        figure.update_xaxes(visible=False, **place).update_yaxes(visible=False, **place)
    height = PANEL * rows + 190
    figure.update_layout(
        height=height,
        margin={"l": 20, "r": 20, "t": 150, "b": 44},
        # The outlines are bright, so on a light page their legend needs a dark background.
        legend={
            "orientation": "h",
            "y": 1 - 76 / height,
            "yref": "container",
            "yanchor": "top",
            "x": 0.003,
            "bgcolor": "#1B1F24",
            "font": {"color": "#F2F4F7"},
        },
    )
    return figure


def _title(case: Mapping[Hashable, Any]) -> str:
    sizes = f"true {case['true_pixels']:,} px, predicted {case['predicted_pixels']:,} px"
    return f"{readable(str(case['path']).rsplit('/', 1)[-1], 40, 1)}<br>Dice {case['dice']:.2f}; {sizes}"


def _png(image: np.ndarray, step: float) -> str:
    size = (max(1, round(image.shape[1] / step)), max(1, round(image.shape[0] / step)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if step > 1 else image
    _, data = cv2.imencode(".png", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
    return "data:image/png;base64," + base64.b64encode(data.tobytes()).decode("ascii")


def _outline(mask: np.ndarray, name: str, style: tuple[str, str], first: bool) -> go.Scatter:
    """Return the outlines of all parts of a mask as one line with gaps."""
    solid = cv2.resize((mask != 0).astype(np.uint8), None, fx=FINE, fy=FINE, interpolation=cv2.INTER_NEAREST)
    parts, _ = cv2.findContours(solid, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    closed = [np.vstack([part[:, 0], part[:1, 0]]).astype(float) for part in parts]
    gaps = [row for part in closed for row in (*((part + 0.5) / FINE - 0.5), (np.nan, np.nan))]
    # A line without points would have no entry in the legend.
    x, y = np.array(gaps or [(np.nan, np.nan)]).T
    colour, dash = style
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        name=name,
        legendgroup=name,
        showlegend=first,
        line={"color": colour, "width": 2.5, "dash": dash},
        hoverinfo="skip",
    )
