"""Figures of runs and their evaluation: pure functions from a table to a Plotly figure."""

from brainseg.dashboard.figures.learning_rate import learning_rate_curve
from brainseg.dashboard.figures.matrix import confusion_matrix_figure
from brainseg.dashboard.figures.metrics import metrics_figure
from brainseg.dashboard.figures.page import save_html
from brainseg.dashboard.figures.ranking import pr_figure, roc_figure
from brainseg.dashboard.figures.training import training_curves

__all__ = [
    "confusion_matrix_figure",
    "learning_rate_curve",
    "metrics_figure",
    "pr_figure",
    "roc_figure",
    "save_html",
    "training_curves",
]
