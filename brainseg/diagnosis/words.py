"""Wording of probabilities and of a model's accuracy, the same on the command line and on pages."""

from __future__ import annotations

from brainseg.evaluation.caveats import caveats_of
from brainseg.evaluation.stored import Evaluation, as_validation
from brainseg.models.validation import Validation

MOST = 0.9995
"""The largest probability that is written out."""


def percent(probability: float, most: float = MOST) -> str:
    """Write a probability (0..1) in percent with one decimal, but never as 0.0 % or 100.0 %.

    Args:
        probability: The value.
        most: Values from here on become "over ...", and those below 1 - `most` "under ...".

    Examples:
        >>> percent(0.9999), percent(0.9999, 0.99), percent(0.005, 0.99)
        ('over 99.9 %', 'over 99 %', 'under 1 %')
    """
    if probability >= most:
        return f"over {int(1000 * most) / 10:g} %"
    if probability < 1 - most:
        return f"under {round(100 - int(1000 * most) / 10, 1):g} %"
    return f"{100 * probability:.1f} %"


def evaluation_sentence(evaluated: Evaluation | Validation) -> str:
    """Return how often a model was correct on validation or test images, with the interval and the caveats.

    Args:
        evaluated: A run's evaluation, or the field `validation` of a bundle's description. Missing parts are left out.
    """
    validation = as_validation(evaluated)
    phrases = [caveat.phrase for caveat in caveats_of(validation)]
    if (dice := validation.get("dice")) is not None:
        return "; ".join([_overlap(dice, validation), *phrases]) + "."
    count, accuracy = validation.get("count"), validation.get("accuracy")
    if not count or accuracy is None:
        return "It is not known how often this model is correct."
    interval = validation.get("accuracy_interval")
    bounds = f" (95 % CI {100 * interval[0]:.0f} to {100 * interval[1]:.0f} %)" if interval else ""
    right = round(accuracy * count)
    found = f"Correct on {right} of {count} held-out images: {100 * right / count:.0f} %{bounds}"
    return "; ".join([found, *phrases]) + "."


def _overlap(dice: float, validation: Validation) -> str:
    interval = validation.get("dice_interval")
    bounds = f" (95 % CI {interval[0]:.2f} to {interval[1]:.2f})" if interval else ""
    patients = f" of {validation.get('patients')} patients" if validation.get("unit") == "patient" else ""
    slices = f"{validation.get('count')} held-out slices{patients}"
    return f"Dice {dice:.2f}{bounds} against the reference masks of {slices}"
