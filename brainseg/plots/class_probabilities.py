"""The class probabilities of one answer as bars, with those of an ensemble's members as marks."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from brainseg.diagnosis.calibrated import Certainty
from brainseg.plots.theme import finish, palette, readable

HEAD, ROW, LEGEND_ROW = 180, 46, 24  # pixels: title, axis and footer together; one class; one model
BELOW = 56  # pixels from the bars down to the legend: ticks and title of the axis
MOST = 12
"""Number of classes that are drawn; the subtitle counts the less likely ones that are left out."""
NOT_CALIBRATED = Certainty((None,))
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x")


def probability_figure(
    probabilities: Mapping[str, float],
    members: Mapping[str, Mapping[str, float]] | None = None,
    certainty: Certainty = NOT_CALIBRATED,
    label: str = "",
    threshold: tuple[str, float] | None = None,
    *,
    dark: bool = False,
) -> go.Figure:
    """Draw the probability of each class, the predicted one on top, then the most likely.

    Args:
        probabilities: Class -> probability (0..1); for an ensemble, the mean.
        members: Model of an ensemble -> its own probabilities.
        certainty: How the probabilities are to be read and written.
        label: The predicted class; "" for the one with the highest probability.
        threshold: The class that a threshold decides about, and the threshold, which is drawn as a line across its bar.
        dark: Draw for a dark page.
    """
    ranked = sorted(probabilities, key=lambda name: (name != label, -probabilities[name]))
    shown = ranked[:MOST]
    colours, rows = palette(dark), list(range(len(shown)))
    figure = go.Figure(
        go.Bar(
            x=[probabilities[name] for name in shown],
            y=rows,
            orientation="h",
            name="mean" if members else certainty.noun,
            marker={
                "color": [colours.series[0], *[colours.muted] * (len(shown) - 1)],
                "opacity": 0.45 if members else 1,
            },
            width=0.62,
            customdata=[[readable(name, 40, 1), certainty.write(probabilities[name])] for name in shown],
            hovertemplate="%{customdata[0]}: %{customdata[1]}<extra></extra>",
            showlegend=bool(members),
        )
    )
    for number, (model, own) in enumerate((members or {}).items()):
        figure.add_scatter(
            x=[own[name] for name in shown],
            y=rows,
            mode="markers",
            name=readable(model, 34, 1),
            marker={
                "size": 12,
                "symbol": SYMBOLS[number % len(SYMBOLS)],
                "color": colours.series[(number + 1) % len(colours.series)],
                "line": {"width": 1, "color": colours.ink},
            },
            customdata=[[readable(name, 40, 1), certainty.write(own[name])] for name in shown],
            hovertemplate=f"{readable(model, 40, 1)}<br>%{{customdata[0]}}: %{{customdata[1]}}<extra></extra>",
        )
    for row, name in enumerate(shown):
        value = f"<b>{certainty.write(probabilities[name])}</b>"
        figure.add_annotation(x=1.01, xref="paper", xanchor="left", y=row, text=value, showarrow=False)
    if threshold and threshold[0] in shown:
        row = shown.index(threshold[0])
        line = {"color": colours.ink, "width": 2.5, "dash": "dot"}
        figure.add_shape(type="line", x0=threshold[1], x1=threshold[1], y0=row - 0.45, y1=row + 0.45, line=line)
    legend = LEGEND_ROW * (len(members) + 1) if members else 0
    height = HEAD + ROW * len(shown) + legend
    figure.update_layout(
        height=height,
        margin={"l": 110, "r": 104, "b": 88 + legend},
        legend={"x": 0, "xanchor": "left", "y": -BELOW / (ROW * len(shown)), "yanchor": "top"},
    )
    figure.update_xaxes(title=f"{certainty.noun.capitalize()} (0–1)", range=[0, 1], dtick=0.5, tickformat=".1f")
    names = [f"<b>{readable(name, 14)}</b>" if not row else readable(name, 14) for row, name in enumerate(shown)]
    figure.update_yaxes(
        tickmode="array", tickvals=rows, ticktext=names, range=[len(shown) - 0.5, -0.5], ticks="", showline=False
    )
    left_out = f"; {len(ranked) - MOST} less likely classes are not drawn" if len(ranked) > MOST else ""
    subtitle = "Bars: mean; marks: each model" if members else certainty.short[0].upper() + certainty.short[1:]
    decides = f"; dotted line: the threshold of {readable(threshold[0], 14)}" if threshold else ""
    return finish(figure, f"{certainty.noun.capitalize()} of each class", subtitle + decides + left_out, dark)
