"""The inputs of a training: the dataset, its split, the prepared images and their targets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Generic, Protocol, TypeVar

import numpy as np
import pandas as pd

from brainseg.datasets.origin import synthetic_rows
from brainseg.datasets.split_table import copies_of, evaluated_set
from brainseg.datasets.table import Dataset
from brainseg.preparation.cache import PreparedImages

D = TypeVar("D", bound=Dataset)
"""The kind of dataset that a task learns from."""


class Targets(Protocol):
    """The target of each image in a dataset's table: what the model should predict."""

    def __getitem__(self, row: int, /) -> np.ndarray:
        """Return a class number, () int64, or a mask of class numbers, (S, S) uint8."""


@dataclass(frozen=True)
class TrainingInputs(Generic[D]):
    """Images, labels and the split.

    Attributes:
        dataset: The readable images.
        sides: "train", "valid" or "test" for each row of the dataset's table.
        images: The prepared images, one per row.
        labels: (N,) int64 class numbers of whole images.
        targets: The target of each row: its label, or its mask.
        positive: The class that counts as tumour; None with more than two classes.
    """

    dataset: D
    sides: pd.Series[str]
    images: PreparedImages
    labels: np.ndarray
    targets: Targets
    positive: str | None

    def rows(self, side: str) -> np.ndarray:
        """Return the row numbers of "train", "valid" or "test", (n,) int64."""
        return np.flatnonzero(self.sides == side)

    @property
    def evaluated_rows(self) -> np.ndarray:
        """The row numbers of the evaluated set, (n,) int64."""
        return self.rows(self.evaluated_set)

    @property
    def evaluated_set(self) -> str:
        """The set that the model is evaluated on: the test set if there is one, else the validation set."""
        return evaluated_set(self.sides)

    @cached_property
    def synthetic(self) -> np.ndarray:
        """Whether each image is synthetic, (N,) bool: kept, since finding it out may open every file."""
        return np.array(synthetic_rows(self.dataset), dtype=bool)

    def copies(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which images are copies of training images; both kinds make metrics too good.

        Args:
            rows: (n,) row numbers of the images.

        Returns:
            Two arrays, (n,) bool: exact copies, and near copies that differ in bytes.
        """
        table = self.dataset.table[["sha256", "twin"]]
        return copies_of(table.iloc[self.rows("train")], table.iloc[rows])

    def inverse_frequencies(self) -> np.ndarray:
        """Return a weight for each class, (classes,) float64: N / (classes x its count) over the training set.

        This is scikit-learn's "balanced" rule.
        """
        labels = self.labels[self.rows("train")]
        counts = np.bincount(labels, minlength=int(self.labels.max()) + 1)
        weights: np.ndarray = len(labels) / (len(counts) * counts.clip(1))
        return weights
