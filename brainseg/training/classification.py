"""The task of naming one class for a whole image; see `training.task.Task`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from brainseg.config import EvaluationConfig, RunConfig
from brainseg.datasets.sources import open_dataset
from brainseg.datasets.table import Dataset
from brainseg.evaluation.classification import evaluate
from brainseg.evaluation.hardest import hardest_cases
from brainseg.evaluation.predictions import predict_logits, prediction_table, save_predictions
from brainseg.evaluation.report import ClassificationReport
from brainseg.files import write_atomically
from brainseg.models.architectures import Classifier, build_classifier

if TYPE_CHECKING:
    from brainseg.training.inputs import TrainingInputs

HARDEST = 6


def heatmap_stage(settings: EvaluationConfig) -> int | None:
    """Return the number of the stage that heatmaps are taken from; None for the network's last."""
    return None if settings.heatmap_layer == "last" else int(settings.heatmap_layer.removeprefix("layer"))


class CrossEntropy(nn.CrossEntropyLoss):
    """Cross-entropy of whole images."""

    y_int = True  # fastai's mixup asks whether labels are numbers, which it cannot mix


class ClassMeter:
    """Judges the validation side by the evaluation's own rules."""

    def __init__(self, inputs: TrainingInputs) -> None:
        self.inputs = inputs
        self.logits: list[torch.Tensor] = []

    def add(self, logits: torch.Tensor, _targets: torch.Tensor) -> None:
        """Keep the (N, classes) logits of a batch."""
        self.logits.append(logits)

    def figures(self) -> dict[str, float]:
        """Return loss, accuracy, sensitivity and specificity."""
        dataset, rows = self.inputs.dataset, self.inputs.rows("valid")
        table = prediction_table(dataset.table.iloc[rows], torch.cat(self.logits), dataset.classes)
        report = evaluate(table, dataset.classes, self.inputs.positive)
        return {
            "valid_loss": report.mean_loss,
            "accuracy": report.accuracy,
            "sensitivity": report.sensitivity,
            "specificity": report.specificity,
        }


@dataclass(frozen=True)
class Classification:
    """Classification of whole images."""

    config: RunConfig
    headline = "accuracy"

    def open(self, tell: Callable[[int, int], None]) -> Dataset:
        """Read a folder of class folders, or a manifest."""
        return open_dataset(Path(self.config.data.path), tell, self.config.data.groups)

    def targets(self, _dataset: Dataset, labels: np.ndarray, _tell: Callable[[int, int], None]) -> np.ndarray:
        """Return the (N,) int64 class numbers."""
        return labels

    def build(self, dataset: Dataset, stages: tuple[int, ...] | None) -> Classifier:
        """Build the classifier."""
        settings = self.config.model
        return build_classifier(settings.arch, len(dataset.classes), settings.head, stages, settings.dropout)

    def loss(self, inputs: TrainingInputs) -> nn.Module:
        """Return cross-entropy, weighted or smoothed if the settings say so."""
        training = self.config.training
        weights = torch.tensor(inputs.inverse_frequencies(), dtype=torch.float32)
        return CrossEntropy(
            weights if training.balance == "weights" else None, label_smoothing=training.label_smoothing
        )

    def meter(self, inputs: TrainingInputs) -> ClassMeter:
        """Return a fresh meter."""
        return ClassMeter(inputs)

    def judge(
        self, model: nn.Module, inputs: TrainingInputs, folder: Path, tell: Callable[[int, int], None]
    ) -> ClassificationReport:
        """Store `predictions.parquet` and `hardest.csv`, and judge."""
        rows, dataset = inputs.rows(inputs.judged_side), inputs.dataset
        logits = predict_logits(model, inputs.images, rows, self.config.preparation.normalise, tell)
        table = prediction_table(dataset.table.iloc[rows], logits, dataset.classes)
        save_predictions(table, folder / "predictions.parquet")
        hardest = hardest_cases(table, HARDEST)
        write_atomically(folder / "hardest.csv", lambda temporary: hardest.to_csv(temporary, index=False))
        return evaluate(table, dataset.classes, inputs.positive)

    def facts(self, inputs: TrainingInputs) -> dict[str, Any]:
        """Return head, dropout, classes and how the heatmap is drawn."""
        settings, dataset, evaluation = self.config.model, inputs.dataset, self.config.evaluation
        return {
            "head": settings.head,
            "dropout": settings.dropout,
            "classes": dataset.classes,
            "positive": inputs.positive,
            "heatmap_method": evaluation.heatmap_method,
            "heatmap_stage": heatmap_stage(evaluation),
        }
