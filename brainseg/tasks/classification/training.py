"""The classification task: how its models are trained and evaluated; see `training.protocols.Task`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from brainseg.config import RunConfig
from brainseg.datasets.leak_groups import leak_groups
from brainseg.datasets.reopening import reopen_dataset
from brainseg.datasets.table import Dataset
from brainseg.diagnosis.heatmap_measurement import measure_and_store_heatmaps
from brainseg.diagnosis.predictor import Predictor
from brainseg.diagnosis.timing import model_costs
from brainseg.evaluation.calibration import (
    CALIBRATION,
    VALIDATION_PREDICTIONS,
    calibrate,
    calibration_values,
)
from brainseg.evaluation.classification import evaluate
from brainseg.evaluation.hardest import hardest_cases
from brainseg.evaluation.predictions import predict_logits, prediction_table, save_predictions
from brainseg.evaluation.report import ClassificationReport
from brainseg.files import write_atomically, write_json
from brainseg.models.architectures import Classifier, Network, build_classifier
from brainseg.models.calibration import CalibrationState
from brainseg.models.description import NetworkFacts
from brainseg.preparation.cache import PreparedImages, prepared_images
from brainseg.tasks.classification import FACTS
from brainseg.training.inputs import Targets, TrainingInputs
from brainseg.training.losses import CrossEntropy
from brainseg.training.protocols import ReportProgress
from brainseg.training.setup import heatmap_stage

HARDEST = 6


class ClassMeter:
    """Evaluates the validation set by the rules of the final evaluation.

    Args:
        inputs: Images and labels; batches must come in the order of the validation rows.
    """

    def __init__(self, inputs: TrainingInputs[Dataset]) -> None:
        self.inputs = inputs
        self.logits: list[torch.Tensor] = []

    def add(self, logits: torch.Tensor, _targets: torch.Tensor) -> None:
        """Keep the (N, classes) logits of a batch."""
        self.logits.append(logits)

    def metrics(self) -> dict[str, float]:
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

    @property
    def headline(self) -> str:
        """The name of the main metric of a run."""
        return FACTS.headline

    def open(self, report_progress: ReportProgress) -> Dataset:
        """Read a folder of class folders, or a manifest."""
        return reopen_dataset(Path(self.config.data.path), report_progress, self.config.data.groups)

    def prepare(
        self, dataset: Dataset, labels: np.ndarray, evaluated: np.ndarray, report_progress: ReportProgress
    ) -> tuple[PreparedImages, Targets]:
        """Return the prepared images and their (N,) int64 class numbers."""
        return prepared_images(dataset, self.config.preparation, report_progress), labels

    def build(self, dataset: Dataset, stages: tuple[int, ...] | None) -> Classifier:
        """Build the classifier."""
        settings = self.config.model
        return build_classifier(settings.arch, len(dataset.classes), settings.head, stages, settings.dropout)

    def loss(self, inputs: TrainingInputs[Dataset]) -> nn.Module:
        """Return cross-entropy, weighted or smoothed according to the settings."""
        training = self.config.training
        weights = torch.tensor(inputs.inverse_frequencies(), dtype=torch.float32)
        return CrossEntropy(
            weights if training.balance == "weights" else None, label_smoothing=training.label_smoothing
        )

    def meter(self, inputs: TrainingInputs[Dataset]) -> ClassMeter:
        """Return a new meter."""
        return ClassMeter(inputs)

    def evaluate(
        self, model: Network, inputs: TrainingInputs[Dataset], folder: Path, report_progress: ReportProgress
    ) -> ClassificationReport:
        """Store `predictions.parquet` and `hardest.csv`, and evaluate them."""
        rows, dataset = inputs.evaluated_rows, inputs.dataset
        logits = predict_logits(model, inputs.images, rows, self.config.preparation.normalise, report_progress)
        table = prediction_table(dataset.table.iloc[rows], logits, dataset.classes)
        save_predictions(table, folder / FACTS.predictions)
        hardest = hardest_cases(table, HARDEST)
        write_atomically(folder / "hardest.csv", lambda temporary: hardest.to_csv(temporary, index=False))
        return evaluate(table, dataset.classes, inputs.positive, leak_groups(dataset.table.iloc[rows]))

    def calibrate(
        self, model: Network, inputs: TrainingInputs[Dataset], folder: Path, report_progress: ReportProgress
    ) -> CalibrationState:
        """Store `calibration.json`, and the predictions of the validation set if the test set was evaluated."""
        rows, dataset = inputs.rows("valid"), inputs.dataset
        if inputs.evaluated_set == "valid":
            table = pd.read_parquet(folder / FACTS.predictions)
        else:
            logits = predict_logits(model, inputs.images, rows, self.config.preparation.normalise, report_progress)
            table = prediction_table(dataset.table.iloc[rows], logits, dataset.classes)
            save_predictions(table, folder / VALIDATION_PREDICTIONS)
        groups = leak_groups(dataset.table.iloc[rows])
        identical, near = inputs.copies(rows)
        report = calibrate(table, dataset.classes, inputs.positive, groups, identical | near)
        write_json(folder / CALIBRATION, calibration_values(report))
        return report["state"]

    def chance(self, inputs: TrainingInputs[Dataset]) -> dict[str, float]:
        """Return the accuracy of predicting the most frequent class for every evaluated image."""
        counts = np.bincount(inputs.labels[inputs.evaluated_rows])
        return {"chance": float(counts.max() / counts.sum())}

    def description(self, inputs: TrainingInputs[Dataset]) -> NetworkFacts:
        """Return head, dropout, classes, and method and stage of the heatmap."""
        settings, dataset, evaluation = self.config.model, inputs.dataset, self.config.evaluation
        return {
            "task": "classify",
            "head": settings.head,
            "dropout": settings.dropout,
            "classes": dataset.classes,
            "positive": inputs.positive,
            "heatmap_method": evaluation.heatmap_method,
            "heatmap_stage": heatmap_stage(evaluation),
        }

    def finish(self, folder: Path, report_progress: ReportProgress) -> dict[str, float]:
        """Compare the model's heatmaps with masks, if the dataset has any, and measure its size and speed."""
        data = Path(self.config.data.path)
        measure_and_store_heatmaps(folder, data, report_progress)
        return model_costs(folder, data, Predictor.open, FACTS.predictions)


TASK = Classification
