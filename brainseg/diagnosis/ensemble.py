"""Ensembles: the mean answer of several models for one scan, and how much the models disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from brainseg.diagnosis.calibrated import Certainty, joint_certainty
from brainseg.diagnosis.doubts import decides_words, doubts_of, joint_verdict, model_doubts, outcome_of
from brainseg.diagnosis.methods import heatmap_title
from brainseg.models.calibration import CalibrationState, sets_of
from brainseg.models.conformal import prediction_set
from brainseg.models.ensemble import Ensemble
from brainseg.models.operating_point import Decision, OperatingPoint, decide, joint_point
from brainseg.models.trained_on import TrainedOn, joint_sentence, joint_training

if TYPE_CHECKING:
    from brainseg.diagnosis.answer import Diagnosis


@dataclass(frozen=True, eq=False)
class Consensus:
    """The joint answer of several models for one scan.

    Attributes:
        label: The predicted class; see `point`.
        probabilities: Class name -> mean probability over the members, in the first member's class order.
        explained: The class that the maps explain.
        heatmap: (H, W) float32 in 0..1, the mean of the members' maps on the scan.
        seconds: Time of all members together.
        members: Each member's own answer.
        ensemble: The stored ensemble that answers; None for models that were only chosen together.
    """

    label: str
    probabilities: dict[str, float]
    explained: str
    heatmap: np.ndarray
    seconds: float
    members: tuple[Diagnosis, ...]
    ensemble: Ensemble | None = None

    @property
    def model(self) -> str:
        """Names and versions of the ensemble, if it is stored, and of all members."""
        own = f"{self.ensemble.name}, " if self.ensemble else ""
        return f"{own}ensemble of {len(self.members)}: {', '.join(member.model for member in self.members)}"

    @property
    def version(self) -> str:
        """The version of the stored ensemble, or those of all members joined by a plus."""
        if self.ensemble:
            return self.ensemble.version
        return "+".join(member.version for member in self.members)

    @property
    def method(self) -> str:
        """How the maps were drawn: the first member's method, if the methods differ."""
        return self.members[0].method

    @property
    def stage(self) -> int:
        """The deepest residual stage that a map was taken from."""
        return max(member.stage for member in self.members)

    @property
    def backend(self) -> str:
        """The libraries that ran the members' networks, each once, joined by a plus."""
        return "+".join(dict.fromkeys(member.backend for member in self.members))

    @property
    def precision(self) -> str:
        """The number formats of their computations, each once, joined by a plus."""
        return "+".join(dict.fromkeys(member.precision for member in self.members))

    @property
    def heatmap_title(self) -> str:
        """What the heatmap shows, and how the members' maps were drawn."""
        ways = dict.fromkeys((member.method, member.stage) for member in self.members)
        return f"Mean of {len(self.members)} maps: {heatmap_title(self.explained, *ways)}"

    @property
    def probability_range(self) -> dict[str, float]:
        """Class name -> largest minus smallest probability among the members."""
        return {label: float(np.ptp(self._probabilities_of(label))) for label in self.probabilities}

    @property
    def deviation(self) -> dict[str, float]:
        """Class name -> standard deviation among the n members, with a divisor of n."""
        return {label: float(np.std(self._probabilities_of(label))) for label in self.probabilities}

    @property
    def dissenters(self) -> tuple[Diagnosis, ...]:
        """The members whose own decision differs."""
        return tuple(member for member in self.members if member.label != self.label)

    @property
    def trained_on(self) -> TrainedOn:
        """What the members were trained on; None for what differs among them."""
        return joint_training(member.trained_on for member in self.members)

    @property
    def origin(self) -> str:
        """What the members were trained on, in words."""
        return joint_sentence(member.trained_on for member in self.members)

    @property
    def in_domain(self) -> bool | None:
        """False if the image is unlike the training images of any member; None if a member has no guard; else True."""
        return joint_verdict(member.in_domain for member in self.members)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the image is unlike the members' training images."""
        return tuple(dict.fromkeys(reason for member in self.members for reason in member.reasons))

    @property
    def model_doubts(self) -> tuple[str, ...]:
        """What makes every answer of the stored ensemble doubtful, or of a member, with the member's name."""
        if self.ensemble:
            return model_doubts(self.ensemble.description.validation, len(self.probabilities))
        return tuple(f"{member.model}: {doubt}" for member in self.members for doubt in member.model_doubts)

    @property
    def digest(self) -> str:
        """The digest of the stored ensemble, which covers its members', or theirs joined by a plus."""
        if self.ensemble:
            return self.ensemble.digest
        return "+".join(member.digest for member in self.members)

    @property
    def image_sha256(self) -> str:
        """The SHA-256 of the image file."""
        return self.members[0].image_sha256

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what makes the answer doubtful, most serious first."""
        return doubts_of(self, self._disagreement)

    @property
    def _disagreement(self) -> str:
        if not self.dissenters:
            return ""
        others = ", ".join(f"{member.model} predicts {member.label}" for member in self.dissenters)
        agreeing = len(self.members) - len(self.dissenters)
        return f"The models disagree: {agreeing} of {len(self.members)} predict {self.label}; {others}."

    @property
    def sentence(self) -> str:
        """The decision and the agreement in words."""
        count = len(self.members)
        certainty = self.certainty
        value = certainty.write(self.probabilities[self.label])
        agreement = f"all {count} agree" if not self.dissenters else f"{count - len(self.dissenters)} of {count} agree"
        decision = f"{count} models together predict {self.label} with a mean score of {value}"
        if self.ensemble:
            who = f"{self.ensemble.name}, the mean of {count} models, predicts"
            decision = f"{who} {self.label} with a {certainty.noun} of {value}"
        return f"{decision} ({certainty.short}{decides_words(self)}); {agreement}."

    @property
    def certainty(self) -> Certainty:
        """How the mean probabilities are to be read and written."""
        if self.ensemble:
            return Certainty((self.calibration,))
        return joint_certainty(member.certainty for member in self.members)

    @property
    def calibration(self) -> CalibrationState:
        """How the mean probabilities are calibrated; None for models that were only chosen together."""
        return self.ensemble.description.calibration if self.ensemble else None

    @property
    def prediction_set(self) -> tuple[str, ...] | None:
        """The classes that the image may have, most probable first; None without prediction sets."""
        sets = sets_of(self.calibration)
        return prediction_set(self.probabilities, sets) if sets else None

    @property
    def positive(self) -> str | None:
        """The class that the thresholds are of; None if it differs among the members, or there is none."""
        (first, *others) = {member.positive for member in self.members}
        return None if others else first

    @property
    def point(self) -> OperatingPoint:
        """How the members decide together: as stored, or by the mean of their thresholds, which was not tested."""
        if self.ensemble:
            return self.ensemble.description.decides
        return mean_point(self.members)

    @property
    def decision(self) -> Decision:
        """What the members decide together, and how clearly."""
        return decide(self.probabilities, self.positive, self.point)

    @property
    def outcome(self) -> str:
        """The class, "not certain" or "not like the training images": what a reader may take from the answer.

        A stored ensemble is certain by its own operating point, as that was measured; a member that disagrees is only
        named. Other models were not measured together, so they are certain only if all of them agree.
        """
        return outcome_of(self, bool(self.dissenters) and self.ensemble is None)

    def _probabilities_of(self, label: str) -> list[float]:
        return [member.probabilities[label] for member in self.members]


def mean_point(answers: Sequence[Diagnosis]) -> OperatingPoint:
    """Return how several models decide together: without a threshold if theirs are of different classes."""
    point = joint_point([answer.point for answer in answers], len(answers[0].probabilities))
    same = len({answer.positive for answer in answers}) == 1
    return point if same else point.model_copy(update={"threshold": None})
