"""The tables of a model card: figures with their intervals, and the confusion matrix."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

NAMES = {
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "precision": "Precision",
    "balanced_accuracy": "Balanced accuracy",
    "f1": "F1",
    "roc_auc": "Area under the ROC curve",
    "pr_auc": "Average precision",
    "matthews": "Matthews correlation",
}


def figure_lines(report: Mapping[str, Any]) -> list[str]:
    """Return a Markdown table of the headline figures, by line; shares of images carry their interval.

    Args:
        report: A run's `evaluation.json`.
    """
    about = "the positive class" if report.get("positive") else "unweighted means over the classes"
    lines = [f"| metric ({about}) | value | 95 % interval |", "|---|---|---|"]
    for key, name in NAMES.items():
        value, interval = report.get(key), report.get("intervals", {}).get(key)
        written = "not defined" if value is None else f"{value:.3f}"
        known = interval is not None and None not in interval
        lines.append(f"| {name} | {written} | {f'{interval[0]:.3f} to {interval[1]:.3f}' if known else 'none'} |")
    return lines


def confusion_lines(report: Mapping[str, Any], literal: Callable[[object], str]) -> list[str]:
    """Return the confusion matrix as a Markdown table, by line, with each class's sensitivity and interval.

    Args:
        report: A run's `evaluation.json`.
        literal: Makes a class name fit for a table's cell.
    """
    classes = [literal(name) for name in report["classes"]]
    lines = [
        f"| is | {' | '.join(f'called {name}' for name in classes)} | found (95 % interval) |",
        "|---" * (len(classes) + 2) + "|",
    ]
    for name, shown, row in zip(report["classes"], classes, report["matrix"], strict=True):
        one = report["per_class"][name]
        low, high = one["intervals"]["sensitivity"]
        found = "no image" if one["sensitivity"] is None else f"{one['sensitivity']:.3f} ({low:.3f} to {high:.3f})"
        lines.append(f"| {shown} | {' | '.join(map(str, row))} | {found} |")
    return lines
