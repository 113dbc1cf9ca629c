"""Ask a classifier about every slice of a volume, and answer for the volume as a whole by a stated rule."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainseg.diagnosis.answer import Diagnosis
from brainseg.diagnosis.calibrated import Certainty
from brainseg.diagnosis.doubts import UNCERTAIN, UNLIKE, UNLIKE_OUTCOME
from brainseg.diagnosis.ensemble import Consensus
from brainseg.diagnosis.volume_mask import Progress, as_channels, hash_of
from brainseg.models.operating_point import OperatingPoint, decide
from brainseg.models.trained_on import UNKNOWN, TrainedOn
from brainseg.scans import Scan
from brainseg.scans.volumes.slices import PLANES, slice_scans
from brainseg.scans.volumes.volume import Volume

NEIGHBOURS = 3
"""Slices in a row that must all reach a probability. One slice alone is a frequent false alarm."""
RULE = (
    f"The volume's value is the highest that {NEIGHBOURS} neighbouring slices all reach; slices unlike the training "
    "images do not count. The model was tested on single slices, not on volumes."
)
NO_RULE = "The model has no class that stands for a finding, so there are answers for slices but none for the volume."
TOO_FEW = f"No {NEIGHBOURS} neighbouring slices are like the training images, so there is no answer for the volume."


@dataclass(frozen=True, eq=False)
class VolumeClasses:
    """What a classifier predicts for each slice of a volume, and for the volume by `RULE`.

    Attributes:
        volume: The first volume that was given.
        plane: The plane of the slices.
        classes: Names of the classes.
        probabilities: (slices, classes) float64; NaN for slices that are empty.
        labels: The prediction for each slice; "" for slices that are empty.
        outcomes: As `Diagnosis.outcome` for each slice; "" for slices that are empty.
        positive: The class that stands for a tumour; None if there is no such class.
        point: How the model decides; None if every slice is empty.
        certainty: How the probabilities are to be read; None if every slice is empty.
        unlike: Places of the slices that are unlike the model's training images.
        in_domain: False if most slices that are not empty are unlike the training images; None without a guard.
        value: The positive class's probability for the volume; None if there is no such class, or too few slices count.
        best: The places of the neighbouring slices that reach it.
        seconds: Time from volume to answer.
        model: Name and version of the model or models.
        trained_on: What the model was trained on.
        warnings: Sentences on what makes the answer doubtful.
        digest: The SHA-256 of the bundle or bundles.
        image_sha256: The SHA-256 of the values of the volumes, joined by a plus.
        backend: As for `Diagnosis`; "" if every slice is empty.
        precision: As for `Diagnosis`; "" if every slice is empty.
    """

    volume: Volume
    plane: str
    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]
    labels: tuple[str, ...]
    outcomes: tuple[str, ...]
    positive: str | None
    point: OperatingPoint | None
    certainty: Certainty | None
    unlike: tuple[int, ...]
    in_domain: bool | None
    value: float | None
    best: tuple[int, ...]
    seconds: float
    model: str
    trained_on: TrainedOn
    warnings: tuple[str, ...]
    digest: str
    image_sha256: str
    backend: str = ""
    precision: str = ""

    @property
    def threshold(self) -> float | None:
        """The probability from which on the positive class is predicted; None if the highest decides."""
        return self.point.threshold if self.point else None

    @property
    def origin(self) -> str:
        """What the model was trained on, in words."""
        return self.trained_on.sentence

    @property
    def outcome(self) -> str | None:
        """What a reader may take from the answer, as for an image; None if there is no answer for the volume."""
        if self.in_domain is False:
            return UNLIKE_OUTCOME
        if self.value is None or self.positive is None or self.point is None:
            return None
        others = {f"no {self.positive}": 1 - self.value, self.positive: self.value}
        decided = decide(others, self.positive, self.point)
        return decided.label if decided.certain else UNCERTAIN

    @property
    def rule(self) -> str:
        """By which rule the volume is answered, in words."""
        return RULE

    @property
    def counts(self) -> str:
        """For how many slices each class is predicted, in words."""
        asked = sum(1 for label in self.labels if label)
        if not asked:
            return "Every slice is empty."
        counted = ", ".join(f"{self.labels.count(name)} {name}" for name in self.classes)
        return f"Of {asked} slices that are not empty, the model predicts: {counted}."

    @property
    def finding(self) -> str:
        """The answer for the volume in words."""
        if self.value is None or self.certainty is None:
            return NO_RULE if self.positive is None else TOO_FEW
        place = f"{self.plane} slices {self.best[0] + 1} to {self.best[-1] + 1}"
        value = self.certainty.write(self.value)
        return f"{self.outcome}: {self.positive} {value} on {place} ({self.certainty.short}, as single slices)."


@dataclass(frozen=True)
class _Slice:
    """What is kept of the answer for a slice; its heatmap would take much memory for a whole volume."""

    probabilities: dict[str, float]
    label: str
    outcome: str
    in_domain: bool | None
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, answer: Diagnosis | Consensus) -> _Slice:
        return cls(answer.probabilities, answer.label, answer.outcome, answer.in_domain, answer.warnings)


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
    slices: list[_Slice | None] = []
    last: Diagnosis | Consensus | None = None
    for index, scans in enumerate(zip(*(slice_scans(volume, plane) for volume in volumes), strict=True)):
        found = ask(as_channels(scans)) if scans[0].pixels.any() else None
        slices.append(_Slice.of(found) if found else None)
        last = found or last
        if progress:
            progress(index + 1, count)
    given = [each for each in slices if each]
    probabilities = np.array([[each.probabilities[name] if each else np.nan for name in classes] for each in slices])
    unlike = tuple(index for index, each in enumerate(slices) if each and each.in_domain is False)
    known = sum(each.in_domain is not None for each in given)
    positive = last.positive if last else None
    counted = probabilities[:, list(classes).index(positive)] if positive else np.full(count, np.nan)
    value, best = volume_value(counted, unlike)
    notes = [text for volume in volumes for text in volume.warnings]
    return VolumeClasses(
        volume=volumes[0],
        plane=plane,
        classes=tuple(classes),
        probabilities=probabilities,
        labels=tuple(each.label if each else "" for each in slices),
        outcomes=tuple(each.outcome if each else "" for each in slices),
        positive=positive,
        point=last.point if last else None,
        certainty=last.certainty if last else None,
        unlike=unlike,
        in_domain=len(unlike) <= known / 2 if known else None,
        value=value,
        best=best,
        seconds=time.perf_counter() - started,
        model=last.model if last else "",
        trained_on=last.trained_on if last else UNKNOWN,
        warnings=(*_unlike_warning(len(unlike), known), *_lasting(given), *notes),
        digest=last.digest if last else "",
        image_sha256=hash_of(volumes),
        backend=last.backend if last else "",
        precision=last.precision if last else "",
    )


def volume_value(
    probabilities: NDArray[np.float64], unlike: Sequence[int] = ()
) -> tuple[float | None, tuple[int, ...]]:
    """Return the highest probability that neighbouring slices all reach, and which slices these are.

    Args:
        probabilities: (slices,) of the class that stands for a finding; NaN for slices that do not count.
        unlike: Further slices that do not count.

    Examples:
        >>> volume_value(np.array([0.1, 0.9, 0.1, 0.6, 0.8, 0.7]))
        (0.6, (3, 4, 5))
        >>> volume_value(np.array([0.1, 0.9, np.nan, 0.6, 0.8]))
        (None, ())
    """
    values = probabilities.copy()
    values[list(unlike)] = np.nan
    if len(values) < NEIGHBOURS:
        return None, ()
    lowest = np.lib.stride_tricks.sliding_window_view(values, NEIGHBOURS).min(axis=1)  # NaN if one of them is
    if np.isnan(lowest).all():
        return None, ()
    first = int(np.nanargmax(lowest))
    return float(lowest[first]), tuple(range(first, first + NEIGHBOURS))


def _lasting(answers: Sequence[_Slice]) -> list[str]:
    """Return the warnings that every slice has: those that say something about the model."""
    if not answers:
        return []
    return [text for text in answers[0].warnings if all(text in each.warnings for each in answers)]


def _unlike_warning(count: int, seen: int) -> tuple[str, ...]:
    if not count:
        return ()
    slices = "1 slice" if count == 1 else f"{count} of {seen} slices"
    return (f"{UNLIKE}: {slices}, which do not count.",)
