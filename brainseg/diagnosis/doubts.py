"""Sentences on what makes an answer doubtful; the same on pages, on the command line and in files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from brainseg.diagnosis.methods import METHODS
from brainseg.diagnosis.words import percent
from brainseg.models.validation import Validation

if TYPE_CHECKING:
    from brainseg.diagnosis.answer import Diagnosis
    from brainseg.diagnosis.ensemble import Consensus

UNCERTAIN = "not certain"
"""The outcome of an answer whose classes are too close to call, or whose models disagree."""
UNLIKE_OUTCOME = "not like the training images"
UNLIKE = "Not like the images this model was trained on"


def doubts_of(answer: Diagnosis | Consensus, *more: str) -> tuple[str, ...]:
    """Return sentences on what makes an answer doubtful, most serious first; `more` come before the model's own."""
    found = (
        unlike_sentence(answer.reasons) if answer.in_domain is False else "",
        close_call(answer),
        *more,
        empty_heatmap(answer),
        *answer.model_doubts,
    )
    return tuple(filter(None, found))


def joint_verdict(found: Iterable[bool | None]) -> bool | None:
    """Return one `in_domain` for several models: False if any is False, else None if any is None, else True."""
    known = set(found)
    return next((value for value in (False, None) if value in known), True)


def unlike_sentence(reasons: Sequence[str]) -> str:
    """Return the sentence that an image is unlike a model's training images, with the reasons."""
    return f"{UNLIKE}: {'; '.join(reasons)}." if reasons else f"{UNLIKE}."


def close_call(answer: Diagnosis | Consensus) -> str:
    """Return the sentence that a decision is too close to call; "" if it is not."""
    if answer.decision.certain:
        return ""
    write, point = answer.certainty.write, answer.point
    if point.threshold is not None and answer.positive:
        value = f"{answer.positive} {write(answer.probabilities[answer.positive])}"
        return f"Not certain: {value} is close to the threshold of {percent(point.threshold)}."
    ranked = sorted(answer.probabilities.items(), key=lambda item: -item[1])[:2]
    both = " and ".join(f"{name} {write(probability)}" for name, probability in ranked)
    return f"Not certain: {both} are close together."


def decides_words(answer: Diagnosis | Consensus) -> str:
    """Return the threshold in a few words, after a semicolon; "" if the highest probability decides."""
    threshold = answer.point.threshold
    return "" if threshold is None else f"; {answer.positive} from {percent(threshold)} on"


def outcome_of(answer: Diagnosis | Consensus, disagree: bool = False) -> str:
    """Return the predicted class, `UNCERTAIN` or `UNLIKE_OUTCOME`: what a reader may take from an answer.

    Args:
        answer: The answer.
        disagree: Whether members of an ensemble predict different classes.
    """
    if answer.in_domain is False:
        return UNLIKE_OUTCOME
    return UNCERTAIN if disagree or not answer.decision.certain else answer.label


def model_doubts(validation: Validation, classes: int) -> tuple[str, ...]:
    """Return sentences if a classifier was not tested, or is not shown to be better than chance.

    Args:
        validation: The field `validation` of a bundle's description.
        classes: The number of classes.
    """
    count, accuracy = validation.get("count"), validation.get("accuracy")
    if not count or accuracy is None:
        return ("This model was not tested on held-out images.",)
    interval = validation.get("accuracy_interval")
    if better_than_chance(interval[0] if interval else None, validation.get("chance") or 1 / classes):
        return ()
    right = round(accuracy * count)
    return (f"This model is not shown to be better than chance: it was correct on {right} of {count} held-out images.",)


def better_than_chance(low: float | None, chance: float) -> bool:
    """Return whether the lower bound of an accuracy's interval is above the accuracy of always predicting one class."""
    return low is None or low > chance


def empty_heatmap(answer: Diagnosis | Consensus) -> str:
    """Return the sentence for an empty heatmap; "" for any other, and where none was drawn."""
    if not answer.heatmap.size or answer.heatmap.any():
        return ""
    if METHODS[answer.method].of_a_class:
        return f"The heatmap is empty: no region raised the score of class {answer.explained}."
    return "The heatmap is empty: the layer shows no pattern."


def contradiction(label: str, positive: str | None, marks: bool) -> str:
    """Return the sentence that only one of two models finds a tumour; "" if they agree or this is not known.

    Args:
        label: The classifiers' decision.
        positive: Their class that stands for a tumour; None if there is none.
        marks: Whether the segmentation model marks anything.
    """
    if positive is None or (label == positive) == marks:
        return ""
    does = "marks a tumour" if marks else "marks none"
    return f"The models disagree: the classifier predicts {label}, but the segmentation model {does}."
