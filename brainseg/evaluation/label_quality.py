"""Likely label errors by confident learning: which labels the probabilities of held-out images speak against.

References:
    C. Northcutt, L. Jiang and I. Chuang (2021), "Confident learning: estimating uncertainty in dataset labels", JAIR
    70, 1373-1411, by its authors' library cleanlab.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class LabelJudgement:
    """What the probabilities say about each label.

    Attributes:
        scores: (N,) float64 in 0..1, the normalised margin of the label: 0 if another class has all of the
            probability, 0.5 if another class is as probable, 1 if the label has all of it.
        suggested: (N,) int64, the most probable class; it may be the given one.
        likely: (N,) bool, whether the label is likely wrong: the image belongs confidently to another class.
        thresholds: (C,) float64, the probability from which an image belongs confidently to a class; NaN for a class
            that no image has.
    """

    scores: np.ndarray
    suggested: np.ndarray
    likely: np.ndarray
    thresholds: np.ndarray


def judge_labels(labels: np.ndarray, probabilities: np.ndarray) -> LabelJudgement:
    """Judge given labels by probabilities.

    An image belongs confidently to a class if its probability of the class is at least the mean over the images with
    that label (equation 1 of the paper); of several such classes, to the most probable one. Thresholds per class make
    up for models that are surer of one class than of another. A label is likely wrong if its image belongs confidently
    to another class, which is also the most probable one.

    Args:
        labels: (N,) int, the given classes; at least two of them occur.
        probabilities: (N, C) float64 in 0..1, from models that did not train on the image.

    Examples:
        >>> chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.1, 0.9], [0.05, 0.95]])
        >>> found = judge_labels(np.array([0, 0, 1, 1, 0]), chances)
        >>> found.likely.tolist(), found.suggested.tolist()
        ([False, False, False, False, True], [0, 0, 1, 1, 1])
        >>> found.scores.round(2).tolist()
        [0.9, 0.8, 0.8, 0.9, 0.05]
    """
    # Imported here, since it takes a second.
    from cleanlab.count import get_confident_thresholds
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    thresholds = np.asarray(get_confident_thresholds(labels, probabilities), dtype=np.float64)
    present = np.bincount(labels, minlength=probabilities.shape[1]) > 0
    likely = find_label_issues(labels, probabilities, filter_by="confident_learning", n_jobs=1)
    return LabelJudgement(
        scores=np.asarray(get_label_quality_scores(labels, probabilities, method="normalized_margin")),
        suggested=probabilities.argmax(axis=1),
        likely=np.asarray(likely, dtype=bool),
        thresholds=np.where(present, thresholds, np.nan),
    )
