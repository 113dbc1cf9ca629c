"""The panels of a finished classification, such as its metrics, confusion matrix and hardest cases."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from brainseg.app.classification.calibration_panel import calibration_panel
from brainseg.app.classification.heatmaps_panel import heatmaps_panel
from brainseg.app.classification.image_panels import hardest_panel, matrix_panel
from brainseg.app.classification.labels_panel import labels_panel
from brainseg.app.classification.operating_panel import operating_panel
from brainseg.app.classification.predictions import predictions_panel
from brainseg.app.frame import guarded
from brainseg.app.widgets.run_panels import caveats, draw_plot, headline, report_of, training_panel
from brainseg.app.widgets.subsets import subsets_panel
from brainseg.evaluation.stored import ClassificationEvaluation, metric
from brainseg.runs import Run


@guarded
def metrics_panel(run: Run) -> None:
    """Headline metrics with their intervals, and ROC and precision-recall curves."""
    report = report_of(run, ClassificationEvaluation)
    caveats(report)
    _headlines(report)
    draw_plot(run, "metrics")
    left, right = st.columns(2)
    with left:
        draw_plot(run, "roc")
    with right:
        draw_plot(run, "precision_recall")


def _headlines(report: ClassificationEvaluation) -> None:
    names = {"accuracy": "Accuracy", "sensitivity": "Sensitivity", "specificity": "Specificity", "roc_auc": "ROC AUC"}
    counts = _counts(report)
    for place, (name, title) in zip(st.columns(len(names)), names.items(), strict=True):
        with place:
            headline(title, metric(report, name), report["intervals"].get(name), f"n = {counts[name]}")


def _counts(report: ClassificationEvaluation) -> dict[str, int]:
    """Return the number of images behind each metric."""
    count, positive = report["count"], report["positive"]
    ill = report["per_class"][positive]["support"] if positive else count
    healthy = count - ill if positive else count
    return {"accuracy": count, "sensitivity": ill, "specificity": healthy, "roc_auc": count}


PANELS: dict[str, Callable[[Run], None]] = {
    "Metrics": metrics_panel,
    "Training": training_panel,
    "Calibration": calibration_panel,
    "Threshold": operating_panel,
    "Confusion matrix": matrix_panel,
    "Hardest cases": hardest_panel,
    "Predictions": predictions_panel,
    "Subsets": subsets_panel,
    "Labels": labels_panel,
    "Heatmaps": heatmaps_panel,
}
"""Name of each panel -> the function that draws it."""
