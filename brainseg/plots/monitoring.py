"""Plots of the log of answers: how many there were, and how sure models were of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from brainseg.plots.theme import finish, palette, readable, remark, series_style

BINS = 20
NO_ANSWER = "No answer was logged."


def volume_figure(answers: pd.DataFrame, period: float | None = None, *, dark: bool = False) -> go.Figure:
    """Draw the number of answers per day, stacked by outcome.

    Args:
        answers: From `AnswerLog.read`.
        period: Number of days to draw, up to the newest answer; by default from the first answer on.
        dark: Draw for a dark page.
    """
    figure = go.Figure()
    days = answers["time"].dt.floor("D")
    for position, (outcome, rows) in enumerate(answers.groupby("outcome", sort=True)):
        counts = days[rows.index].value_counts().sort_index()
        figure.add_bar(
            x=list(counts.index.to_pydatetime()),
            y=counts.to_list(),
            name=readable(str(outcome), 30),
            marker={"color": series_style(position, dark)["color"]},
            width=20 * 3600 * 1000,  # milliseconds: a day, less a gap
            hovertemplate=f"{readable(str(outcome), 30)}: %{{y}} answers on %{{x|%d %B %Y}}<extra></extra>",
        )
    figure.update_layout(barmode="stack")
    figure.update_xaxes(title="Day (UTC)", type="date")
    if period is not None and len(days):
        half = pd.Timedelta(hours=14)  # a bar, and a little air beside it
        figure.update_xaxes(range=[days.max() - pd.Timedelta(days=period) - half, days.max() + half])
    most = int(days.value_counts().max()) if len(days) else 1
    figure.update_yaxes(title="Answers", rangemode="tozero", dtick=1 if most < 8 else None)
    finish(figure, "Answers by day", "By outcome; an image that was asked about twice counts twice", dark)
    return figure if len(answers) else remark(figure, NO_ANSWER, dark)


def confidence_figure(newest: Sequence[float], reference: Sequence[float] | None, *, dark: bool = False) -> go.Figure:
    """Draw how sure a model was of its newest answers, against its validation set.

    Args:
        newest: Probability or score (0..1) of each predicted class, newest images.
        reference: The same for the validation set; None where it is not known.
        dark: Draw for a dark page.
    """
    figure = go.Figure()
    drawn = {"newest images": newest, "validation set": reference}
    edges = np.linspace(0, 1, BINS + 1)
    for position, (name, values) in enumerate(drawn.items()):
        if values is None or not len(values):
            continue
        counts, _ = np.histogram(values, edges)
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts / len(values),
            name=f"{name} (n = {len(values)})",
            marker={"color": series_style(position, dark)["color"]},
            customdata=counts,
            hovertemplate=f"{name}: %{{customdata}} images, a fraction of %{{y:.3f}}, near %{{x:.3f}}<extra></extra>",
        )
    figure.update_layout(barmode="group", bargap=0.1)
    figure.update_xaxes(title="Confidence: probability or score of the predicted class (0–1)", range=[0, 1])
    figure.update_yaxes(title="Fraction of images (0–1)", rangemode="tozero")
    finish(figure, "Confidence", "Both should look alike", dark)
    return figure if len(newest) else remark(figure, NO_ANSWER, dark)


def distance_figure(answers: pd.DataFrame, *, dark: bool = False) -> go.Figure:
    """Draw how far the images are from the training images, in the order in which they came.

    Args:
        answers: From `AnswerLog.read`, of one model.
        dark: Draw for a dark page.
    """
    known = answers.dropna(subset=["distance"])
    figure = go.Figure(
        go.Scatter(
            x=list(known["time"].dt.to_pydatetime()),
            y=known["distance"],
            mode="markers",
            marker={"size": 8, "color": series_style(0, dark)["color"], "opacity": 0.7},
            name="one answer",
            hovertemplate="%{y:.2f} times the limit, %{x|%d %B %Y, %H:%M} UTC<extra></extra>",
            showlegend=False,
        )
    )
    line = {"color": palette(dark).ink, "width": 2, "dash": "dot"}
    figure.add_hline(1, line=line, annotation_text="limit")
    figure.update_xaxes(title="Time (UTC)", type="date")
    figure.update_yaxes(title="Distance (multiples of the limit)", rangemode="tozero")
    subtitle = "About 2 % of images like the training images lie above the line"
    finish(figure, "Distance of the network's features", subtitle, dark)
    return figure if len(known) else remark(figure, "No image was compared: the model has no guard.", dark)
