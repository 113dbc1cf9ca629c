"""Plot of the Dice of several runs."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from brainseg.evaluation.checks import require_columns
from brainseg.plots.theme import finish, readable, series_style

ROW, ELSE = 46, 190
"""Heights in pixels: of one run, and of everything else."""


def dice_figure(table: pd.DataFrame, *, dark: bool = False) -> go.Figure:
    """Draw the pooled Dice of runs with its 95 % interval, one row per run.

    Args:
        table: One row per run with `run` (its name), `images` (letter of the set that it was evaluated on), `count`
            (slices), `dice`, `dice_low` and `dice_high` (0..1, NaN where not defined).
        dark: Draw for a dark page.

    Raises:
        ValueError: A column is missing.
    """
    require_columns(table, ["run", "images", "count", "dice", "dice_low", "dice_high"], "The table of runs")
    figure = go.Figure()
    several = table["images"].nunique() > 1
    for position, row in enumerate(table.to_dict(orient="records")):
        colour = series_style(position, dark)["color"]
        figure.add_scatter(
            x=[row["dice"]],
            y=[position],
            mode="markers",
            marker={"size": 14, "color": colour},
            error_x={
                "array": [row["dice_high"] - row["dice"]],
                "arrayminus": [row["dice"] - row["dice_low"]],
                "symmetric": False,
                "thickness": 2.5,
                "width": 7,
                "color": colour,
            },
            customdata=[[readable(row["run"], 40), row["dice_low"], row["dice_high"], row["count"]]],
            hovertemplate="%{customdata[0]}<br>Dice %{x:.3f} (95 % interval %{customdata[1]:.3f} to "
            "%{customdata[2]:.3f}, n = %{customdata[3]} slices)<extra></extra>",
            showlegend=False,
        )
    names = [
        readable(row.run, 26, 1) + (f" · set {row.images}" if several else "") for row in table.itertuples(index=False)
    ]
    figure.update_layout(height=ELSE + ROW * len(table))
    figure.update_xaxes(title="Dice of all pixels (0–1)", range=[-0.02, 1.02], tickformat=".1f")
    figure.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(table))),
        ticktext=names,
        range=[len(table) - 0.4, -0.6],
        automargin=True,
        showgrid=False,
    )
    apart = "; compare Dice only within a set" if several else ""
    return finish(figure, "Dice", f"Bars: 95 % intervals by bootstrap over patients{apart}", dark)
