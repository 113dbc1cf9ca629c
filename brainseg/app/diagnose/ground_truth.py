"""What the models' datasets say about an image: its label, and which models were trained on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from brainseg.app.diagnose.answers import Answered
from brainseg.app.diagnose.cases import Case
from brainseg.app.diagnose.members import Member
from brainseg.app.diagnose.samples import Sample, known
from brainseg.datasets.masks import NO_TUMOUR


@dataclass(frozen=True)
class Remark:
    """A sentence about an image, and whether it makes the answer worthless."""

    sentence: str
    alarming: bool = False


def remarks(answered: Answered, asked: Sequence[Member]) -> list[Remark]:
    """Return the label of an image, if it is known, and which models were trained on the image."""
    found = _found(answered.case, asked)
    labels = dict.fromkeys((member.description.task, sample.label) for member, sample in found)
    compared = [_COMPARE[task](answered, label) for task, label in labels]
    return [*filter(None, compared), *training_membership(found)]


def training_membership(found: Sequence[tuple[Member, Sample]]) -> list[Remark]:
    """Return which models were trained on an image, and which were not.

    Args:
        found: The models whose datasets contain the image, each with its entry there.
    """
    lines = []
    if held_out := [member.description.name for member, sample in found if sample.held_out]:
        trained = "was" if len(held_out) == 1 else "were"
        lines.append(Remark(f"Held out: {' and '.join(held_out)} {trained} not trained on this image."))
    if learnt := [member.description.name for member, sample in found if not sample.held_out]:
        trained, worth = ("was", "its answer proves") if len(learnt) == 1 else ("were", "their answers prove")
        lines.append(Remark(f"{' and '.join(learnt)} {trained} trained on this image: {worth} nothing.", True))
    return lines


def true_label(case: Case, asked: Sequence[Member]) -> str:
    """Return an image's label in the dataset of a chosen model; "" if none of the datasets has the image."""
    return next((sample.label for _, sample in _found(case, asked)), "")


def _found(case: Case, asked: Sequence[Member]) -> list[tuple[Member, Sample]]:
    found = ((member, known(member.run, case.scan.sha256)) for member in asked)
    return [(member, sample) for member, sample in found if sample]


def _compare_class(answered: Answered, label: str) -> Remark | None:
    if answered.answer is None:
        return None
    right = label == answered.answer.label
    return Remark(f"Ground truth: {label}. The prediction is {'correct' if right else 'wrong'}.", not right)


def _compare_mask(answered: Answered, label: str) -> Remark | None:
    """Compare the label with whether the mask is empty."""
    if answered.marked is None:
        return None
    marks = bool(answered.marked.regions)
    mask = "not empty" if marks else "empty"
    if (label != NO_TUMOUR) == marks:
        end = "; its location was not checked" if marks else ""
        return Remark(f"Ground truth: {label}. The mask is {mask}{end}.")
    return Remark(f"Ground truth: {label}, but the mask is {mask}.", True)


_COMPARE = {"classify": _compare_class, "segment": _compare_mask}
"""Task of the model whose dataset has the image -> the function that compares the label with the answer."""
