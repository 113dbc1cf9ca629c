"""A reader's answer to one case, and how it becomes a score.

The confidence has 100 steps. Rockette et al. (1992), Invest. Radiol. 27, 169-172, found the same areas under the ROC
curve with a scale of five categories and a continuous one, and recommend the continuous one. Hadjiiski et al. (2007),
Acad. Radiol. 14, 38-48, compared scales of 6 to 101 points with five categories: the five could leave the middle of
the curve without operating points, and for some readers gave data to which no curve could be fitted. A study here has a
few dozen cases, for which five categories would give many ties.

The confidence is in the chosen class, from 1 (a guess) to 100 (certain): so the class and the score never contradict
each other, and the answer also gives one clear operating point.
"""

from __future__ import annotations

from dataclasses import dataclass

from brainseg.errors import ReadingError

LOWEST, HIGHEST = 1, 100
"""The confidence of a guess, and that of a reader who is certain."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom edge in pixels of the image, from its upper left corner."""


@dataclass(frozen=True)
class ReaderAnswer:
    """What a reader says about a case.

    Attributes:
        finding: The chosen class.
        confidence: How sure the reader is of it, `LOWEST` to `HIGHEST`.
        box: Where the finding is; None if the reader drew no box.
    """

    finding: str
    confidence: int
    box: Box | None = None


def check_answer(answer: ReaderAnswer, classes: tuple[str, ...]) -> None:
    """Refuse an answer that is no answer to the study's question.

    Raises:
        ReadingError: The class or the confidence is not one of those that are offered.
    """
    if answer.finding not in classes:
        raise ReadingError(f"{answer.finding!r} is not a class of this study: choose {' or '.join(classes)}.")
    if not isinstance(answer.confidence, int) or not LOWEST <= answer.confidence <= HIGHEST:
        raise ReadingError(
            f"The confidence {answer.confidence!r} is not allowed: give a whole number from {LOWEST} to {HIGHEST}."
        )


def check_box(box: Box, width: int, height: int) -> None:
    """Refuse a box that is not in the image, or has no area.

    Args:
        box: The box.
        width: That of the image, in pixels.
        height: That of the image, in pixels.

    Raises:
        ReadingError: It is not.
    """
    left, top, right, bottom = box
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):  # also false for values that are no numbers
        raise ReadingError(
            f"The box must be in the image, which is {width} x {height} pixels, and have an area: draw it again."
        )


def positive_score(finding: str, confidence: int, positive: str) -> float:
    """Return an answer as a score of the positive class, 0..1: above 0.5 exactly if that class was chosen.

    Examples:
        >>> positive_score("yes", 100, "yes"), positive_score("no", 100, "yes"), positive_score("yes", 1, "yes")
        (1.0, 0.0, 0.505)
    """
    half = confidence / HIGHEST / 2
    return 0.5 + half if finding == positive else 0.5 - half
