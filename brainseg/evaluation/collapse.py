"""Detects models that predict one class for everything; their metrics only show how common that class is."""

from __future__ import annotations

import numpy as np

from brainseg.evaluation.stored import Evaluation
from brainseg.models.validation import Validation


def is_collapsed(matrix: np.ndarray) -> bool:
    """Return whether one class was predicted for everything, although there were several classes.

    Args:
        matrix: Confusion matrix, (classes, classes): rows actual, columns predicted; of images or of pixels.

    Examples:
        >>> is_collapsed(np.array([[5, 0], [3, 0]]))
        True
    """
    predicted, actual = matrix.sum(axis=0), matrix.sum(axis=1)
    return bool(np.count_nonzero(actual) > 1 and np.count_nonzero(predicted) == 1)


def collapse_sentence(report: Evaluation | Validation) -> str:
    """Return the sentence that every view of a collapsed model shows; "" for any other.

    Args:
        report: The report of an evaluation or a bundle, with `collapsed` and, for masks, `dice`.
    """
    if not report.get("collapsed"):
        return ""
    what = "every pixel" if "dice" in report else "every image"
    return f"The model predicts one class for {what} of its evaluation: it has learnt nothing useful."
