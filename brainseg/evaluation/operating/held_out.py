"""Predictions of images that a model did not learn from, without copies of training images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from brainseg.evaluation.calibration.temperature import scaled
from brainseg.evaluation.checks import class_codes, probabilities


@dataclass(frozen=True)
class HeldOut:
    """Predictions of held-out images.

    Attributes:
        table: One row per image, with the columns `label` and `p_<class>`.
        classes: All class names, in the model's order.
        positive: The class that stands for a tumour; None if there is none.
        groups: (N,) int, images with the same number are not independent.
        copies: (N,) bool, images that are also in the training set.
        source: Where the predictions are from.
    """

    table: pd.DataFrame
    classes: list[str]
    positive: str | None
    groups: np.ndarray
    copies: np.ndarray
    source: Literal["validation", "out-of-fold"] = "validation"

    def without_copies(self, temperature: float = 1.0) -> Scores:
        """Return the probabilities of the images that are not in the training set.

        Args:
            temperature: That of the model's calibration.

        Raises:
            ValueError: A column is missing or holds a wrong value.
        """
        kept = self.table[~self.copies]
        return Scores(
            scaled(probabilities(kept, self.classes), temperature),
            class_codes(kept, "label", self.classes),
            self.groups[~self.copies],
            None if self.positive is None else self.classes.index(self.positive),
        )


@dataclass(frozen=True)
class Scores:
    """Probabilities and true classes as plain arrays.

    Attributes:
        probabilities: (N, C) float64, calibrated as the model's answers are.
        labels: (N,) int64, the true classes.
        groups: (N,) int, images with the same number are not independent.
        positive: The number of the positive class; None if there is none.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    positive: int | None

    @cached_property
    def actual(self) -> np.ndarray:
        """Whether each image is of the positive class, (N,) bool; all False without one."""
        actual: np.ndarray = self.labels == (-1 if self.positive is None else self.positive)
        return actual

    @cached_property
    def positive_probabilities(self) -> np.ndarray:
        """The probability of the positive class, (N,) float64; all 0 without one."""
        return np.zeros(len(self.labels)) if self.positive is None else self.probabilities[:, self.positive]

    def part(self, rows: np.ndarray) -> Scores:
        """Return some of the images."""
        return Scores(self.probabilities[rows], self.labels[rows], self.groups[rows], self.positive)
