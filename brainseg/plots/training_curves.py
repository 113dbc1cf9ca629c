"""Plot of a training by epoch: losses above, validation metrics below."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from brainseg.evaluation.checks import require_columns
from brainseg.plots.epoch_axis import epoch_step
from brainseg.plots.loss_axis import loss_axis
from brainseg.plots.theme import finish, palette, remark, series_style

COLUMNS = ("phase", "epoch", "learning_rate", "seconds")
LOSSES = {"train_loss": "training loss", "valid_loss": "validation loss"}
METRICS = {"accuracy": "accuracy", "dice": "Dice", "sensitivity": "sensitivity", "specificity": "specificity"}
DENSE = 40  # from this many epochs on, full-size markers would overlap
PHASES = {"frozen": "frozen: head only", "unfrozen": "unfrozen: all layers"}
HEIGHT = 640


def training_curves(
    epochs: pd.DataFrame,
    *,
    loss_title: str = "Loss (cross-entropy, nats)",
    keeps: Literal["last", "best"] | None = None,
    dark: bool = False,
) -> go.Figure:
    """Draw losses and validation metrics against epochs, with the frozen phase shaded and the best epoch marked.

    Args:
        epochs: One row per epoch with `phase` ('frozen' or 'unfrozen'), `epoch` (counted over both phases from 1),
            `train_loss`, `valid_loss`, `accuracy` or `dice`, `sensitivity`, `specificity` (0..1), `learning_rate` and
            `seconds`. NaN leaves a gap; a metric that is NaN throughout is left out. May be empty.
        loss_title: Title of the loss axis, with its unit.
        keeps: The epoch whose weights the model has, named in the subtitle; None to leave it out.
        dark: Draw for a dark page.

    Raises:
        ValueError: A column is missing or `phase` has another value.
    """
    headline = "dice" if "dice" in epochs else "accuracy"
    metrics = {name: METRICS[name] for name in (headline, "sensitivity", "specificity")}
    require_columns(epochs, [*COLUMNS, *LOSSES, *metrics], "The table of epochs")
    if unknown := sorted(set(epochs["phase"]) - set(PHASES), key=str):
        raise ValueError(f"phase must be one of {list(PHASES)}, got {unknown[0]!r}.")
    epochs = epochs.sort_values("epoch", kind="stable")
    best = _best(epochs)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    figure.update_layout(height=HEIGHT, margin={"r": 172})
    finish(figure, "Training", _subtitle(epochs, best, keeps), dark)
    figure.update_yaxes(**loss_axis([epochs[name] for name in LOSSES], loss_title), row=1)
    proportion = "Tumour pixels (0–1)" if headline == "dice" else "Fraction of images (0–1)"
    figure.update_yaxes(title=proportion, range=[-0.03, 1.03], dtick=0.25, tickformat=".2f", row=2)
    figure.update_xaxes(title="Epoch", row=2)
    if not len(epochs):
        return remark(figure, "No epoch has finished yet.", dark)
    _draw(figure, epochs, LOSSES, row=1, legend="legend", dark=dark)
    _draw(figure, epochs, metrics, row=2, legend="legend2", dark=dark, first_colour=len(LOSSES))
    _shade_frozen(figure, epochs, dark)
    if best is not None:
        _mark_best(figure, best, dark)
    panels = [figure.layout.yaxis.domain, figure.layout.yaxis2.domain]
    legends = [{"x": 1.015, "y": domain[1], "yanchor": "top", "font": {"size": 13}} for domain in panels]
    figure.update_layout(legend=legends[0], legend2=legends[1])
    first, last = int(epochs["epoch"].iloc[0]), int(epochs["epoch"].iloc[-1])
    figure.update_xaxes(range=[first - 0.5, last + 0.5], tick0=0, dtick=epoch_step(last - first + 1))
    return figure


def _draw(
    figure: go.Figure,
    epochs: pd.DataFrame,
    columns: dict[str, str],
    row: int,
    legend: str,
    dark: bool,
    first_colour: int = 0,
) -> None:
    details = [_detail(*row) for row in zip(epochs["phase"], epochs["learning_rate"], epochs["seconds"], strict=True)]
    for position, (column, name) in enumerate(columns.items(), start=first_colour):
        if epochs[column].isna().all():
            continue
        style = series_style(position, dark)
        figure.add_scatter(
            x=epochs["epoch"],
            y=epochs[column],
            customdata=details,
            name=name,
            legend=legend,
            mode="lines+markers",
            line={**style, "width": 2.5},
            marker={
                "size": 7 if len(epochs) < DENSE else 4,
                "symbol": ("circle", "square", "circle", "diamond", "triangle-up")[position],
            },
            hovertemplate=f"Epoch %{{x}}, {name}: %{{y:.4f}}<br>%{{customdata}}<extra></extra>",
            row=row,
            col=1,
        )


def _detail(phase: str, learning_rate: float, seconds: float) -> str:
    """Return the details in the hover text of an epoch, without those that were not recorded."""
    rate = "" if pd.isna(learning_rate) else f"<br>learning rate {learning_rate:.2e}"
    return PHASES[phase] + rate + ("" if pd.isna(seconds) else f"<br>took {seconds:.1f} s")


def _best(epochs: pd.DataFrame) -> pd.Series | None:
    """Return the first row with the lowest validation loss; None if no loss is known."""
    known = epochs[np.isfinite(epochs["valid_loss"].to_numpy(dtype=np.float64))]
    return None if known.empty else known.iloc[int(known["valid_loss"].to_numpy().argmin())]


def _mark_best(figure: go.Figure, best: pd.Series, dark: bool) -> None:
    colours = palette(dark)
    figure.add_vline(x=int(best["epoch"]), line={"color": colours.ink, "width": 1.5, "dash": "dot"}, row="all", col=1)
    figure.add_scatter(
        x=[int(best["epoch"])],
        y=[float(best["valid_loss"])],
        name="lowest validation loss",
        legend="legend",
        mode="markers",
        marker={"symbol": "star", "size": 16, "color": colours.ink, "line": {"color": colours.paper, "width": 1.5}},
        hoverinfo="skip",  # the point beneath has the hover text
        row=1,
        col=1,
    )


def _shade_frozen(figure: go.Figure, epochs: pd.DataFrame, dark: bool) -> None:
    """Shade the frozen epochs, and name the shade in the legend, since a label would not fit a narrow band."""
    numbers = epochs.loc[epochs["phase"] == "frozen", "epoch"]
    if numbers.empty:
        return
    for row in (1, 2):
        figure.add_vrect(
            x0=int(numbers.min()) - 0.5,
            x1=int(numbers.max()) + 0.5,
            fillcolor=palette(dark).shade,
            line_width=0,
            layer="below",
            name=PHASES["frozen"],
            showlegend=row == 1,
            row=row,
            col=1,
        )


def _subtitle(epochs: pd.DataFrame, best: pd.Series | None, keeps: str | None) -> str:
    count = f"{len(epochs)} epoch{'' if len(epochs) == 1 else 's'}"
    seconds = epochs["seconds"].sum(min_count=1)
    time = "" if pd.isna(seconds) else f" in {seconds:.0f} s" if seconds < 600 else f" in {seconds / 60:.0f} min"
    if best is None:
        return count + time
    last, model = int(epochs["epoch"].iloc[-1]), ""
    if keeps == "last" and int(best["epoch"]) != last:
        model = f"; the model is that of the last epoch, {last}"
    elif keeps == "best":
        model = ", whose weights the model has"
    lowest = f"lowest validation loss {best['valid_loss']:.4f} at epoch {int(best['epoch'])} (starred)"
    return f"{count}{time}; {lowest}{model}"
