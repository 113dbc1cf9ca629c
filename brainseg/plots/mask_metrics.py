"""Plot of the headline scores of one segmentation, with their intervals and baselines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from brainseg.evaluation.segmentation.scores import SCORES
from brainseg.evaluation.stored import SegmentationEvaluation, score
from brainseg.plots.theme import finish, palette, readable, remark, write_beside

_SYMBOLS = ("diamond-open", "x-thin", "square-open", "triangle-up-open")


def segmentation_scores_figure(
    report: SegmentationEvaluation, baselines: Mapping[str, SegmentationEvaluation] | None = None, *, dark: bool = False
) -> go.Figure:
    """Draw the scores as dots with their 95 % bootstrap interval, beside those of baselines.

    Args:
        report: What `SegmentationReport.to_dict()` gives. A score that is None is shown as not defined.
        baselines: Name -> the report of a baseline on the same slices.
        dark: Draw for a dark page.

    Raises:
        ValueError: A report lacks a part.
    """
    for values in (report, *(baselines or {}).values()):
        if missing := [name for name in (*list(SCORES)[:6], "detection", "intervals", "slices") if name not in values]:
            raise ValueError(f"The report lacks {', '.join(missing)}; it has {', '.join(values) or 'nothing'}.")
    figure = go.Figure()
    rows = {"tickmode": "array", "tickvals": list(range(len(SCORES))), "ticktext": list(SCORES.values())}
    figure.update_layout(
        margin={"l": 200, "r": 180, "t": 120},
        height=560,
        legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0},
    )
    figure.update_xaxes(title="Value (0 to 1)", range=[-0.02, 1.02])
    figure.update_yaxes(range=[len(SCORES) - 0.4, -0.6], ticks="", showline=False, **rows)
    finish(figure, "Scores of the masks", _subtitle(report), dark)
    if not report["slices"]:
        return remark(figure, "No slice was evaluated.", dark)
    for position, (name, values) in enumerate((baselines or {}).items()):
        _dots(figure, values, f"baseline: {readable(name, 40, 1)}", position, dark)
    sure = ", with 95 % interval" if any(report["intervals"].values()) else ""
    _dots(figure, report, f"this model{sure}", None, dark)
    _write_values(figure, report, dark)
    return figure


def _dots(figure: go.Figure, report: SegmentationEvaluation, label: str, baseline: int | None, dark: bool) -> None:
    """Add one trace: filled dots with bars for the model, other shapes without bars for a baseline."""
    defined = {name: value for name in SCORES if (value := score(report, name)) is not None}
    known, values = list(defined), list(defined.values())
    marker: dict[str, Any] = {"size": 13, "color": palette(dark).series[0]}
    bars = None
    if baseline is None:
        pairs = [report["intervals"].get(name) or (value, value) for name, value in zip(known, values, strict=True)]
        above = [pair[1] - value for pair, value in zip(pairs, values, strict=True)]
        below = [value - pair[0] for pair, value in zip(pairs, values, strict=True)]
        bars = {"array": above, "arrayminus": below, "symmetric": False, "thickness": 2.5, "width": 7}
    else:
        marker = {
            "size": 11,
            "color": palette(dark).series[1 + baseline % 4],
            "symbol": _SYMBOLS[baseline % len(_SYMBOLS)],
            "line": {"width": 2.5, "color": palette(dark).series[1 + baseline % 4]},
        }
    figure.add_scatter(
        x=values,
        y=[list(SCORES).index(name) for name in known],
        name=label,
        mode="markers",
        marker=marker,
        error_x=bars,
        customdata=[[SCORES[name], label, _detail(report, name)] for name in known],
        hovertemplate="%{customdata[0]}: %{x:.4f}<br>%{customdata[1]}<br>%{customdata[2]}<extra></extra>",
    )


def _write_values(figure: go.Figure, report: SegmentationEvaluation, dark: bool) -> None:
    """Write each value to the right of its row, so nobody has to read it off the axis."""
    for row, name in enumerate(SCORES):
        value, pair = score(report, name), report["intervals"].get(name)
        text = "not defined" if value is None else f"<b>{value:.3f}</b>"
        if value is not None and pair:
            text += f" ({pair[0]:.3f}–{pair[1]:.3f})"
        write_beside(figure, row, name, text, palette(dark).muted if value is None else palette(dark).ink)


def _detail(report: SegmentationEvaluation, name: str) -> str:
    pair = report["intervals"].get(name)
    drawn = f"95 % interval {pair[0]:.4f} to {pair[1]:.4f} over {report['unit']}s" if pair else "no interval"
    return f"{_counted(report, name)}; {drawn}"


def _counted(report: SegmentationEvaluation, name: str) -> str:
    found = report["detection"]
    return {
        "slice_dice": f"{report['slices_counted']} of {report['slices']} slices counted",
        "patient_dice": f"{report['patients_counted']} of {report['patients']} {report['unit']}s counted",
        "detection_sensitivity": f"any tumour found on {found['tp']} of {found['tp'] + found['fn']} slices with one",
        "detection_specificity": f"none found on {found['tn']} of {found['tn'] + found['fp']} slices without",
    }.get(name, f"{report['slices']} slices")


def _subtitle(report: SegmentationEvaluation) -> str:
    people = f" of {report['patients']} patients" if report["unit"] == "patient" else ", patients unknown"
    rule = "slices without any true or predicted tumour are not counted"
    if report["rule"] == "one":
        rule = "slices without any true or predicted tumour count as 1"
    return f"n = {report['slices']} slices{people}; {rule}; bars: bootstrap over {report['unit']}s, 95 %"
