"""Deletion and insertion curves of a model's heatmaps, side by side."""

from __future__ import annotations

import plotly.graph_objects as go

from brainseg.diagnosis.heatmap_checks.stored import HeatmapChecks, Measured, OrderName
from brainseg.plots.theme import finish, series_style

TITLES: dict[OrderName, str] = {
    "heatmap": "hottest pixels first",
    "random": "random order",
    "centre": "from the centre outwards",
}
HEIGHT = 460  # pixels
GAP = 0.1
"""Fraction of the width between the two plots."""
PROBABILITY = {"range": [-0.02, 1.02], "dtick": 0.2, "tickformat": ".1f"}


def heatmap_curves_figure(checks: HeatmapChecks, *, dark: bool = False) -> go.Figure:
    """Draw the mean probability of the explained class while pixels are removed, and while they are inserted.

    Args:
        checks: The checks of a run's heatmaps.
        dark: Draw for a dark page.
    """
    figure, curves = go.Figure(), checks["curves"]
    sides = (
        ("deletion", curves["deletion"], curves["deletion_area"], "x", "y"),
        ("insertion", curves["insertion"], curves["insertion_area"], "x2", "y2"),
    )
    for kind, drawn, areas, across, up in sides:
        for position, (name, title) in enumerate(TITLES.items()):
            figure.add_scatter(
                x=[100 * fraction for fraction in curves["fractions"]],
                y=drawn[name],
                xaxis=across,
                yaxis=up,
                mode="lines+markers",
                name=title,
                legendgroup=title,
                showlegend=kind == "deletion",
                line={**series_style(position, dark), "width": 3},
                hovertemplate=f"{kind}, {title}<br>%{{x:g}} % of the pixels: probability %{{y:.3f}}"
                f"<br>area {_area(areas[name])}<extra></extra>",
            )
    left, right = [0, 0.5 - GAP / 2], [0.5 + GAP / 2, 1]
    figure.update_layout(
        height=HEIGHT,
        xaxis={"title": "Pixels removed, %", "domain": left, "anchor": "y"},
        xaxis2={"title": "Pixels inserted, %", "domain": right, "anchor": "y2"},
        yaxis={"title": "Mean probability of the explained class", **PROBABILITY},
        yaxis2={"title": "Mean probability", "anchor": "x2", **PROBABILITY},
    )
    subtitle = (
        f"n = {checks['images']} images; removed pixels come from {curves['fill']}; a good heatmap makes the left "
        "curve fall and the right one rise at once"
    )
    return finish(figure, "Deletion and insertion", subtitle, dark)


def _area(found: Measured) -> str:
    if found["value"] is None:
        return "not defined"
    low_high = found["interval"]
    bounds = f" (95 % interval {low_high[0]:.3f} to {low_high[1]:.3f})" if low_high else ""
    return f"{found['value']:.3f}{bounds}"
