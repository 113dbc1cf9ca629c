"""Plot of a score against a cost."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from brainseg.evaluation.checks import require_columns
from brainseg.plots.theme import finish, palette, readable, remark, series_style

COSTS = {
    "seconds_per_epoch": "Seconds per epoch (s)",
    "diagnosis_ms": "Time for one diagnosis (ms)",
    "parameters": "Parameters (millions)",
    "bundle_mb": "Bundle size (MB)",
}
"""Column -> title of the axis."""

SCORES = {
    "accuracy": ("Accuracy", "Wilson 95 % intervals"),
    "dice": ("Dice of all pixels", "95 % intervals by bootstrap over patients"),
}
"""Column -> its name, and the meaning of its bars."""

UNIT = {"parameters": 1e6}
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star")
HEIGHT = 460


def cost_figure(table: pd.DataFrame, cost: str, score: str = "accuracy", *, dark: bool = False) -> go.Figure:
    """Draw a score of several runs, with its interval, against one cost.

    Args:
        table: One row per run with `run` (its name), `images` (letter of the set that it was evaluated on), `count`,
            the score and its interval (`accuracy`, `accuracy_low` and `accuracy_high`, 0..1), and the column `cost`;
            NaN where the cost is not known; the subtitle names those runs.
        cost: A key of `COSTS`.
        score: A key of `SCORES`.
        dark: Draw for a dark page.

    Raises:
        ValueError: A column is missing, or `cost` is not a key of `COSTS`.
    """
    if cost not in COSTS:
        raise ValueError(f"cost must be one of {list(COSTS)}, got {cost!r}.")
    low, high = f"{score}_low", f"{score}_high"
    columns = ["run", "images", "count", score, low, high, cost]
    require_columns(table, columns, "The table of runs")
    figure = go.Figure()
    figure.update_layout(height=HEIGHT, margin={"r": 200})
    sets = sorted(table["images"].unique())
    known = table[table[cost].notna() & table[score].notna()]
    for position, row in enumerate(table.to_dict(orient="records")):
        if row["run"] in set(known["run"]):
            _draw(figure, row, cost, score, position, sets, dark)
    figure.update_xaxes(title=COSTS[cost], rangemode="tozero")
    name, bars = SCORES[score]
    lowest = float(known[[score, low]].to_numpy(dtype=float).min()) if len(known) else 0.0
    figure.update_yaxes(title=f"{name} (0–1)", range=[max(-0.02, lowest - 0.08), 1.02], tickformat=".2f")
    missing = [name for name in table["run"] if name not in set(known["run"])]
    finish(figure, f"{name} against cost", _subtitle(name, bars, sets, missing), dark)
    return figure if len(known) else remark(figure, "This cost was not measured for any of these runs.", dark)


def _draw(
    figure: go.Figure, row: Mapping[Hashable, Any], cost: str, score: str, position: int, sets: list[str], dark: bool
) -> None:
    colour, low, high = series_style(position, dark)["color"], row[f"{score}_low"], row[f"{score}_high"]
    several = len(sets) > 1
    unit = UNIT.get(cost, 1.0)
    name = readable(row["run"], 22) + (f"<br>evaluated on set {row['images']}" if several else "")
    figure.add_scatter(
        x=[row[cost] / unit],
        y=[row[score]],
        name=name,
        mode="markers",
        marker={
            "size": 14,
            "color": colour,
            "symbol": SYMBOLS[sets.index(row["images"]) % len(SYMBOLS)],
            "line": {"color": palette(dark).paper, "width": 1},
        },
        error_y={
            "array": [high - row[score]],
            "arrayminus": [row[score] - low],
            "symmetric": False,
            "thickness": 2,
            "width": 7,
            "color": colour,
        },
        customdata=[[readable(row["run"], 40), low, high, row["count"]]],
        hovertemplate=f"%{{customdata[0]}}<br>{SCORES[score][0]} %{{y:.3f}} "
        "(95 % interval %{customdata[1]:.3f} to "
        f"%{{customdata[2]:.3f}}, n = %{{customdata[3]}})<br>{COSTS[cost]}: %{{x:.4g}}<extra></extra>",
    )


def _subtitle(score: str, bars: str, sets: list[str], missing: list[str]) -> str:
    parts = [f"Bars: {bars}"]
    if len(sets) > 1:
        parts.append(f"compare {score} only between equal symbols (same images)")
    if missing:
        parts.append(f"not known for {', '.join(readable(name, 30, 1) for name in missing)}")
    return "; ".join(parts)
