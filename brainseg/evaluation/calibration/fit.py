"""Fits a temperature on held-out predictions, and measures on other images than those of the fit what it changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from brainseg.evaluation.calibration.reliability import reliability
from brainseg.evaluation.calibration.stored import SCHEMA, CalibrationReport
from brainseg.evaluation.calibration.temperature import fit_temperature, scaled
from brainseg.evaluation.checks import check_classes, class_codes, probabilities
from brainseg.evaluation.conformal import fit_sets
from brainseg.models.calibration import Calibration, NotCalibrated, Obstacle

LEAST_IMAGES, LEAST_GROUPS, LEAST_EACH = 100, 10, 5
"""Fewest images, groups of images that belong together, and wrong as well as correct answers for a fit. With fewer
images, a fit often makes probabilities worse that were well calibrated before; see docs/explanation/calibration.md."""
FOLDS = 5
"""Folds of the measurement after the fit."""


def calibrate(
    table: pd.DataFrame,
    classes: Sequence[str],
    positive: str | None,
    groups: np.ndarray,
    copies: np.ndarray,
    source: Literal["validation", "out-of-fold"] = "validation",
) -> CalibrationReport:
    """Fit a temperature, if there is enough to fit it on.

    A fit that does not lower the cross-entropy of images outside the fit is not used: the temperature is then 1.

    Args:
        table: Predictions of images that the model did not learn from; see `evaluation.classification`.
        classes: All class names, in the model's order.
        positive: The class whose probability the reliability diagram judges; None for the highest probability.
        groups: (N,) int, images with the same number are not independent.
        copies: (N,) bool, images that are also in the training set: they are left out.
        source: Where the predictions are from.

    Raises:
        ValueError: A column is missing or holds a wrong value.
    """
    names = check_classes(classes)
    kept, groups = table[~copies].reset_index(drop=True), groups[~copies]
    state = _fit(kept, names, groups, source)
    after = None
    if isinstance(state, Calibration):
        better = _crossfitted(kept, names, groups)
        after = reliability(better, names, positive, groups)
    before = reliability(kept, names, positive, groups)
    if before and after and isinstance(state, Calibration) and after["nll"] >= before["nll"]:
        state, after = state.model_copy(update={"temperature": 1.0}), before
    if isinstance(state, Calibration):
        final = scaled(probabilities(kept, names), state.temperature)
        sets = fit_sets(final, class_codes(kept, "label", names), groups, folds(groups))
        state = state.model_copy(update={"sets": sets})
    return {"schema": SCHEMA, "state": state, "copies": int(copies.sum()), "before": before, "after": after}


def _fit(
    table: pd.DataFrame, classes: tuple[str, ...], groups: np.ndarray, source: Literal["validation", "out-of-fold"]
) -> Calibration | NotCalibrated:
    count = len(table)
    labels, scores = class_codes(table, "label", classes), probabilities(table, classes)
    right = int((scores.argmax(axis=1) == labels).sum())
    for obstacle, found, needed in (
        (Obstacle.IMAGES, count, LEAST_IMAGES),
        (Obstacle.GROUPS, len(np.unique(groups)), LEAST_GROUPS),
        (Obstacle.WRONG, count - right, LEAST_EACH),
        (Obstacle.RIGHT, right, LEAST_EACH),
    ):
        if found < needed:
            return NotCalibrated(obstacle=obstacle, found=found, needed=needed, count=count)
    return Calibration(temperature=fit_temperature(scores, labels), count=count, wrong=count - right, source=source)


def _crossfitted(table: pd.DataFrame, classes: tuple[str, ...], groups: np.ndarray) -> pd.DataFrame:
    """Return the table with each fold scaled by a temperature that was fitted on the other folds."""
    labels, scores = class_codes(table, "label", classes), probabilities(table, classes)
    result = scores.copy()
    for fitted, held in folds(groups):
        result[held] = scaled(scores[held], fit_temperature(scores[fitted], labels[fitted]))
    return table.assign(**{f"p_{name}": result[:, place] for place, name in enumerate(classes)})


def folds(groups: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows of a fit, and the rows that it is measured on, for each of `FOLDS` folds of whole groups."""
    from sklearn.model_selection import GroupKFold  # imported here, since it is slow to import and pages do not fit

    yield from GroupKFold(FOLDS, shuffle=True, random_state=0).split(np.zeros(len(groups)), groups=groups)
