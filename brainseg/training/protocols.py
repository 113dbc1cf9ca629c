"""The protocol of a task that can be trained; `brainseg.tasks` holds the tasks themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import nn

from brainseg.config import RunConfig
from brainseg.evaluation.stored import Evaluation
from brainseg.models.architectures import Network
from brainseg.models.calibration import CalibrationState
from brainseg.models.description import NetworkFacts
from brainseg.preparation.cache import PreparedImages
from brainseg.training.inputs import D, Targets, TrainingInputs

ReportProgress = Callable[[int, int], None]
"""Called with (done, total)."""


class Meter(Protocol):
    """Evaluates one pass over the validation set, batch by batch."""

    def add(self, logits: torch.Tensor, targets: torch.Tensor) -> None:
        """Add a batch; both tensors are on the CPU."""

    def metrics(self) -> dict[str, float]:
        """Return `valid_loss` and the task's own metrics, by their names in `EpochMetrics`."""


class Report(Protocol):
    """The evaluation of a model on the validation or test set."""

    @property
    def intervals(self) -> dict[str, tuple[float, float] | None]:
        """Name of a metric -> its 95 % interval, or None."""

    @property
    def matrix(self) -> np.ndarray:
        """Confusion matrix, (classes, classes) int64: rows actual, columns predicted; of images or of pixels."""

    def to_dict(self) -> Evaluation:
        """Return plain values that JSON can hold, including the task's main metric."""


class Task(Protocol[D]):
    """One kind of learning task. It holds only the run's configuration."""

    @property
    def config(self) -> RunConfig:
        """The run's configuration."""

    @property
    def headline(self) -> str:
        """The name of this task's main metric in reports and epochs."""

    def open(self, report_progress: ReportProgress) -> D:
        """Read the run's dataset."""

    def prepare(
        self, dataset: D, labels: np.ndarray, evaluated: np.ndarray, report_progress: ReportProgress
    ) -> tuple[PreparedImages, Targets]:
        """Return the prepared images and their targets.

        Args:
            dataset: The dataset to prepare.
            labels: (N,) int64 class numbers of whole images.
            evaluated: Row numbers that `evaluate` will predict.
            report_progress: Called while images are prepared.
        """

    def build(self, dataset: D, stages: tuple[int, ...] | None) -> Network:
        """Build the network with random weights."""

    def loss(self, inputs: TrainingInputs[D]) -> nn.Module:
        """Return the loss that training minimises; its inputs are logits and int64 targets."""

    def meter(self, inputs: TrainingInputs[D]) -> Meter:
        """Return a new meter for the validation set, whose batches come in the order of its rows."""

    def evaluate(
        self, model: Network, inputs: TrainingInputs[D], folder: Path, report_progress: ReportProgress
    ) -> Report:
        """Predict the test or validation set in one pass, store the predictions in `folder` and evaluate them."""

    def calibrate(
        self, model: Network, inputs: TrainingInputs[D], folder: Path, report_progress: ReportProgress
    ) -> CalibrationState:
        """Calibrate the probabilities on the validation set after `evaluate`, and store what was measured in `folder`.

        Returns:
            The calibration or why there is none; None if the task has no calibration.
        """

    def chance(self, inputs: TrainingInputs[D]) -> dict[str, float]:
        """Return the main metric of guessing, as `chance`; nothing if that would not be informative."""

    def description(self, inputs: TrainingInputs[D]) -> NetworkFacts:
        """Return the fields of `BundleDescription` that are needed to rebuild the network."""

    def finish(self, folder: Path, report_progress: ReportProgress) -> dict[str, float]:
        """Make further measurements of the trained model in `folder`, and return them by name.

        What cannot be measured is left out; the trained model is kept in any case.
        """
