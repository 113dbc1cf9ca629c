"""Ask a classifier about every slice of a volume: its prediction as a curve along the volume."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainseg.diagnosis.answer import Diagnosis
from brainseg.diagnosis.ensemble import Consensus
from brainseg.diagnosis.volume_mask import Progress, as_channels
from brainseg.scans import Scan
from brainseg.scans.volumes.slices import PLANES, slice_scans
from brainseg.scans.volumes.volume import Volume


@dataclass(frozen=True, eq=False)
class VolumeClasses:
    """What a classifier predicts for each slice of a volume.

    It learnt from single slices: there is no prediction for the volume as a whole.

    Attributes:
        volume: The first volume that was given.
        plane: The plane of the slices.
        classes: Names of the classes.
        probabilities: (slices, classes) float64; NaN for slices that are empty.
        labels: The prediction for each slice; "" for slices that are empty.
        positive: The class that stands for a tumour; None if there is no such class.
        threshold: The probability from which on the positive class is predicted; None if the highest decides.
        calibrated: Whether the probabilities are calibrated.
        unlike: Places of the slices that are unlike the model's training images.
        seconds: Time from volume to answer.
        model: Name and version of the model or models.
        origin: What the model was trained on, in words.
    """

    volume: Volume
    plane: str
    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]
    labels: tuple[str, ...]
    positive: str | None
    threshold: float | None
    calibrated: bool
    unlike: tuple[int, ...]
    seconds: float
    model: str
    origin: str

    @property
    def finding(self) -> str:
        """For how many slices each class is predicted, in words."""
        asked = sum(1 for label in self.labels if label)
        if not asked:
            return "Every slice is empty."
        counts = ", ".join(f"{self.labels.count(name)} {name}" for name in self.classes)
        sentence = f"Of {asked} slices that are not empty, the model predicts: {counts}."
        if not self.unlike:
            return sentence
        return f"{sentence} Slices not like the training images: {len(self.unlike)}."


def classify_volume(
    ask: Callable[[Scan], Diagnosis | Consensus],
    classes: Sequence[str],
    volumes: Sequence[Volume],
    plane: str = "axial",
    progress: Progress | None = None,
) -> VolumeClasses:
    """Classify every slice of a volume that is not empty.

    Args:
        ask: Answers about one slice, such as `Predictor.diagnose`.
        classes: The classes of its answers.
        volumes: On one grid: one, or the three that make up the channels of the model's images.
        plane: The plane of the slices: the one that the model learnt from.
        progress: Called after each slice; it may raise to cancel.
    """
    started = time.perf_counter()
    count = volumes[0].array.shape[PLANES[plane]]
    probabilities, labels = np.full((count, len(classes)), np.nan), [""] * count
    unlike: list[int] = []
    last: Diagnosis | Consensus | None = None
    for index, scans in enumerate(zip(*(slice_scans(volume, plane) for volume in volumes), strict=True)):
        if scans[0].pixels.any():
            last = ask(as_channels(scans))
            probabilities[index] = [last.probabilities[name] for name in classes]
            labels[index] = last.label
            unlike += [index] if last.in_domain is False else []
        if progress:
            progress(index + 1, count)
    return VolumeClasses(
        volume=volumes[0],
        plane=plane,
        classes=tuple(classes),
        probabilities=probabilities,
        labels=tuple(labels),
        positive=last.positive if last else None,
        threshold=last.point.threshold if last else None,
        calibrated=last.certainty.calibrated if last else False,
        unlike=tuple(unlike),
        seconds=time.perf_counter() - started,
        model=last.model if last else "",
        origin=last.origin if last else "",
    )
