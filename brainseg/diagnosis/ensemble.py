"""Ensembles: the mean answer of several models for one scan, and how much the models disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from brainseg.diagnosis.calibrated import Certainty, joint_certainty
from brainseg.diagnosis.doubts import decides_words, doubts_of, joint_verdict, outcome_of
from brainseg.diagnosis.methods import heatmap_title
from brainseg.errors import RunError
from brainseg.models.operating_point import Decision, OperatingPoint, decide
from brainseg.models.operating_point import joint_point as mean_point
from brainseg.models.trained_on import TrainedOn, joint_sentence, joint_training
from brainseg.scans import Scan

if TYPE_CHECKING:
    from brainseg.diagnosis.answer import Diagnosis
    from brainseg.diagnosis.predictor import Predictor


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
    """

    label: str
    probabilities: dict[str, float]
    explained: str
    heatmap: np.ndarray
    seconds: float
    members: tuple[Diagnosis, ...]

    @property
    def model(self) -> str:
        """Names and versions of all members."""
        return f"ensemble of {len(self.members)}: {', '.join(member.model for member in self.members)}"

    @property
    def version(self) -> str:
        """Versions of all members, joined by a plus."""
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
        """What makes every answer of a member doubtful, with the member's name."""
        return tuple(f"{member.model}: {doubt}" for member in self.members for doubt in member.model_doubts)

    @property
    def digest(self) -> str:
        """The digests of all members' bundles, joined by a plus."""
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
        return f"{decision} ({certainty.short}{decides_words(self)}); {agreement}."

    @property
    def certainty(self) -> Certainty:
        """How the mean probabilities are to be read and written."""
        return joint_certainty(member.certainty for member in self.members)

    @property
    def positive(self) -> str | None:
        """The class that the members' thresholds are of; None if it differs among them, or there is none."""
        (first, *others) = {member.positive for member in self.members}
        return None if others else first

    @property
    def point(self) -> OperatingPoint:
        """How the members decide together: by the mean of their thresholds, which was not tested."""
        return joint_point(self.members)

    @property
    def decision(self) -> Decision:
        """What the members decide together, and how clearly."""
        return decide(self.probabilities, self.positive, self.point)

    @property
    def outcome(self) -> str:
        """The class, "not certain" or "not like the training images": what a reader may take from the answer."""
        return outcome_of(self, bool(self.dissenters))

    def _probabilities_of(self, label: str) -> list[float]:
        return [member.probabilities[label] for member in self.members]


def diagnose_with(
    predictors: Sequence[Predictor],
    scan: Scan,
    **options: Any,  # noqa: ANN401 - those of `diagnose_jointly`
) -> Diagnosis | Consensus:
    """Return the answer of one model, or the joint answer of several; see `diagnose_jointly` for `options`."""
    if len(predictors) == 1:
        return predictors[0].diagnose(scan, **options)
    return diagnose_jointly(predictors, scan, **options)


def diagnose_jointly(
    predictors: Sequence[Predictor],
    scan: Scan,
    explain: str | None = None,
    method: str | None = None,
    stage: int | None = None,
) -> Consensus:
    """Diagnose one scan with several models.

    Args:
        predictors: At least one, all with the same classes in any order.
        scan: From `scans.read_scan`.
        explain: The class to explain; by default the one with the highest mean probability.
        method: How to draw the heatmaps, a key of `methods.METHODS`; by default each model's own method.
        stage: The residual stage to take them from, or a model's last stage if it has fewer; by default each model's
            own stage.

    Raises:
        RunError: The models have different classes.
        ValueError: `explain` is not a class of the models, or the method or stage does not exist.
    """
    check_same_classes([(each.name, each.description.classes) for each in predictors])
    asked = [(each, min(stage, each.stages[-1]) if stage else None) for each in predictors]
    answers = [each.diagnose(scan, explain, method, depth) for each, depth in asked]
    seconds = sum(answer.seconds for answer in answers)
    means = {
        label: float(np.mean([answer.probabilities[label] for answer in answers])) for label in answers[0].probabilities
    }
    label = decide(means, answers[0].positive, joint_point(answers)).label
    explained = explain or label
    for place, (each, depth) in enumerate(asked):
        if answers[place].explained != explained:  # a dissenter, which explained its own decision
            answers[place] = each.diagnose(scan, explained, method, depth)
            seconds += answers[place].seconds
    heatmap: np.ndarray = np.stack([answer.heatmap for answer in answers]).mean(axis=0, dtype=np.float32)
    return Consensus(label, means, explained, heatmap, seconds, tuple(answers))


def joint_point(answers: Sequence[Diagnosis]) -> OperatingPoint:
    """Return how several models decide together: without a threshold if theirs are of different classes."""
    point = mean_point([answer.point for answer in answers], len(answers[0].probabilities))
    same = len({answer.positive for answer in answers}) == 1
    return point if same else point.model_copy(update={"threshold": None})


def check_same_classes(members: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Refuse models that cannot form an ensemble.

    Args:
        members: The name and the classes of each model.

    Raises:
        RunError: They have different classes.
    """
    (first, classes), *others = members
    for name, other in others:
        if set(other) != set(classes):
            raise RunError(
                f"{name} has the classes {', '.join(other)}, but {first} has {', '.join(classes)}: choose models with "
                "the same classes."
            )
