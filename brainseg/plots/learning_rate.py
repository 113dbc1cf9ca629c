"""Plot of the learning-rate search: loss against a learning rate that grows step by step."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from brainseg.evaluation.checks import require_columns
from brainseg.plots.theme import finish, palette, remark

TITLE = "Learning-rate search"
FEW_STEPS = 30
"""With fewer steps, a search is unreliable; fastai's default is 100."""
EDGE = 0.05
"""Fraction of the range of rates, on the log scale, that counts as its edge."""
NOISE = 2.0
"""The smoothed loss must fall by at least this many standard deviations of single batches."""


def learning_rate_curve(
    curve: pd.DataFrame, suggestion: float | None, *, loss_title: str = "Loss (cross-entropy, nats)", dark: bool = False
) -> go.Figure:
    """Draw loss against learning rate, with the suggested rate marked.

    Args:
        curve: One row per training step with `learning_rate` (above 0), `loss` and `smoothed_loss`; losses that
            are not finite leave gaps.
        suggestion: The rate that the search suggests (the valley), or None if it found none.
        loss_title: Title of the loss axis, with its unit.
        dark: Draw for a dark page.

    Raises:
        ValueError: A column is missing, or the suggestion or a learning rate is not above 0.
    """
    require_columns(curve, ["learning_rate", "loss", "smoothed_loss"], "The learning-rate table")
    rates = curve["learning_rate"].to_numpy(dtype=np.float64)
    if (wrong := rates[~((rates > 0) & np.isfinite(rates))]).size:
        raise ValueError(f"learning_rate must be finite and above 0, got {float(wrong[0])!r}.")
    if suggestion is not None and not (suggestion > 0 and math.isfinite(suggestion)):
        raise ValueError(f"suggestion must be a rate above 0 or None, got {suggestion!r}.")
    colours = palette(dark)
    figure = go.Figure()
    figure.update_xaxes(title="Learning rate (per step, log scale)", type="log", exponentformat="power")
    figure.update_yaxes(title=loss_title)
    if not len(curve):
        return remark(finish(figure, TITLE, "0 steps", dark), "No step was recorded.", dark)
    loss, smoothed = (curve[column].to_numpy(dtype=np.float64) for column in ("loss", "smoothed_loss"))
    for name, values, line in (
        ("each batch", loss, {"color": colours.muted, "width": 1}),
        ("smoothed", smoothed, {"color": colours.series[0], "width": 3}),
    ):
        figure.add_scatter(
            x=rates,
            y=values,
            name=name,
            mode="lines" if len(curve) > 1 else "markers",
            line=line,
            opacity=0.55 if values is loss else 1,
            hovertemplate=f"Loss, {name}: %{{y:.4f}}<br>Learning rate: %{{x:.2e}}<extra></extra>",
        )
    figure.update_xaxes(**_decades(rates, suggestion))
    height = None if suggestion is None else _height(rates, smoothed, suggestion)
    shown = _loss_range(loss, smoothed, height)
    figure.update_yaxes(range=shown)
    if suggestion is not None:
        _mark(figure, rates, suggestion, height, dark)
    return finish(figure, TITLE, _subtitle(loss, smoothed, suggestion, shown), dark)


def doubt(curve: pd.DataFrame, suggestion: float | None) -> str:
    """Return why a suggested rate is doubtful, as a sentence; "" if the curve supports it.

    Args:
        curve: As for `learning_rate_curve`.
        suggestion: The rate that the search suggests, or None if it found none.
    """
    known = curve[np.isfinite(curve["loss"]) & np.isfinite(curve["smoothed_loss"])]
    if suggestion is None or len(known) < FEW_STEPS:
        return f"The search has only {len(known)} usable steps: run a longer one (80 or more) before you rely on it."
    rates = np.log(known["learning_rate"].to_numpy(dtype=np.float64))
    smoothed = known["smoothed_loss"].to_numpy(dtype=np.float64)
    place = (math.log(suggestion) - rates.min()) / max(rates.max() - rates.min(), 1e-9)
    if not EDGE < place < 1 - EDGE:
        return "The suggested rate lies at the edge of the rates that were tried: search in another range."
    lowest = int(smoothed.argmin())
    fall = float(smoothed[: lowest + 1].max() - smoothed[lowest])
    # Only up to the lowest point: beyond it, the loss grows rapidly, as it should.
    scatter = float(np.std((known["loss"].to_numpy(dtype=np.float64) - smoothed)[: lowest + 1]))
    if fall < NOISE * scatter:
        return "The loss varies between batches as much as the curve falls, so the suggested rate is uncertain."
    return ""


