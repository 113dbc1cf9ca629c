"""What classification and segmentation do differently; all else of a training is common to both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import nn

from brainseg.config import RunConfig
from brainseg.datasets.table import Dataset
from brainseg.models.architectures import Classifier
from brainseg.models.unet import UNet
from brainseg.training.classification import Classification
from brainseg.training.segmentation import Segmentation

if TYPE_CHECKING:
    from brainseg.training.inputs import TrainingInputs

Tell = Callable[[int, int], None]
"""Called with what is done and what there is in all."""


class Targets(Protocol):
    """What the model is to say of each image of a dataset's table."""

    def __getitem__(self, row: int) -> np.ndarray:
        """Return a class number, or a mask of class numbers."""


class Meter(Protocol):
    """Judges one pass over the validation side, batch by batch."""

    def add(self, logits: torch.Tensor, targets: torch.Tensor) -> None:
        """Take a batch, both on the CPU."""

    def figures(self) -> dict[str, float]:
        """Return `valid_loss` and the task's own figures, by their names in `EpochFigures`."""


class Report(Protocol):
    """How a model did on the judged side."""

    intervals: dict[str, tuple[float, float] | None]
    matrix: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold, the task's headline figure among them."""


class Task(Protocol):
    """One kind of learning. It holds the run's configuration and nothing else.

    Attributes:
        headline: The figure that stands for a run of this task, as reports and epochs name it.
    """

    headline: str

    def open(self, tell: Tell) -> Dataset:
        """Read the run's dataset."""

    def targets(self, dataset: Dataset, labels: np.ndarray, tell: Tell) -> Targets:
        """Return what is to be learnt; `labels` are the class numbers of whole images."""

    def build(self, dataset: Dataset, stages: tuple[int, ...] | None) -> Classifier | UNet:
        """Build the network with random weights."""

    def loss(self, inputs: TrainingInputs) -> nn.Module:
        """Return the loss that training minimises."""

    def meter(self, inputs: TrainingInputs) -> Meter:
        """Return a fresh meter for the validation side, whose batches come in the order of its rows."""

    def judge(self, model: nn.Module, inputs: TrainingInputs, folder: Path, tell: Tell) -> Report:
        """Predict the judged side in one pass, store what was predicted in `folder` and judge it."""

    def facts(self, inputs: TrainingInputs) -> dict[str, Any]:
        """Return what a bundle must know of the network to build it again."""


def task_of(config: RunConfig) -> Task:
    """Return the task of a run."""
    return Segmentation(config) if config.task == "segment" else Classification(config)
