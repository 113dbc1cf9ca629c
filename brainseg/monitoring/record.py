"""One answer as the log keeps it: no pixels, no file name, nothing about the person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from brainseg.users.actor import current

if TYPE_CHECKING:
    from brainseg.diagnosis.answer import Diagnosis
    from brainseg.diagnosis.ensemble import Consensus
    from brainseg.diagnosis.segmenter import Segmentation
    from brainseg.diagnosis.volume_mask import VolumeMask

MARKED, NOTHING_MARKED = "something marked", "nothing marked"
"""The outcomes of a segmentation model."""


@dataclass(frozen=True)
class AnswerRecord:
    """One answer of a model, or of several together.

    Attributes:
        time: When it was given: UTC, ISO 8601 with seconds.
        source: "page": Diagnose; "command": `brainseg predict`.
        model: Name and version of the model, or of the ensemble and of all its members.
        bundle_digest: SHA-256 of the bundle or of the stored ensemble; those of models that were only chosen together
            joined by a plus.
        image_sha256: SHA-256 of the image file.
        outcome: The predicted class, "not certain", "not like the training images", or what a U-Net did.
        label: The predicted class; "" for a segmentation model.
        confidence: The probability or score (0..1) of the label; None for a segmentation model.
        calibrated: Whether it is a calibrated probability.
        in_domain: What the guard said; None if the bundle has none.
        distance: Distance of the image's features from those of the training images, as a multiple of the guard's
            limit; None without a guard, and for an ensemble.
        owner: The identifier of whom it was given to; "" where nobody signed in.
    """

    time: str
    source: Literal["page", "command"]
    model: str
    bundle_digest: str
    image_sha256: str
    outcome: str
    label: str
    confidence: float | None
    calibrated: bool
    in_domain: bool | None
    distance: float | None
    owner: str = ""


def record_of(
    answer: Diagnosis | Consensus | Segmentation | VolumeMask,
    source: Literal["page", "command"],
    now: datetime | None = None,
) -> AnswerRecord:
    """Return what the log keeps of an answer.

    Args:
        answer: The answer.
        source: Where it was asked for.
        now: The time; that of the call by default.
    """
    from brainseg.diagnosis.doubts import UNLIKE_OUTCOME
    from brainseg.diagnosis.ensemble import Consensus
    from brainseg.diagnosis.segmenter import Segmentation
    from brainseg.diagnosis.volume_mask import VolumeMask

    distance = None if isinstance(answer, Consensus | VolumeMask) else answer.distance
    if isinstance(answer, Segmentation | VolumeMask):
        outcome = MARKED if answer.found else NOTHING_MARKED
        outcome = UNLIKE_OUTCOME if answer.in_domain is False else outcome
        label, confidence, calibrated = "", None, False
    else:
        outcome, label = answer.outcome, answer.label
        confidence, calibrated = answer.probabilities[label], answer.certainty.calibrated
    return AnswerRecord(
        time=(now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds"),
        source=source,
        model=answer.model,
        bundle_digest=answer.digest,
        image_sha256=answer.image_sha256,
        outcome=outcome,
        label=label,
        confidence=confidence,
        calibrated=calibrated,
        in_domain=answer.in_domain,
        distance=distance,
        owner=current().owner.subject,
    )
