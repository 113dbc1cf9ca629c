"""Figures of runs and their evaluation: pure functions from a table to a Plotly figure."""

from brainseg.dashboard.figures.learning_rate import doubt, learning_rate_curve
from brainseg.dashboard.figures.matrix import confusion_matrix_figure
from brainseg.dashboard.figures.metrics import metrics_figure
from brainseg.dashboard.figures.page import save_html
from brainseg.dashboard.figures.ranking import pr_figure, roc_figure
from brainseg.dashboard.figures.segmentation import (
    dice_distribution_figure,
    dice_per_patient_figure,
    dice_size_figure,
    pixel_matrix_figure,
)
from brainseg.dashboard.figures.segmentation_outlines import slice_outlines_figure, worst_slices_figure
from brainseg.dashboard.figures.segmentation_scores import segmentation_scores_figure
from brainseg.dashboard.figures.training import training_curves

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
