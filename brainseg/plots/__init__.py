"""Plots of runs and their evaluation: pure functions from a table to a Plotly figure."""

from brainseg.plots.confusion_matrix import confusion_matrix_figure
from brainseg.plots.html_page import save_html
from brainseg.plots.learning_rate import doubt, learning_rate_curve
from brainseg.plots.mask_metrics import segmentation_scores_figure
from brainseg.plots.mask_outlines import slice_outlines_figure, worst_slices_figure
from brainseg.plots.mask_scores import (
    dice_distribution_figure,
    dice_per_patient_figure,
    dice_size_figure,
    pixel_matrix_figure,
)
from brainseg.plots.metric_intervals import metrics_figure
from brainseg.plots.roc_and_pr import pr_figure, roc_figure
from brainseg.plots.training_curves import training_curves

__all__ = [
    "confusion_matrix_figure",
    "dice_distribution_figure",
    "dice_per_patient_figure",
    "dice_size_figure",
    "doubt",
    "learning_rate_curve",
    "metrics_figure",
    "pixel_matrix_figure",
    "pr_figure",
    "roc_figure",
    "save_html",
    "segmentation_scores_figure",
    "slice_outlines_figure",
    "training_curves",
    "worst_slices_figure",
]
