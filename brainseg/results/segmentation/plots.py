"""The plots of a segmentation run, each with a function that reads what it is drawn from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
from plotly.graph_objects import Figure

from brainseg.evaluation.calibration import CalibrationReport
from brainseg.evaluation.segmentation import patient_table, worst_slices
from brainseg.evaluation.stored import SegmentationEvaluation
from brainseg.plots import (
    dice_distribution_figure,
    dice_per_patient_figure,
    dice_size_figure,
    pixel_matrix_figure,
    segmentation_scores_figure,
    worst_slices_figure,
)
from brainseg.plots.reliability_diagram import reliability_figure
from brainseg.results import stored_results
from brainseg.results.run_images import slice_pixels
from brainseg.results.shared_plots import Plot, ReadPlot, read_epochs, read_learning_rate, read_robustness
from brainseg.runs import Run, RunStore

WORST = 6
"""Slices that the plot of the worst ones shows."""
LOSS_TITLES = {
    "auto": "Loss (cross-entropy in nats + Dice)",
    "cross-entropy": "Loss (cross-entropy of pixels, nats)",
    "dice": "Loss (1 − soft Dice)",
    "focal": "Loss (focal)",
    "cross-entropy+dice": "Loss (cross-entropy in nats + Dice)",
}
"""Value of the setting `training.loss` -> title of the loss axis."""


def _read_training(store: RunStore, run: Run) -> Plot | None:
    return read_epochs(store, run, loss_title=LOSS_TITLES[run.config.training.loss])


def _read_scores(store: RunStore, run: Run) -> Plot | None:
    report = stored_results.evaluation_as(SegmentationEvaluation, store, run)
    return partial(segmentation_scores_figure, report, stored_results.baselines(store, run)) if report else None


def _read_matrix(store: RunStore, run: Run) -> Plot | None:
    report = stored_results.evaluation_as(SegmentationEvaluation, store, run)
    return partial(pixel_matrix_figure, report) if report else None


def _read_pixels(store: RunStore, run: Run) -> Plot | None:
    found = stored_results.pixel_calibration(store, run)
    if found is None:
        return None
    measured = found["reliability"]
    report: CalibrationReport = {"schema": 2, "state": None, "copies": 0, "before": measured, "after": measured}
    return partial(reliability_figure, report, unit="pixels")


def _of_slices(figure: Callable[..., Figure]) -> ReadPlot:
    def read(store: RunStore, run: Run) -> Plot | None:
        table = stored_results.slices(store, run)
        return None if table is None else partial(figure, table)

    return read


def _per_patient(table: pd.DataFrame, *, dark: bool) -> Figure:
    return dice_per_patient_figure(patient_table(table), dark=dark)


def _read_worst(store: RunStore, run: Run) -> Plot | None:
    table = stored_results.slices(store, run)
    return None if table is None else read_outlines(store, run, worst_slices(table, WORST))


def read_outlines(store: RunStore, run: Run, cases: pd.DataFrame) -> Plot | None:
    """Read slices with their masks, for `worst_slices_figure`; None if the run has no masks.

    Args:
        store: The store of the run.
        run: The run.
        cases: Rows of its table of slices, with `row`, the position in that table.
    """
    predicted, truth = (stored_results.masks(store, run, name) for name in ("masks.npz", "truth.npz"))
    if predicted is None or truth is None:
        return None
    digests = stored_results.digests(store, run)
    masks = [predicted[row] for row in cases["row"]]
    images = [
        slice_pixels(run, path, digests.get(path), mask.shape) for path, mask in zip(cases["path"], masks, strict=True)
    ]
    return partial(worst_slices_figure, cases, images, [truth[row] for row in cases["row"]], masks)


PLOTS: dict[str, ReadPlot] = {
    "learning_rate": read_learning_rate,
    "training_curves": _read_training,
    "mask_scores": _read_scores,
    "dice_distribution": _of_slices(dice_distribution_figure),
    "dice_per_patient": _of_slices(_per_patient),
    "dice_size": _of_slices(dice_size_figure),
    "pixel_matrix": _read_matrix,
    "pixel_calibration": _read_pixels,
    "worst_slices": _read_worst,
    "robustness": read_robustness,
}
"""Name of each plot, which is also that of its file -> the function that reads what it is drawn from."""