def _height(rates: np.ndarray, smoothed: np.ndarray, suggestion: float) -> float | None:
    """Return the smoothed loss at the suggested rate; None where no smoothed loss is known."""
    known = np.isfinite(smoothed)
    if not known.any():
        return None
    order = np.argsort(rates[known])
    return float(np.interp(np.log(suggestion), np.log(rates[known][order]), smoothed[known][order]))


def _mark(figure: go.Figure, rates: np.ndarray, suggestion: float, height: float | None, dark: bool) -> None:
    """Mark the suggested rate by a line over the full height and a dot on the smoothed curve."""
    colours = palette(dark)
    colour = colours.series[1]
    figure.add_vline(x=suggestion, line={"color": colour, "width": 2, "dash": "dash"})
    if height is not None:
        figure.add_scatter(
            x=[suggestion],
            y=[height],
            name="valley",
            mode="markers",
            marker={"color": colour, "size": 13, "symbol": "diamond", "line": {"color": colours.paper, "width": 2}},
            hovertemplate="Suggested learning rate (valley): %{x:.2e}<br>Smoothed loss there: %{y:.4f}<extra></extra>",
        )
    # On a log axis, Plotly takes the exponent as the x of an annotation. The text goes to the side with more room.
    rightwards = suggestion < math.sqrt(rates.min() * rates.max())
    figure.add_annotation(
        name="valley",
        x=math.log10(suggestion),
        xanchor="left" if rightwards else "right",
        xshift=8 if rightwards else -8,
        yref="paper",
        y=0.02,
        yanchor="bottom",
        text=f"valley: {_rate(suggestion)}",
        showarrow=False,
        font={"color": colour, "size": 15},
        bgcolor=colours.paper,
        borderpad=3,
    )


def _decades(rates: np.ndarray, suggestion: float | None) -> dict[str, object]:
    """Return the range of the rate axis (in exponents) and, from two decades on, one tick per power of ten."""
    shown = rates if suggestion is None else np.append(rates, suggestion)
    low, high = math.log10(shown.min()), math.log10(shown.max())
    pad = 0.02 * (high - low) or 0.5
    ticks = {"dtick": 1} if high - low >= 2 else {}
    return {"range": [low - pad, high + pad], **ticks}


def _loss_range(loss: np.ndarray, smoothed: np.ndarray, height: float | None) -> list[float] | None:
    """Return a range of losses that shows the valley: the high losses at large rates would flatten the rest.

    It has room for all smoothed losses up to their minimum, the same height again above, and the mark at `height`. A
    double click shows all losses.
    """
    known = smoothed[np.isfinite(smoothed)]
    if known.size < 2:
        return None
    lowest = int(known.argmin())
    before = float(known[: lowest + 1].max())
    span = before - float(known[lowest])
    if span <= 0:
        return None
    finite = loss[np.isfinite(loss)]
    bottom = min(float(known.min()), float(finite.min()) if finite.size else math.inf)
    top = min(max(before + span, (height or before) + span), float(np.max(np.concatenate([known, finite]))))
    pad = 0.05 * (top - bottom)
    return [bottom - pad, top + pad]


def _subtitle(loss: np.ndarray, smoothed: np.ndarray, suggestion: float | None, shown: list[float] | None) -> str:
    steps = f"{len(loss)} step{'' if len(loss) == 1 else 's'}"
    found = "no valley found" if suggestion is None else f"suggested rate {_rate(suggestion)} (valley)"
    if shown is None or not (np.fmax(loss, smoothed) > shown[1]).any():
        return f"{steps}; {found}"
    return f"{steps}; {found}; double click for losses above {shown[1]:.3g}"


def _rate(value: float) -> str:
    return f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e+")
