"""The answers of a segmentation model: masks under each condition, on the scans' own grids."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from brainseg.diagnosis.segmenter import Segmenter
from brainseg.evaluation.bootstrap import patient_intervals
from brainseg.evaluation.segmentation.counts import Counts, confusion, foreground_counts
from brainseg.evaluation.segmentation.patients import patient_codes, summed
from brainseg.evaluation.segmentation.scores import dice
from brainseg.models.architectures import Network
from brainseg.models.description import BundleDescription
from brainseg.models.masks import argmax_mask, scan_probabilities
from brainseg.robustness.answers import Case
from brainseg.robustness.corruptions import UNTOUCHED, Condition
from brainseg.robustness.images import CheckedImages
from brainseg.robustness.measured import SEED, defined, mean_over_groups, proportion
from brainseg.robustness.result import Measured, Point

ReadMask = Callable[[str], np.ndarray]
"""Returns the true mask of an image by its path, (H, W) uint8 class numbers."""


class MaskAnswers:
    """Collects the answers of a segmentation model; see `answers.Answers` and, for the arguments, `OpenAnswers`.

    True masks, and the masks of the untouched images, are moved as the corruption moves the image.

    Args:
        bundle: As for `OpenAnswers`.
        images: As for `OpenAnswers`.
        device: As for `OpenAnswers`.
        truth: Returns the true masks.
    """

    metric: Literal["accuracy", "dice"] = "dice"

    def __init__(self, bundle: Path, images: CheckedImages, device: str, truth: ReadMask) -> None:
        segmenter = Segmenter.open(bundle, device)
        self.images, self.truth = images, truth
        self.model: Network = segmenter.model
        self.description: BundleDescription = segmenter.description
        self.digest = segmenter.bundle.digest
        self.references: dict[int, np.ndarray] = {}
        self.counts: dict[Condition, np.ndarray] = {}
        self.marked: dict[Condition, np.ndarray] = {}
        self.overlaps: dict[Condition, np.ndarray] = {}

    def add(self, case: Case, logits: torch.Tensor) -> None:
        """Compare the mask of an image with the true one and with that of the untouched image."""
        mask = argmax_mask(scan_probabilities(logits, case.geometry))
        if case.condition == UNTOUCHED:
            self.references[case.row] = mask
        truth = self._moved(case, self.truth(self.images.table["path"].iloc[case.row]))
        before = self._moved(case, self.references[case.row])
        self._kept(self.counts, case, (len(self.images), 4))[case.row] = self._compared(truth, mask)
        self._kept(self.marked, case, (len(self.images),))[case.row] = mask.any()
        overlap = dice(Counts(*(np.array(count) for count in self._compared(before, mask))))
        self._kept(self.overlaps, case, (len(self.images),))[case.row] = float(overlap)

    def point(self, condition: Condition) -> Point:
        """Return Dice, the slices that are marked in one case only, and the overlap with the untouched mask."""
        touched = condition != UNTOUCHED
        changed = int((self.marked[condition] != self.marked[UNTOUCHED]).sum())
        return {
            "strength": condition.strength,
            "metric": self._dice(self.counts[condition]),
            "ece": None,
            "nll": None,
            "changed": proportion(changed, len(self.images)) if touched else None,
            "stability": mean_over_groups(self.overlaps[condition], self.images.groups) if touched else None,
        }

    def heatmaps(self) -> tuple[int, str | None, int | None]:
        """Return that no heatmaps were compared."""
        return 0, None, None

    def _moved(self, case: Case, mask: np.ndarray) -> np.ndarray:
        return case.condition.move(mask, case.seed, nearest=True)

    def _compared(self, truth: np.ndarray, mask: np.ndarray) -> Counts:
        return foreground_counts(confusion(truth, mask, len(self.description.classes)))

    @staticmethod
    def _kept(kept: dict[Condition, np.ndarray], case: Case, shape: tuple[int, ...]) -> np.ndarray:
        return kept.setdefault(case.condition, np.full(shape, np.nan))

    def _dice(self, counts: np.ndarray) -> Measured:
        """Return the Dice of all pixels; its interval is that of the evaluation, by bootstrap over patients."""
        sums = summed(counts, patient_codes(self.images.table))

        def derive(totals: np.ndarray) -> dict[str, np.ndarray]:
            return {"dice": dice(Counts(*totals.T))}

        value = defined(float(derive(counts.sum(axis=0)[None])["dice"][0]))
        return {"value": value, "interval": patient_intervals(sums, derive, SEED)["dice"], "count": len(counts)}
