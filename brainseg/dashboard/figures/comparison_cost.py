"""What accuracy costs."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from brainseg.dashboard.theme import finish, palette, readable, remark, series_style
from brainseg.evaluation.checks import require_columns

COSTS = {
    "seconds_per_epoch": "Seconds per epoch (s)",
    "diagnosis_ms": "Time for one diagnosis (ms)",
    "parameters": "Parameters (millions)",
    "bundle_mb": "Bundle size (MB)",
}
"""Column -> title of the axis."""

UNIT = {"parameters": 1e6}
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star")
HEIGHT = 460


def cost_figure(table: pd.DataFrame, cost: str, *, dark: bool = False) -> go.Figure:
    """Draw the accuracy of several runs, with its interval, against one cost.

    Args:
        table: One row a run with `run` (its name), `images` (letter of the set that it was judged on), `count`,
            `accuracy`, `accuracy_low` and `accuracy_high` (0..1), and the column `cost`; NaN where that is not known,
            which the figure says.
        cost: A key of `COSTS`.
        dark: Draw for a dark page.

    Raises:
        ValueError: A column is missing or `cost` is none of `COSTS`.
    """
    if cost not in COSTS:
        raise ValueError(f"cost must be one of {list(COSTS)}, got {cost!r}.")
    columns = ["run", "images", "count", "accuracy", "accuracy_low", "accuracy_high", cost]
    require_columns(table, columns, "The table of runs")
    figure = go.Figure()
    figure.update_layout(height=HEIGHT, margin={"r": 200})
    sets = sorted(table["images"].unique())
    known = table[table[cost].notna() & table["accuracy"].notna()]
    for position, row in enumerate(table.to_dict(orient="records")):
        if row["run"] in set(known["run"]):
            _draw(figure, row, cost, position, sets, dark)
    figure.update_xaxes(title=COSTS[cost], rangemode="tozero")
    lowest = known["accuracy_low"].min() if len(known) else 0.0
    figure.update_yaxes(title="Accuracy (0–1)", range=[max(-0.02, lowest - 0.08), 1.02], tickformat=".2f")
    missing = [name for name in table["run"] if name not in set(known["run"])]
    finish(figure, "Accuracy against cost", _subtitle(sets, missing), dark)
    return figure if len(known) else remark(figure, "This cost was not measured for any of these runs.", dark)


def _draw(figure: go.Figure, row: dict, cost: str, position: int, sets: list[str], dark: bool) -> None:
    colour = series_style(position, dark)["color"]
    several = len(sets) > 1
    unit = UNIT.get(cost, 1.0)
    name = readable(row["run"], 22) + (f"<br>judged on set {row['images']}" if several else "")
    figure.add_scatter(
        x=[row[cost] / unit],
        y=[row["accuracy"]],
        name=name,
        mode="markers",
        marker={
            "size": 14,
            "color": colour,
            "symbol": SYMBOLS[sets.index(row["images"]) % len(SYMBOLS)],
            "line": {"color": palette(dark).paper, "width": 1},
        },
        error_y={
            "array": [row["accuracy_high"] - row["accuracy"]],
            "arrayminus": [row["accuracy"] - row["accuracy_low"]],
            "symmetric": False,
            "thickness": 2,
            "width": 7,
            "color": colour,
        },
        customdata=[[readable(row["run"], 40), row["accuracy_low"], row["accuracy_high"], row["count"]]],
        hovertemplate="%{customdata[0]}<br>accuracy %{y:.3f} (95 % interval %{customdata[1]:.3f} to "
        f"%{{customdata[2]:.3f}}, n = %{{customdata[3]}})<br>{COSTS[cost]}: %{{x:.4g}}<extra></extra>",
    )


def _subtitle(sets: list[str], missing: list[str]) -> str:
    parts = ["Bars: Wilson 95 % intervals"]
    if len(sets) > 1:
        parts.append("accuracy compares only between equal symbols (same images)")
    if missing:
        parts.append(f"not known for {', '.join(readable(name, 30, 1) for name in missing)}")
    return "; ".join(parts)
