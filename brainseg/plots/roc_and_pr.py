"""ROC and precision-recall curves, one line per class or per run."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from brainseg.evaluation.checks import require_columns
from brainseg.plots.theme import finish, palette, readable, remark, series_style

HOVER = "%{meta}<br>%{customdata}<br>"
REFERENCE_LAST = 2000  # legendrank; Plotly's default is 1000
PR_SUBTITLE = "Nearer to the upper right corner is better; AP: average precision; dotted: prevalence"
PROPORTION = {"range": [-0.02, 1.02], "dtick": 0.2, "tickformat": ".1f"}


def roc_figure(
    curves: Mapping[str, pd.DataFrame], aucs: Mapping[str, float | None], *, dark: bool = False
) -> go.Figure:
    """Draw ROC curves, and the diagonal of random guessing.

    Args:
        curves: Name (a class or a run) -> table with `fpr`, `tpr` and `threshold`, from `classification.roc_curve`.
        aucs: The same names -> area under the curve; NaN or None if it is not defined.
        dark: Draw for a dark page.

    Raises:
        ValueError: A curve lacks a column, or the names in the two mappings differ.
    """
    _check(curves, aucs, ("fpr", "tpr", "threshold"))
    figure = go.Figure()
    for position, (name, curve) in enumerate(curves.items()):
        trace = _line(name, f"AUC {_number(aucs[name])}", curve["threshold"], position, dark)
        hover = HOVER + "sensitivity %{y:.3f}, 1 − specificity %{x:.3f}<extra></extra>"
        figure.add_trace(trace.update(x=curve["fpr"], y=curve["tpr"], hovertemplate=hover))
    figure.add_trace(_reference([0, 1], [0, 1], "chance (AUC 0.500)", palette(dark).muted))
    figure.update_xaxes(title="1 − specificity (false positive rate, 0–1)", **PROPORTION)
    figure.update_yaxes(title="Sensitivity (true positive rate, 0–1)", **PROPORTION)
    finish(figure, "ROC curve", "Nearer to the upper left corner is better", dark)
    return _without_curves(figure, curves, "fpr", "tpr", dark)


def pr_figure(curves: Mapping[str, pd.DataFrame], aucs: Mapping[str, float | None], *, dark: bool = False) -> go.Figure:
    """Draw precision-recall curves, and the prevalence: the precision of calling every image positive.

    Args:
        curves: Name (a class or a run) -> table with `recall`, `precision` and `threshold`, from
            `classification.pr_curve`. Its last row calls every image positive, so its precision is the prevalence.
        aucs: The same names -> average precision; NaN or None if it is not defined.
        dark: Draw for a dark page.

    Raises:
        ValueError: A curve lacks a column, or the names in the two mappings differ.
    """
    _check(curves, aucs, ("recall", "precision", "threshold"))
    figure = go.Figure()
    for position, (name, curve) in enumerate(curves.items()):
        trace = _line(name, f"AP {_number(aucs[name])}", curve["threshold"], position, dark)
        hover = HOVER + "recall %{x:.3f}, precision %{y:.3f}<extra></extra>"
        figure.add_trace(trace.update(x=curve["recall"], y=curve["precision"], hovertemplate=hover))
        # The step is at the left end: average precision weighs each gain in recall with the precision after it.
        figure.data[-1].line.shape = "vh"
    _draw_prevalences(figure, curves, dark)
    figure.update_xaxes(title="Recall (sensitivity, 0–1)", **PROPORTION)
    figure.update_yaxes(title="Precision (positive predictive value, 0–1)", **PROPORTION)
    finish(figure, "Precision-recall curve", PR_SUBTITLE, dark)
    return _without_curves(figure, curves, "recall", "precision", dark)


def _check(curves: Mapping[str, pd.DataFrame], aucs: Mapping[str, float | None], columns: tuple[str, str, str]) -> None:
    if unpaired := set(curves) ^ set(aucs):
        raise ValueError(f"curves and aucs must have the same names, but only one of them has {sorted(unpaired)}.")
    for name, curve in curves.items():
        require_columns(curve, columns, f"The curve of {name!r}")


def _line(name: str, area: str, thresholds: pd.Series, position: int, dark: bool) -> go.Scatter:
    texts = [
        f"called positive from p = {value:.3f}" if np.isfinite(value) else "none called positive"
        for value in thresholds
    ]
    return go.Scatter(
        name=f"{readable(name)}<br>{area}",
        meta=readable(name),
        customdata=texts,
        mode="lines",
        line={**series_style(position, dark), "width": 3},
    )


def _reference(x: list[float], y: list[float], name: str, colour: str) -> go.Scatter:
    return go.Scatter(
        x=x,
        y=y,
        name=name,
        mode="lines",
        line={"color": colour, "width": 1.5, "dash": "dot"},
        meta=name,
        hovertemplate="%{meta}<extra></extra>",
        legendrank=REFERENCE_LAST,
    )


def _draw_prevalences(figure: go.Figure, curves: Mapping[str, pd.DataFrame], dark: bool) -> None:
    """Draw one prevalence if all curves share it (runs on the same images), else one in the colour of each curve."""
    prevalences = {
        name: float(curve["precision"].iloc[-1]) for name, curve in curves.items() if curve["recall"].notna().any()
    }
    if len({round(value, 9) for value in prevalences.values()}) == 1:
        value = next(iter(prevalences.values()))
        figure.add_trace(_reference([0, 1], [value, value], f"prevalence {value:.3f}", palette(dark).muted))
        return
    for position, name in enumerate(curves):
        if name in prevalences:
            value, colour = prevalences[name], series_style(position, dark)["color"]
            label = f"{readable(name)}<br>prevalence {value:.3f}"
            figure.add_trace(_reference([0, 1], [value, value], label, colour).update(showlegend=False))


def _without_curves(figure: go.Figure, curves: Mapping[str, pd.DataFrame], x: str, y: str, dark: bool) -> go.Figure:
    """Write into the figure if no curve has a point to draw."""
    if any(curve[[x, y]].notna().all(axis=1).any() for curve in curves.values()):
        return figure
    return remark(figure, "Not defined: this needs images of the class and of other classes.", dark)


def _number(value: float | None) -> str:
    return "not defined" if value is None or math.isnan(value) else f"{value:.3f}"
