"""What a task must offer to be trained; `brainseg.tasks` holds the tasks themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from brainseg.config import RunConfig
from brainseg.models.architectures import Network
from brainseg.preparation.cache import PreparedImages
from brainseg.training.inputs import D, Targets, TrainingInputs

ReportProgress = Callable[[int, int], None]
"""Called with (done, total)."""


class Meter(Protocol):
    """Evaluates one pass over the validation set, batch by batch."""

    def add(self, logits: torch.Tensor, targets: torch.Tensor) -> None:
        """Take a batch, both on the CPU."""

    def metrics(self) -> dict[str, float]:
        """Return `valid_loss` and the task's own metrics, by their names in `EpochMetrics`."""


class Report(Protocol):
    """How a model did on the validation or test set."""

    @property
    def intervals(self) -> dict[str, tuple[float, float] | None]:
        """Name of a metric -> its 95 % interval, None where there is none."""

    @property
    def matrix(self) -> np.ndarray:
        """Confusion matrix, (classes, classes) int64: rows actual, columns predicted; of images or of pixels."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold, the task's headline metric among them."""


class Task(Protocol[D]):
    """One kind of learning. It holds the run's configuration and nothing else."""

    @property
    def config(self) -> RunConfig:
        """The run's configuration."""

    @property
    def headline(self) -> str:
        """The metric that stands for a run of this task, as reports and epochs name it."""

    def open(self, report_progress: ReportProgress) -> D:
        """Read the run's dataset."""

    def prepare(
        self, dataset: D, labels: np.ndarray, evaluated: np.ndarray, report_progress: ReportProgress
    ) -> tuple[PreparedImages, Targets]:
        """Return the prepared images, and what the model should predict for each.

        Args:
            dataset: What to prepare.
            labels: (N,) int64 class numbers of whole images.
            evaluated: Row numbers that `evaluate` will predict.
            report_progress: Called while images are prepared.
        """

    def build(self, dataset: D, stages: tuple[int, ...] | None) -> Network:
        """Build the network with random weights."""

    def loss(self, inputs: TrainingInputs[D]) -> nn.Module:
        """Return the loss that training minimises, from logits and int64 targets."""

    def meter(self, inputs: TrainingInputs[D]) -> Meter:
        """Return a new meter for the validation set, whose batches come in the order of its rows."""

    def evaluate(
        self, model: Network, inputs: TrainingInputs[D], folder: Path, report_progress: ReportProgress
    ) -> Report:
        """Predict the test or validation set in one pass, store the predictions in `folder` and evaluate them."""

    def chance(self, inputs: TrainingInputs[D]) -> dict[str, float]:
        """Return the headline metric of a model that knows nothing, as `chance`; nothing where that says little."""

    def description(self, inputs: TrainingInputs[D]) -> dict[str, Any]:
        """Return the fields of `BundleDescription` from which the network can be built again."""

    def finish(self, folder: Path, report_progress: ReportProgress) -> dict[str, float]:
        """Measure the trained model in `folder` further, and return what was measured by name.

        What cannot be measured is left out: that is no reason to lose a trained model.
        """
