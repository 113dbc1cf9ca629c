"""How a model decides, in words: its threshold, which answers are not certain, and what both gave on images."""

from __future__ import annotations

from brainseg.diagnosis.words import percent
from brainseg.models.operating_point import OperatingPoint, ThresholdGoal, uncertain_range
from brainseg.models.proportion import Proportion

_IMAGES = {"validation": "validation images", "out-of-fold": "images of a cross-validation"}


def operating_lines(point: OperatingPoint, positive: str | None, classes: int) -> list[str]:
    """Return sentences on how a model decides, and on what this gave on held-out images.

    Args:
        point: The model's operating point.
        positive: Its positive class; None if it has none.
        classes: Number of its classes.

    Examples:
        >>> operating_lines(OperatingPoint(threshold=0.2), "yes", 2)[0]
        'The model predicts yes from 20.0 % on.'
    """
    return list(filter(None, [threshold_line(point, positive), zone_line(point, positive, classes), _measured(point)]))


def threshold_line(point: OperatingPoint, positive: str | None) -> str:
    """Return the sentence on the threshold, or that there is none."""
    if point.threshold is None:
        return "The model predicts the class with the highest probability."
    return f"The model predicts {positive} from {percent(point.threshold)} on{_reason(point.threshold_goal)}."


def _reason(goal: ThresholdGoal | None) -> str:
    if goal is None or goal.of == "threshold":
        return ""
    if goal.of == "cost":
        return f", chosen so that a missed image costs {goal.value:g} times as much as a false alarm"
    return f", chosen for a {goal.of} of at least {100 * goal.value:g} %"


def zone_line(point: OperatingPoint, positive: str | None, classes: int) -> str:
    """Return the sentence on which answers are not certain; arguments as for `operating_lines`."""
    if not point.margin:
        return "Every answer counts as certain."
    goal = point.margin_goal
    reason = f", chosen for {_of(goal.of)} of at least {100 * goal.value:g} %" if goal and goal.of != "margin" else ""
    if classes == 2:
        low, high = (percent(bound) for bound in uncertain_range(point))
        which = f"between {low} and {high}" + (f" for {positive}" if positive else "")
        return f"Answers {which} are not certain{reason}."
    if point.threshold is None:
        return f"Answers less than {100 * point.margin:.1f} points ahead of the next class are not certain{reason}."
    return (
        f"Answers with a margin below {point.margin:.2f} to the next class, counted from the threshold, are not "
        f"certain{reason}."
    )


def _of(goal: str) -> str:
    return "an accuracy of the certain answers" if goal == "accuracy" else "a fraction of certain answers"


def _measured(point: OperatingPoint) -> str:
    if point.answered is None or point.correct is None:
        return ""
    count = f"{point.answered.count:,}"
    where = {
        "outside": f"{count} {_IMAGES[point.source]}, each decided by a choice that it had no part in",
        "test": f"{count} test images",
        "same": f"{count} {_IMAGES[point.source]}",
    }[point.measured_on]
    parts = [
        f"{name} {_of_images(value)}"
        for name, value in (("sensitivity", point.sensitivity), ("specificity", point.specificity))
        if value is not None
    ]
    parts += [f"certain answers {_of_images(point.answered)}", f"correct ones among them {_of_images(point.correct)}"]
    return f"Measured on {where}: {', '.join(parts)}."


def _of_images(found: Proportion) -> str:
    if not found.count:
        return "not defined (no image)"
    bounds = ""
    if found.interval:
        low, high = found.interval
        bounds = f", 95 % CI {100 * low:.0f} to {100 * high:.0f} %"
    return f"{found.hits:,} of {found.count:,} ({100 * found.hits / found.count:.1f} %{bounds})"
