"""The answers to one image in a few words, the same on pages and in reports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from brainseg.diagnosis.doubts import UNLIKE, decides_words

if TYPE_CHECKING:
    from brainseg.diagnosis.answer import Diagnosis
    from brainseg.diagnosis.ensemble import Consensus
    from brainseg.diagnosis.segmenter import Segmentation

NOT_CERTAIN = "Not certain"
IF_LIKE = "If it were, the answer would be:"
"""Before the answer of a model for an image that is unlike its training images."""
IF_DECIDED = "If it had to decide:"
"""Before an answer that is not certain."""
BOTH_WRONG = "Two models that agree can both be wrong."
NOT_EVALUATED = (
    "These models together were not evaluated on held-out images: `brainseg ensemble` evaluates and stores them."
)
NO_SPACING = "The file does not give the size of a pixel, so lengths and areas are in pixels."


def short_words(answer: Diagnosis | Consensus | None, marked: Segmentation | None) -> str:
    """Return the predicted class with its probability and threshold; without a classifier, how much is marked."""
    if answer:
        value = answer.certainty.write(answer.probabilities[answer.label])
        decides = decides_words(answer).removeprefix("; ")
        return f"{answer.label} · {value}" + (f" ({decides})" if decides else "")
    return f"{marked.area:,.0f} {marked.area_unit} marked" if marked and marked.regions else "Nothing marked"


def joint_warnings(answers: Iterable[Diagnosis | Consensus | Segmentation], contradiction: str) -> tuple[str, ...]:
    """Return what makes the answers to one image doubtful, one sentence each, the most serious first.

    Args:
        answers: Of classifiers, of a segmentation model or of both.
        contradiction: The sentence that they contradict each other; "" if they do not.
    """
    found = dict.fromkeys(sentence for each in answers for sentence in each.warnings)
    unlike = [sentence for sentence in found if sentence.startswith(UNLIKE)]
    others = [sentence for sentence in found if sentence not in unlike]
    return tuple(filter(None, [*unlike, contradiction, *others]))


def members_sentence(answer: Consensus) -> str:
    """Return the range and the standard deviation of the members' probabilities of the predicted class."""
    probabilities = [member.probabilities[answer.label] for member in answer.members]
    write = answer.certainty.write
    return (
        f"They give {answer.label} a score of {write(min(probabilities))} to {write(max(probabilities))}: a range of "
        f"{100 * answer.probability_range[answer.label]:.1f} percentage points, standard deviation "
        f"{100 * answer.deviation[answer.label]:.1f} percentage points."
    )
