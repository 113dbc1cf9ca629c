"""The task of naming a class for every pixel; see `training.task.Task`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from brainseg.config import RunConfig
from brainseg.datasets.mask_sources import open_masked_dataset
from brainseg.datasets.masks import MaskedDataset
from brainseg.evaluation.predictions import logit_batches, save_predictions
from brainseg.evaluation.segmentation import (
    SegmentationReport,
    evaluate_masks,
    judge_baselines,
    save_masks,
    scores,
    slice_table,
)
from brainseg.evaluation.segmentation.counts import confusion, foreground_counts
from brainseg.files import write_json
from brainseg.models.masks import likeliest, scan_probabilities
from brainseg.models.unet import UNet, build_unet
from brainseg.preparation import find_geometry
from brainseg.preparation.cache import PreparedImages, prepared_masks
from brainseg.training.losses import PixelLoss, pixel_loss

if TYPE_CHECKING:
    from brainseg.training.inputs import TrainingInputs


class MaskMeter:
    """Counts the pixels of the validation side; nothing but sums is kept.

    Args:
        loss: Judged over the whole side at once, not batch by batch.
        classes: Number of classes, background included.
    """

    def __init__(self, loss: PixelLoss, classes: int) -> None:
        self.loss, self.classes = loss, classes
        self.sums = torch.zeros(1, dtype=torch.float64)
        self.matrix = np.zeros((classes, classes), dtype=np.int64)

    def add(self, logits: torch.Tensor, targets: torch.Tensor) -> None:
        """Take (N, classes, S, S) logits and (N, S, S) class numbers."""
        self.sums = self.sums + self.loss.sums(logits, targets).double()
        truth, predicted = (masks.flatten(0, 1).byte().numpy() for masks in (targets, logits.argmax(dim=1)))
        self.matrix += confusion(truth, predicted, self.classes)

    def figures(self) -> dict[str, float]:
        """Return the loss, and Dice, sensitivity and specificity of all pixels together, by the evaluation's rules."""
        counts = foreground_counts(self.matrix)
        return {
            "valid_loss": float(self.loss.value(self.sums)),
            "dice": float(scores.dice(counts)),
            "sensitivity": float(scores.sensitivity(counts)),
            "specificity": float(scores.specificity(counts)),
        }


@dataclass(frozen=True)
class Segmentation:
    """Segmentation: one class for every pixel."""

    config: RunConfig
    headline = "dice"

    def open(self, tell: Callable[[int, int], None]) -> MaskedDataset:
        """Read images with masks."""
        data = self.config.data
        return open_masked_dataset(Path(data.path), data.modalities, tell, data.groups, data.mask_threshold)

    def targets(self, dataset: MaskedDataset, _labels: np.ndarray, tell: Callable[[int, int], None]) -> PreparedImages:
        """Return the masks as they lie on the prepared images, (S, S) uint8 each."""
        return prepared_masks(dataset, self.config.preparation, tell)

    def build(self, dataset: MaskedDataset, stages: tuple[int, ...] | None) -> UNet:
        """Build the U-Net."""
        settings, classes = self.config.model, len(dataset.mask_classes)
        return build_unet(settings.arch, classes, stages, settings.self_attention, settings.bottleneck)

    def loss(self, _inputs: TrainingInputs) -> PixelLoss:
        """Return the loss that the settings name."""
        return pixel_loss(self.config.training.loss)

    def meter(self, inputs: TrainingInputs) -> MaskMeter:
        """Return a fresh meter."""
        return MaskMeter(pixel_loss(self.config.training.loss), len(inputs.dataset.mask_classes))

    def judge(
        self, model: nn.Module, inputs: TrainingInputs, folder: Path, tell: Callable[[int, int], None]
    ) -> SegmentationReport:
        """Store `slices.parquet`, `masks.npz` and `truth.npz`, in one order, and judge on the scans' own grids.

        `baselines.json` says what finding nothing and a threshold would have got on the same slices.
        """
        rows, dataset = inputs.rows(inputs.judged_side), inputs.dataset
        masks: dict[str, list[np.ndarray]] = {"masks.npz": [], "truth.npz": []}

        def kept(name: str, found: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
            for mask in found:
                masks[name].append(mask)
                yield mask

        truths = kept("truth.npz", (dataset.read_mask(row) for row in rows))
        predicted = kept("masks.npz", predicted_masks(model, inputs, rows, self.config, tell))
        table = slice_table(dataset.table.iloc[rows], truths, predicted, dataset.mask_classes)
        save_predictions(table, folder / "slices.parquet")
        for name, found in masks.items():
            save_masks(folder / name, found, len(dataset.mask_classes))
        baselines = judge_baselines(dataset, rows)
        reports = {name: self._report(found, dataset).to_dict() for name, found in baselines.items()}
        write_json(folder / "baselines.json", reports)
        return self._report(table, dataset)

    def _report(self, table: pd.DataFrame, dataset: MaskedDataset) -> SegmentationReport:
        return evaluate_masks(table, dataset.mask_classes, self.config.evaluation.empty_masks, self.config.data.seed)

    def facts(self, inputs: TrainingInputs) -> dict[str, Any]:
        """Return classes, modalities and the extras of the network."""
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


def predicted_masks(
    model: nn.Module, inputs: TrainingInputs, rows: np.ndarray, config: RunConfig, tell: Callable[[int, int], None]
) -> Iterator[np.ndarray]:
    """Predict slices in one pass, each on its scan's own grid.

    Yields:
        (H, W) uint8 class numbers, in the order of `rows`.
    """
    batches = logit_batches(model, inputs.images, rows, config.preparation.normalise, tell)
    slices = (logits for batch in batches for logits in batch)
    for row, logits in zip(rows, slices, strict=True):
        geometry = find_geometry(inputs.dataset.read(row), config.preparation)
        yield likeliest(scan_probabilities(logits, geometry))
