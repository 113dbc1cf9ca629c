"""Plot of the headline metrics of one evaluation, with their intervals."""

from __future__ import annotations

import plotly.graph_objects as go

from brainseg.evaluation.stored import ClassificationEvaluation, metric
from brainseg.plots.theme import finish, palette, readable, remark, write_beside

HEIGHT = 560  # pixels, for two lines of text beside each metric
METRICS = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "precision": "Precision",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "pr_auc": "Average precision",
    "matthews": "Matthews corr.",
}


def metrics_figure(report: ClassificationEvaluation, *, dark: bool = False) -> go.Figure:
    """Draw the headline metrics as dots, each with its 95 % interval if it has one.

    Args:
        report: What `ClassificationReport.to_dict()` gives. A metric that is None is shown as not defined.
        dark: Draw for a dark page.

    Raises:
        ValueError: The report lacks a part.
    """
    parts = ("count", "classes", "positive", "matrix", "per_class", "intervals", *METRICS)
    if missing := [name for name in parts if name not in report]:
        raise ValueError(f"The report lacks {', '.join(missing)}; it has {', '.join(report) or 'nothing'}.")
    figure = go.Figure()
    figure.update_layout(margin={"l": 150, "r": 170}, height=HEIGHT)
    # Only Matthews' correlation can be negative, which is rare: the axis starts at -1 only then.
    low = -1 if (report["matthews"] or 0) < 0 else 0
    figure.update_xaxes(title=f"Value ({'−1' if low else '0'} to 1)", range=[low - 0.02, 1.02])
    rows = {"tickmode": "array", "tickvals": list(range(len(METRICS))), "ticktext": list(METRICS.values())}
    figure.update_yaxes(range=[len(METRICS) - 0.4, -0.6], ticks="", showline=False, **rows)
    finish(figure, "Metrics", _subtitle(report), dark)
    if not report["count"]:
        return remark(figure, "No image was evaluated.", dark)
    known = [name for name in METRICS if metric(report, name) is not None]
    measured = [name for name in known if _interval(report, name)]
    _dots(figure, report, measured, dark)
    _dots(figure, report, [name for name in known if name not in measured], dark)
    _write_values(figure, report, dark)
    return figure


def _dots(figure: go.Figure, report: ClassificationEvaluation, names: list[str], dark: bool) -> None:
    """Add one trace: filled dots with bars for metrics that have an interval, open dots for those that have none."""
    if not names:
        return
    colours = palette(dark)
    values = [metric(report, name) or 0.0 for name in names]
    pairs = [pair for name in names if (pair := _interval(report, name))]
    filled = len(pairs) == len(names)
    marker = {"size": 13, "color": colours.series[0]}
    bars = None
    if filled:
        marker["symbol"] = "circle"
        above = [pair[1] - value for pair, value in zip(pairs, values, strict=True)]
        below = [value - pair[0] for pair, value in zip(pairs, values, strict=True)]
        bars = {"array": above, "arrayminus": below, "symmetric": False, "thickness": 2.5, "width": 7}
    else:
        marker |= {"symbol": "circle-open", "line": {"width": 2.5}}
    figure.add_scatter(
        x=values,
        y=[list(METRICS).index(name) for name in names],
        name="with 95 % interval" if filled else "no interval",
        mode="markers",
        marker=marker,
        error_x=bars,
        showlegend=False,
        customdata=[[METRICS[name], _detail(report, name)] for name in names],
        hovertemplate="%{customdata[0]}: %{x:.4f}<br>%{customdata[1]}<extra></extra>",
    )


def _write_values(figure: go.Figure, report: ClassificationEvaluation, dark: bool) -> None:
    """Write each value to the right of its row, so nobody has to read it off the axis."""
    for row, name in enumerate(METRICS):
        value, pair, fraction = metric(report, name), _interval(report, name), _fraction(report, name)
        text = "not defined" if value is None else f"<b>{value:.3f}</b>".replace("-", "−")
        if pair:
            text += f" ({pair[0]:.3f}–{pair[1]:.3f})"
        if value is not None and fraction:
            text += f"<br>{fraction}"
        write_beside(figure, row, name, text, palette(dark).muted if value is None else palette(dark).ink)


def _interval(report: ClassificationEvaluation, name: str) -> tuple[float, float] | None:
    pair = report["intervals"].get(name)
    return None if pair is None or None in pair else (pair[0], pair[1])


def _fraction(report: ClassificationEvaluation, name: str) -> str:
    """Return "44 of 50" for a metric that is a proportion of images, else ""."""
    if name == "accuracy":
        return f"{sum(row[code] for code, row in enumerate(report['matrix']))} of {report['count']}"
    if report["positive"] is None or name not in ("sensitivity", "specificity", "precision"):
        return ""
    one = report["per_class"][report["positive"]]
    part, rest = {
        "sensitivity": (one["tp"], one["fn"]),
        "specificity": (one["tn"], one["fp"]),
        "precision": (one["tp"], one["fp"]),
    }[name]
    return f"{part} of {part + rest}"


def _detail(report: ClassificationEvaluation, name: str) -> str:
    pair = _interval(report, name)
    if not pair:
        return f"no interval; {report['count']} images"
    counted = _fraction(report, name)
    method = f"{'Wilson' if counted else 'bootstrap'} 95 % interval"
    if report.get("folds"):  # those of pooled folds are not all computed in the same way
        method = "95 % interval of the pooled folds"
    return f"{counted or report['count']} images; {method} {pair[0]:.4f} to {pair[1]:.4f}"


def _subtitle(report: ClassificationEvaluation) -> str:
    if report["positive"] is None:
        about = f"unweighted means over {len(report['classes'])} classes"
    else:
        about = f"positive class: {readable(report['positive'], 40, 1)}"
    bars = "95 % intervals of the pooled folds" if report.get("folds") else "95 % intervals"
    return f"n = {report['count']} images; {about}; bars: {bars} (open dots have none)"
