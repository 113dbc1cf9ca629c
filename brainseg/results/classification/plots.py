"""The plots of a classifier, each with a function that reads what it is drawn from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import pandas as pd
from PIL import Image
from plotly.graph_objects import Figure

from brainseg.errors import ScanError
from brainseg.evaluation.classification import pr_curve, roc_curve
from brainseg.evaluation.hardest import hardest_cases
from brainseg.evaluation.operating import coverage_curve, threshold_curve
from brainseg.evaluation.stored import ClassificationEvaluation
from brainseg.plots import confusion_matrix_figure, metrics_figure, pr_figure, roc_figure
from brainseg.plots.hardest_sheet import IMAGE_SIDE, hardest_sheet
from brainseg.plots.heatmap_curves import heatmap_curves_figure
from brainseg.plots.operating_curves import coverage_figure, threshold_figure
from brainseg.plots.reliability_diagram import reliability_figure
from brainseg.results import stored_results
from brainseg.results.classification.operating_point import decided
from brainseg.results.run_files import reading
from brainseg.results.run_images import read_image, square
from brainseg.results.shared_plots import Plot, ReadPlot, read_epochs, read_learning_rate, read_robustness
from brainseg.runs import Run, RunStore

HARDEST = 6
"""Images on the sheet of the hardest cases."""


def _read_matrix(store: RunStore, run: Run) -> Plot | None:
    report = stored_results.evaluation_as(ClassificationEvaluation, store, run)
    return partial(confusion_matrix_figure, report["matrix"], report["classes"]) if report else None


def _read_metrics(store: RunStore, run: Run) -> Plot | None:
    report = stored_results.evaluation_as(ClassificationEvaluation, store, run)
    return partial(metrics_figure, report) if report else None


def _read_roc(store: RunStore, run: Run) -> Plot | None:
    return _read_curves(store, run, roc_curve, roc_figure, "roc_auc")


def _read_precision_recall(store: RunStore, run: Run) -> Plot | None:
    return _read_curves(store, run, pr_curve, pr_figure, "pr_auc")


def _read_curves(
    store: RunStore,
    run: Run,
    curve: Callable[..., pd.DataFrame],
    figure: Callable[..., Figure],
    area: Literal["roc_auc", "pr_auc"],
) -> Plot | None:
    """Read one curve: of the positive class, or one for each class where there are more than two."""
    report = stored_results.evaluation_as(ClassificationEvaluation, store, run)
    table = stored_results.predictions(store, run, report["classes"]) if report else None
    if report is None or table is None:
        return None
    names = [report["positive"]] if report["positive"] else report["classes"]
    with reading("evaluation.json", run):
        areas = {name: report["per_class"][name][area] for name in names}
    return partial(figure, {name: curve(table, report["classes"], name) for name in names}, areas)


def _read_reliability(store: RunStore, run: Run) -> Plot | None:
    report = stored_results.calibration(store, run)
    return partial(reliability_figure, report) if report else None


def _read_heatmap_curves(store: RunStore, run: Run) -> Plot | None:
    found = stored_results.heatmaps(store, run)
    return partial(heatmap_curves_figure, found["checks"]) if found and found["checks"] else None


def _read_thresholds(store: RunStore, run: Run) -> Plot | None:
    found = decided(store, run)
    if found is None or found.scores.positive is None:
        return None
    return partial(threshold_figure, threshold_curve(found.scores), found.positive, found.point.threshold)


def _read_coverage(store: RunStore, run: Run) -> Plot | None:
    found = decided(store, run)
    return partial(coverage_figure, coverage_curve(found.scores, found.point.threshold), found.point) if found else None


def read_hardest(store: RunStore, run: Run) -> Image.Image | None:
    """Return the images with the highest loss on one sheet; None where the run has no predictions (yet).

    An image that is missing or was changed leaves its place empty and keeps its text.
    """
    table = stored_results.evaluated_predictions(store, run)
    if table is None or table.empty:
        return None
    cases, digests = hardest_cases(table, HARDEST), stored_results.digests(store, run)
    return hardest_sheet(cases, [_image(run, path, digests.get(path)) for path in cases["path"]])


def _image(run: Run, path: str, sha256: str | None) -> Image.Image | None:
    try:
        return square(read_image(run, path, sha256).pixels, IMAGE_SIDE)
    except ScanError:
        return None


PLOTS: dict[str, ReadPlot] = {
    "learning_rate": read_learning_rate,
    "training_curves": read_epochs,
    "confusion_matrix": _read_matrix,
    "metrics": _read_metrics,
    "roc": _read_roc,
    "precision_recall": _read_precision_recall,
    "reliability": _read_reliability,
    "heatmap_curves": _read_heatmap_curves,
    "robustness": read_robustness,
    "thresholds": _read_thresholds,
    "coverage": _read_coverage,
}
"""Name of each plot, which is also that of its file -> the function that reads what it is drawn from."""
SHEETS = {"hardest": read_hardest}
"""Name of each image -> the function that reads and draws it."""
