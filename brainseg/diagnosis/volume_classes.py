"""Classify a volume slice by slice, and answer for the volume as a whole by a stated rule."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from brainseg.diagnosis.calibrated import Certainty
from brainseg.diagnosis.doubts import UNCERTAIN, UNLIKE, UNLIKE_OUTCOME
from brainseg.diagnosis.predictor import Predictor
from brainseg.diagnosis.volume_mask import Progress
from brainseg.files import sha256_bytes
from brainseg.models.calibration import CalibrationState
from brainseg.models.operating_point import OperatingPoint, decide
from brainseg.models.trained_on import TrainedOn
from brainseg.scans.volumes.slices import PLANES, slice_scans
from brainseg.scans.volumes.volume import Volume

NEIGHBOURS = 3
"""Slices in a row that must all reach a probability. One slice alone is a frequent false alarm."""
RULE = (
    f"The volume's value is the highest that {NEIGHBOURS} neighbouring slices all reach; slices unlike the training "
    "images do not count. The model was tested on single slices, not on volumes."
)
NO_RULE = "The model has no class that stands for a finding, so there are answers for slices but none for the volume."


@dataclass(frozen=True)
class SliceAnswer:
    """The answer for one slice.

    Attributes:
        index: Its place along the plane's axis.
        probabilities: Class -> probability.
        outcome: As `Diagnosis.outcome`.
        in_domain: As `Diagnosis.in_domain`.
    """

    index: int
    probabilities: dict[str, float]
    outcome: str
    in_domain: bool | None


@dataclass(frozen=True, eq=False)
class VolumeClasses:
    """The answer of a classifier about a volume.

    Attributes:
        volume: The volume.
        plane: The plane of the slices.
        slices: The answers for all slices that are not empty.
        positive: The class that stands for a finding; None if the model has none.
        value: The positive class's probability for the volume, by `RULE`; None if there is no such class, or too few
            slices count.
        best: The places of the neighbouring slices that reach it.
        point: How the model decides.
        calibration: How the probabilities of slices are calibrated.
        in_domain: False if most slices are unlike the training images; None without a guard.
        seconds: Time from volume to answer.
        model: Name and version of the model.
        warnings: Sentences on what makes the answer doubtful.
        trained_on: What the model was trained on.
        digest: The SHA-256 of the bundle.
        image_sha256: The SHA-256 of the volume's values.
    """

    volume: Volume
    plane: str
    slices: tuple[SliceAnswer, ...]
    positive: str | None
    value: float | None
    best: tuple[int, ...]
    point: OperatingPoint
    calibration: CalibrationState
    in_domain: bool | None
    seconds: float
    model: str
    warnings: tuple[str, ...]
    trained_on: TrainedOn
    digest: str
    image_sha256: str

    @property
    def outcome(self) -> str | None:
        """What a reader may take from the answer, as for an image; None if there is no answer for the volume."""
        if self.in_domain is False:
            return UNLIKE_OUTCOME
        if self.value is None or self.positive is None:
            return None
        negative = f"no {self.positive}"
        decided = decide({negative: 1 - self.value, self.positive: self.value}, self.positive, self.point)
        return decided.label if decided.certain else UNCERTAIN

    @property
    def origin(self) -> str:
        """What the model was trained on, in words."""
        return self.trained_on.sentence

    @property
    def finding(self) -> str:
        """The answer in words."""
        if self.value is None:
            return NO_RULE if self.positive is None else "Too few slices are like the training images for an answer."
        certainty = Certainty((self.calibration,))
        place = f"{self.plane} slices {self.best[0] + 1} to {self.best[-1] + 1}"
        words = f"{self.positive} {certainty.write(self.value)} on {place} ({certainty.short} of single slices)"
        return f"{self.outcome}: {words}."


def classify_volume(
    predictor: Predictor, volume: Volume, plane: str = "axial", progress: Progress | None = None
) -> VolumeClasses:
    """Classify every slice of a volume.

    Args:
        predictor: The model.
        volume: The volume.
        plane: The plane of the slices, a key of `scans.volumes.slices.PLANES`: the one that the model learnt from.
        progress: Called after each slice with (slices done, slices in all); it may raise to cancel.

    Raises:
        BundleError: The network returns values that are not numbers.
    """
    started = time.perf_counter()
    found: list[SliceAnswer] = []
    said: dict[str, None] = {}
    count = volume.array.shape[PLANES[plane]]
    for index, scan in enumerate(slice_scans(volume, plane)):
        if scan.pixels.any():
            answer = predictor.diagnose(scan)
            found.append(SliceAnswer(index, answer.probabilities, answer.outcome, answer.in_domain))
            said |= dict.fromkeys(answer.model_doubts)
        if progress:
            progress(index + 1, count)
    description = predictor.description
    value, best = volume_value(found, description.positive)
    known = [each.in_domain for each in found if each.in_domain is not None]
    unlike = known.count(False)
    return VolumeClasses(
        volume=volume,
        plane=plane,
        slices=tuple(found),
        positive=description.positive,
        value=value,
        best=best,
        point=description.decides,
        calibration=description.calibration,
        in_domain=None if not known else unlike <= len(known) / 2,
        seconds=time.perf_counter() - started,
        model=predictor.name,
        warnings=(*_unlike_warning(unlike, len(known)), *said, *volume.warnings),
        trained_on=TrainedOn.of(description.data),
        digest=predictor.bundle.digest,
        image_sha256=sha256_bytes(np.ascontiguousarray(volume.array).tobytes()),
    )


def volume_value(slices: Sequence[SliceAnswer], positive: str | None) -> tuple[float | None, tuple[int, ...]]:
    """Return the highest probability that neighbouring slices all reach, and which slices these are."""
    counted = {each.index: each.probabilities for each in slices if each.in_domain is not False}
    rows = [range(first, first + NEIGHBOURS) for first in counted]
    rows = [row for row in rows if all(index in counted for index in row)]
    if positive is None or not rows:
        return None, ()
    best = max(rows, key=lambda row: min(counted[index][positive] for index in row))
    return min(counted[index][positive] for index in best), tuple(best)


def _unlike_warning(count: int, seen: int) -> tuple[str, ...]:
    if not count:
        return ()
    slices = "1 slice" if count == 1 else f"{count} of {seen} slices"
    return (f"{UNLIKE}: {slices}, which do not count.",)
