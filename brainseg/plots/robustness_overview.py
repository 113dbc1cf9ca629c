"""Plot of a run's main metric under every corruption of its robustness check."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from brainseg.plots.robustness_curve import curve_trace, strength_axis, value_axis
from brainseg.plots.theme import finish, palette, remark
from brainseg.robustness.result import RobustnessReport

ROW, ELSE = 260, 190
"""Heights in pixels: of a row of two plots, and of everything else."""
METRICS = {"accuracy": "Accuracy", "dice": "Dice, all pixels"}


def robustness_overview(report: RobustnessReport, *, dark: bool = False) -> go.Figure:
    """Draw accuracy or Dice at each strength of each corruption, two plots a row, with 95 % intervals.

    Args:
        report: The result of a check.
        dark: Draw for a dark page.
    """
    curves, untouched, measure = report["curves"], report["reference"]["metric"], METRICS[report["metric"]]
    rows = max(1, -(-len(curves) // 2))
    titles = [f"{curve['title']} ({curve['unit']})" for curve in curves]
    figure = make_subplots(
        rows=rows,
        cols=2,
        shared_yaxes=True,
        subplot_titles=titles,
        vertical_spacing=0.3 / rows,
        horizontal_spacing=0.05,
    )
    figure.update_layout(height=ELSE + ROW * rows)
    figure.update_annotations(font={"size": 13})
    for number, curve in enumerate(curves):
        place = {"row": number // 2 + 1, "col": number % 2 + 1}
        values = [untouched, *(point["metric"] for point in curve["points"])]
        figure.add_trace(curve_trace(curve, values, measure, dark), **place)
        figure.update_xaxes(**strength_axis(curve), **place)
        if untouched["value"] is not None:
            line = {"color": palette(dark).muted, "width": 1.5, "dash": "dot"}
            figure.add_hline(y=untouched["value"], line=line, **place)
    figure.update_yaxes(**value_axis(0, (0, 1)))
    figure.update_yaxes(title=measure, col=1)
    subtitle = f"{measure} on {report['images']:,} held-out images, with 95 % intervals; dotted line: untouched images"
    finish(figure, "Robustness", subtitle, dark)
    return figure if curves else remark(figure, "No corruption was measured.", dark)
