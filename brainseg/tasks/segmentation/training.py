"""The segmentation task: how its models are trained and evaluated; see `training.protocols.Task`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from brainseg.config import RunConfig
from brainseg.datasets.masks import MaskedDataset
from brainseg.datasets.reopening import reopen_masked_dataset
from brainseg.diagnosis.segmenter import Segmenter
from brainseg.diagnosis.timing import model_costs
from brainseg.evaluation.predictions import logit_batches, save_predictions
from brainseg.evaluation.segmentation import (
    OtsuMasks,
    SegmentationReport,
    evaluate_baselines,
    evaluate_masks,
    save_masks,
    scores,
    slice_table,
)
from brainseg.evaluation.segmentation.counts import confusion, foreground_counts
from brainseg.evaluation.segmentation.patients import patient_codes
from brainseg.evaluation.segmentation.pixel_calibration import PIXEL_CALIBRATION, PixelCalibration
from brainseg.files import write_json
from brainseg.models.architectures import Network
from brainseg.models.calibration import CalibrationState
from brainseg.models.description import NetworkFacts
from brainseg.models.masks import argmax_mask, scan_probabilities
from brainseg.models.unet import UNet, build_unet
from brainseg.preparation.cache import PreparedImages, prepared_images, prepared_masks
from brainseg.tasks.segmentation import FACTS
from brainseg.training.inputs import TrainingInputs
from brainseg.training.losses import PixelLoss, pixel_loss
from brainseg.training.protocols import ReportProgress


class MaskMeter:
    """Counts the pixels of the validation set and keeps only sums.

    Args:
        loss: The loss, which is computed over the whole set at once, not batch by batch.
        classes: Number of classes, including the background.
    """

    def __init__(self, loss: PixelLoss, classes: int) -> None:
        self.loss, self.classes = loss, classes
        self.sums = torch.zeros(1, dtype=torch.float64)
        self.matrix = np.zeros((classes, classes), dtype=np.int64)

    def add(self, logits: torch.Tensor, targets: torch.Tensor) -> None:
        """Add a batch of (N, classes, S, S) logits and (N, S, S) class numbers."""
        self.sums = self.sums + self.loss.sums(logits, targets).double()
        truth, predicted = (masks.flatten(0, 1).byte().numpy() for masks in (targets, logits.argmax(dim=1)))
        self.matrix += confusion(truth, predicted, self.classes)

    def metrics(self) -> dict[str, float]:
        """Return loss, Dice, sensitivity and specificity of all pixels together, by the rules of the evaluation."""
        counts = foreground_counts(self.matrix)
        return {
            "valid_loss": float(self.loss.value(self.sums)),
            "dice": float(scores.dice(counts)),
            "sensitivity": float(scores.sensitivity(counts)),
            "specificity": float(scores.specificity(counts)),
        }


@dataclass(frozen=True)
class MaskTargets:
    """The target masks of each row.

    Attributes:
        prepared: The masks on the prepared images.
        baseline: Otsu's masks of the evaluated rows, computed while the images were prepared.
    """

    prepared: PreparedImages
    baseline: OtsuMasks

    def __getitem__(self, row: int, /) -> np.ndarray:
        """Return the mask of a row, (S, S) uint8 class numbers."""
        return self.prepared[row]


@dataclass(frozen=True)
class Segmentation:
    """Segmentation: one class for every pixel."""

    config: RunConfig

    @property
    def headline(self) -> str:
        """The name of the main metric of a run."""
        return FACTS.headline

    def open(self, report_progress: ReportProgress) -> MaskedDataset:
        """Read images with masks."""
        data = self.config.data
        return reopen_masked_dataset(
            Path(data.path), data.modalities, report_progress, data.groups, data.mask_threshold
        )

    def prepare(
        self, dataset: MaskedDataset, labels: np.ndarray, evaluated: np.ndarray, report_progress: ReportProgress
    ) -> tuple[PreparedImages, MaskTargets]:
        """Return the prepared images and their masks, (S, S) uint8 each."""
        baseline = OtsuMasks(dataset, evaluated)
        images = prepared_images(dataset, self.config.preparation, report_progress, baseline.compute)
        masks = prepared_masks(dataset, self.config.preparation, report_progress, images)
        return images, MaskTargets(masks, baseline)

    def build(self, dataset: MaskedDataset, stages: tuple[int, ...] | None) -> UNet:
        """Build the U-Net."""
        settings, classes = self.config.model, len(dataset.mask_classes)
        return build_unet(settings.arch, classes, stages, settings.self_attention, settings.bottleneck)

    def loss(self, inputs: TrainingInputs[MaskedDataset]) -> PixelLoss:
        """Return the loss that the settings name."""
        return pixel_loss(self.config.training.loss)

    def meter(self, inputs: TrainingInputs[MaskedDataset]) -> MaskMeter:
        """Return a new meter."""
        return MaskMeter(pixel_loss(self.config.training.loss), len(inputs.dataset.mask_classes))

    def evaluate(
        self, model: Network, inputs: TrainingInputs[MaskedDataset], folder: Path, report_progress: ReportProgress
    ) -> SegmentationReport:
        """Store `slices.parquet`, `masks.npz` and `truth.npz`, in one order, and evaluate on the scans' own grids.

        `baselines.json` receives the metrics of marking nothing and of a threshold on the same slices, and
        `pixel_calibration.json` how often the probabilities of pixels come true.
        """
        rows, dataset, classes = inputs.evaluated_rows, inputs.dataset, inputs.dataset.mask_classes
        slices = dataset.table.iloc[rows]
        truths = [dataset.read_mask(row) for row in rows]
        pixels = PixelCalibration(patient_codes(slices))
        predicted: list[np.ndarray] = []
        for probabilities in predicted_probabilities(model, inputs, rows, self.config, report_progress):
            pixels.add(probabilities, truths[len(predicted)])
            predicted.append(argmax_mask(probabilities))
        write_json(folder / PIXEL_CALIBRATION, pixels.report())
        table = slice_table(slices, truths, predicted, classes)
        save_predictions(table, folder / FACTS.predictions)
        save_masks(folder / "masks.npz", predicted, len(classes))
        save_masks(folder / "truth.npz", truths, len(classes))
        otsu_masks = self._baseline(inputs)
        baselines = evaluate_baselines(slices, truths, (otsu_masks[row] for row in rows), classes)
        reports = {name: self._report(found, dataset).to_dict() for name, found in baselines.items()}
        write_json(folder / "baselines.json", reports)
        return self._report(table, dataset)

    def _baseline(self, inputs: TrainingInputs[MaskedDataset]) -> OtsuMasks:
        if isinstance(inputs.targets, MaskTargets):
            return inputs.targets.baseline
        return OtsuMasks(inputs.dataset, inputs.evaluated_rows)

    def _report(self, table: pd.DataFrame, dataset: MaskedDataset) -> SegmentationReport:
        return evaluate_masks(table, dataset.mask_classes, self.config.evaluation.empty_masks, self.config.data.seed)

    def calibrate(
        self, model: Network, inputs: TrainingInputs[MaskedDataset], folder: Path, report_progress: ReportProgress
    ) -> CalibrationState:
        """Return None: a mask shows no probability, and a temperature would not change it."""
        return None

    def chance(self, inputs: TrainingInputs[MaskedDataset]) -> dict[str, float]:
        """Return nothing, since `baselines.json` holds the baselines that a model must beat."""
        return {}

    def description(self, inputs: TrainingInputs[MaskedDataset]) -> NetworkFacts:
        """Return classes, sequences and optional parts of the network."""
        dataset = inputs.dataset
        return {
            "task": "segment",
            "head": "u-net",
            "dropout": 0.0,
            "classes": dataset.mask_classes,
            "positive": None,
            "modalities": dataset.modalities,
            "channels": dataset.channels,
            "self_attention": self.config.model.self_attention,
            "bottleneck": self.config.model.bottleneck,
        }

    def finish(self, folder: Path, report_progress: ReportProgress) -> dict[str, float]:
        """Measure the model's size and speed."""
        return model_costs(folder, Path(self.config.data.path), Segmenter.open, FACTS.predictions)


TASK = Segmentation


def predicted_probabilities(
    model: Network,
    inputs: TrainingInputs[MaskedDataset],
    rows: np.ndarray,
    config: RunConfig,
    report_progress: ReportProgress,
) -> Iterator[np.ndarray]:
    """Predict slices in one pass, each on its scan's own grid.

    Yields:
        (classes, H, W) float32 probabilities, in the order of `rows`.
    """
    batches = logit_batches(model, inputs.images, rows, config.preparation.normalise, report_progress)
    slices = (logits for batch in batches for logits in batch)
    for row, logits in zip(rows, slices, strict=True):
        yield scan_probabilities(logits, inputs.images.geometry(row))
