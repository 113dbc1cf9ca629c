"""Plot of the epochs of several runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from brainseg.evaluation.checks import require_columns
from brainseg.plots.epoch_axis import epoch_step
from brainseg.plots.loss_axis import loss_axis
from brainseg.plots.theme import DASHES, finish, palette, readable, remark, series_style

LOSSES = {"valid_loss": "Validation loss (nats)", "train_loss": "Training loss (nats)"}
DICE_LOSSES = {"valid_loss": "Validation loss", "train_loss": "Training loss"}
"""Axis titles for segmentations, whose losses are sums without a common unit."""
PANELS_HEIGHT = 640
FEW_EPOCHS = 2  # a line of one point is invisible, so runs with fewer epochs get markers


def comparison_curves(
    runs: Mapping[str, pd.DataFrame | None],
    paper: Mapping[str, pd.DataFrame] | None = None,
    *,
    loss: Literal["valid_loss", "train_loss"] = "valid_loss",
    dark: bool = False,
) -> go.Figure:
    """Draw the loss and the validation accuracy, or Dice, of several runs of one task against epochs.

    Args:
        runs: Name of a run -> its epochs with `epoch` (from 1), `accuracy` or `dice` (0..1) and the losses; None or
            empty for a run without epochs, which has no line here but keeps its colour in other plots.
        paper: Published curves of the same columns, drawn as grey broken lines behind.
        loss: Which loss to draw.
        dark: Draw for a dark page.

    Raises:
        ValueError: A column is missing.
    """
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    figure.update_layout(height=PANELS_HEIGHT, margin={"r": 190})
    drawn = {name: epochs for name, epochs in runs.items() if epochs is not None and len(epochs)}
    masks = any("dice" in epochs for epochs in drawn.values())
    metric, titles = ("dice", DICE_LOSSES) if masks else ("accuracy", LOSSES)
    for position, (name, epochs) in enumerate((paper or {}).items()):
        style = {"color": palette(dark).muted, "dash": DASHES[1 + position % 3], "width": 1.5}
        _draw(figure, name, epochs, (loss, metric), style, rank=2000)
    for position, name in enumerate(runs):
        if name in drawn:
            style = {**series_style(position, dark), "width": 2.5}
            _draw(figure, name, drawn[name], (loss, metric), style, rank=1000)
    longest = max((int(table["epoch"].max()) for table in (*(paper or {}).values(), *drawn.values())), default=1)
    figure.update_xaxes(rangemode="tozero", tick0=0, dtick=epoch_step(longest))
    figure.update_xaxes(title="Epoch", row=2)
    losses = [table[loss] for table in (*(paper or {}).values(), *drawn.values())]
    figure.update_yaxes(**loss_axis(losses, titles[loss]), rangemode="tozero", row=1)
    word = "Dice of all pixels" if masks else "accuracy"
    figure.update_yaxes(title=f"Validation {word} (0–1)", range=[-0.03, 1.03], dtick=0.25, tickformat=".2f", row=2)
    kind = "loss" if masks else "cross-entropy loss"
    finish(figure, "Epochs", f"Above: {kind}, lower is better; below: {word}, higher is better", dark)
    return figure if figure.data else remark(figure, "None of these runs has epochs.", dark)


def _draw(
    figure: go.Figure, name: str, epochs: pd.DataFrame, columns: tuple[str, str], line: dict[str, Any], rank: int
) -> None:
    """Add one run to both panels, with one legend entry that hides and shows both lines."""
    require_columns(epochs, ["epoch", *columns], f"The table of epochs of {name!r}")
    for row, (column, text) in enumerate(zip(columns, ("loss", columns[1]), strict=True), start=1):
        figure.add_scatter(
            x=epochs["epoch"],
            y=epochs[column],
            name=readable(name, 22),
            legendgroup=name,
            legendrank=rank,
            showlegend=row == 1,
            mode="lines+markers" if rank == 1000 or len(epochs) < FEW_EPOCHS else "lines",
            line=line,
            marker={"size": 6},
            meta=readable(name, 40),
            hovertemplate=f"%{{meta}}<br>epoch %{{x}}, {text} %{{y:.4f}}<extra></extra>",
            row=row,
            col=1,
        )
