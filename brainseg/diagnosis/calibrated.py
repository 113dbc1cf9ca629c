"""How far a model's probabilities can be trusted, in words, and what may be written of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from brainseg.diagnosis.words import MOST, percent
from brainseg.models.calibration import Calibration, CalibrationState, NotCalibrated, Obstacle, sets_of

SCORE_LIMIT = 0.99
"""The largest score of a network without calibration that is written out."""


@dataclass(frozen=True)
class Certainty:
    """How the probabilities of an answer are to be read and written.

    Attributes:
        states: The calibration of the model or of the stored ensemble that answered; of models that were only chosen
            together, that of each.
    """

    states: tuple[CalibrationState, ...]

    @property
    def calibrated(self) -> bool:
        """Whether the probabilities are calibrated. Those of models that were only chosen together are not."""
        return self.count is not None

    @property
    def count(self) -> int | None:
        """The number of images that the probabilities were calibrated on; None if they are not calibrated."""
        only = self.states[0] if len(self.states) == 1 else None
        return only.count if isinstance(only, Calibration) else None

    @property
    def noun(self) -> str:
        """What a value is called: "probability" if it is calibrated, otherwise "score"."""
        return "probability" if self.calibrated else "score"

    @property
    def short(self) -> str:
        """The basis in a few words: "calibrated on 128 images", or "not calibrated"."""
        return basis(self.count)

    def write(self, probability: float) -> str:
        """Write a probability or score (0..1) in percent; see `write_value`."""
        return write_value(probability, self.count)

    @property
    def sentences(self) -> list[str]:
        """Sentences on the calibration, or on why there is none."""
        if len(self.states) == 1:
            return [calibration_sentence(self.states[0])]
        calibrated = sum(isinstance(state, Calibration) for state in self.states)
        return [
            f"The mean of {len(self.states)} models is a score, not a calibrated probability; {calibrated} of the "
            "models are calibrated on their own."
        ]


def basis(count: int | None) -> str:
    """Return what probabilities are based on, in a few words; `count` is the number of images of the calibration."""
    return f"calibrated on {count:,} images" if count is not None else "not calibrated"


def write_value(probability: float, count: int | None = None) -> str:
    """Write a probability or score (0..1) in percent, but no closer to 0 or 1 than its calibration supports.

    If a probability came true for n images out of n, it fails for the next one with a probability of 1 / (n + 2) by
    Laplace's rule of succession: n images support no value closer to 1.

    Args:
        probability: The value.
        count: The number of images that it was calibrated on; None for a score without calibration.

    Examples:
        >>> write_value(0.9999), write_value(0.9999, 128), write_value(0.62, 128)
        ('over 99 %', 'over 99.2 %', '62.0 %')
    """
    return percent(probability, SCORE_LIMIT if count is None else min(MOST, 1 - 1 / (count + 2)))


def joint_certainty(certainties: Iterable[Certainty]) -> Certainty:
    """Return the certainty of the mean of several models."""
    return Certainty(tuple(state for each in certainties for state in each.states))


def calibration_sentence(state: CalibrationState) -> str:
    """Return a sentence on a model's calibration, or on why there is none.

    Examples:
        >>> calibration_sentence(Calibration(temperature=1.5, count=128, wrong=12))
        'The probabilities are calibrated on 128 images of the validation set (temperature 1.50).'
    """
    if isinstance(state, Calibration):
        source = "images of the validation set" if state.source == "validation" else "images of a cross-validation"
        return f"The probabilities are calibrated on {state.count:,} {source} (temperature {state.temperature:.2f})."
    if isinstance(state, NotCalibrated):
        return f"The scores are not calibrated: {_WHY[state.obstacle].format(**state.model_dump())}."
    return "The scores are not calibrated: the model is of an earlier version of brainseg, so calibrate its run."


def set_sentence(classes: Sequence[str] | None, state: CalibrationState) -> str:
    """Return the sentence on an answer's prediction set; "" without one.

    Args:
        classes: The classes in the set.
        state: The calibration of the model.
    """
    sets = sets_of(state)
    if classes is None or sets is None:
        return ""
    found = sets.covered
    return (
        f"Prediction set for a coverage of at least {100 * sets.coverage:g} %: {' or '.join(classes)}. On "
        f"{found.hits:,} of {found.count:,} held-out images, the set contained the true class."
    )


_WHY = {
    Obstacle.IMAGES: "calibration needs {needed} held-out images, and there are {found}",
    Obstacle.GROUPS: "calibration needs images of {needed} patients, and the {count} held-out images are of {found}",
    Obstacle.WRONG: "calibration needs {needed} wrong answers, and {found} of {count} held-out images have one",
    Obstacle.RIGHT: "calibration needs {needed} correct answers, and {found} of {count} held-out images have one",
}
