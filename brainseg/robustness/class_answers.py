"""The answers of a classifier: probabilities, decisions and heatmaps under each condition."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch

from brainseg.diagnosis.predictor import Predictor
from brainseg.evaluation.calibration.reliability import Reliability, reliability
from brainseg.models.architectures import Network
from brainseg.models.calibration import temperature_of
from brainseg.models.description import BundleDescription
from brainseg.robustness.answers import Case
from brainseg.robustness.corruptions import UNTOUCHED, Condition
from brainseg.robustness.heatmap_stability import HeatmapStability
from brainseg.robustness.images import CheckedImages
from brainseg.robustness.measured import mean_over_groups, proportion
from brainseg.robustness.result import Measured, Point


class ClassAnswers:
    """Collects the answers of a classifier; see `answers.Answers` and, for the arguments, `answers.OpenAnswers`."""

    metric: Literal["accuracy", "dice"] = "accuracy"

    def __init__(self, bundle: Path, images: CheckedImages, device: str) -> None:
        predictor = Predictor.open(bundle, device)
        self.images = images
        self.model: Network = predictor.model
        self.description: BundleDescription = predictor.description
        self.digest = predictor.bundle.digest
        self.temperature = temperature_of(self.description.calibration)
        self.stability = HeatmapStability(predictor)
        self.scores: dict[Condition, np.ndarray] = {}

    def add(self, case: Case, logits: torch.Tensor) -> None:
        """Keep the probabilities of an image, as Diagnose would show them, and compare its heatmap if it is to be."""
        shape = len(self.images), len(self.description.classes)
        kept = self.scores.setdefault(case.condition, np.full(shape, np.nan))
        kept[case.row] = torch.softmax(logits.double() / self.temperature, dim=0).numpy()
        if self.images.with_heatmap[case.row] and not self.stability.slow:
            self.stability.add(case)

    def point(self, condition: Condition) -> Point:
        """Return accuracy, calibration, changed answers and stability of the heatmap."""
        classes, labels = np.array(self.description.classes, dtype=object), self.images.table["label"].to_numpy()
        scores = self.scores[condition]
        called, before = scores.argmax(axis=1), self.scores[UNTOUCHED].argmax(axis=1)
        found = self._reliability(scores)
        touched = condition != UNTOUCHED
        return {
            "strength": condition.strength,
            "metric": proportion(int((classes[called] == labels).sum()), len(labels)),
            "ece": _error(found, "ece"),
            "nll": _error(found, "nll"),
            "changed": proportion(int((called != before).sum()), len(labels)) if touched else None,
            "stability": self._stability(condition) if touched else None,
        }

    def _reliability(self, scores: np.ndarray) -> Reliability:
        description = self.description
        columns = {f"p_{name}": scores[:, number] for number, name in enumerate(description.classes)}
        table = pd.DataFrame({"label": self.images.table["label"], **columns})
        found = reliability(table, description.classes, description.positive, self.images.groups)
        if found is None:
            raise ValueError("The calibration needs images.")
        return found

    def _stability(self, condition: Condition) -> Measured | None:
        rows = sorted(self.stability.correlations.get(condition, {}))
        if not rows:
            return None
        values = [self.stability.correlations[condition][row] for row in rows]
        return mean_over_groups(values, self.images.groups[rows])

    def heatmaps(self) -> tuple[int, str | None, int | None]:
        """Return the number of images whose heatmaps were compared, with their method and stage."""
        count = len(self.stability.references)
        return (count, self.stability.method, self.stability.stage) if count else (0, None, None)


def _error(found: Reliability, name: Literal["ece", "nll"]) -> Measured:
    return {"value": found[name], "interval": found["intervals"].get(name), "count": found["count"]}
