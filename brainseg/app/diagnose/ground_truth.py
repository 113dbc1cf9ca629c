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
    """A sentence about an image, and whether it takes the answer's worth away."""

    sentence: str
    alarming: bool = False


def remarks(answered: Answered, asked: Sequence[Member]) -> list[Remark]:
    """Return how an image is labelled where that is known, and which models were trained on it."""
    found = _found(answered.case, asked)
    labels = dict.fromkeys((member.description.task, sample.label) for member, sample in found)
    beside = [_BESIDE[task](answered, label) for task, label in labels]
    return [*filter(None, beside), *training_membership(found)]


def training_membership(found: Sequence[tuple[Member, Sample]]) -> list[Remark]:
    """Return which models were trained on an image, and which were not.

    Args:
        found: Models that have the image in their datasets, with what is known there.
    """
    said = []
    if held_out := [member.description.name for member, sample in found if sample.held_out]:
        trained = "was" if len(held_out) == 1 else "were"
        said.append(Remark(f"Held out: {' and '.join(held_out)} {trained} not trained on this image."))
    if learnt := [member.description.name for member, sample in found if not sample.held_out]:
        trained, worth = ("was", "its answer proves") if len(learnt) == 1 else ("were", "their answers prove")
        said.append(Remark(f"{' and '.join(learnt)} {trained} trained on this very image: {worth} nothing.", True))
    return said


def true_label(case: Case, asked: Sequence[Member]) -> str:
    """Return an image's label in the dataset of a model that is asked; "" where none of them has the image."""
    return next((sample.label for _, sample in _found(case, asked)), "")


def _found(case: Case, asked: Sequence[Member]) -> list[tuple[Member, Sample]]:
    found = ((member, known(member.run, case.scan.sha256)) for member in asked)
    return [(member, sample) for member, sample in found if sample]


def _beside_class(answered: Answered, label: str) -> Remark | None:
    if answered.answer is None:
        return None
    right = label == answered.answer.label
    return Remark(f"Ground truth: {label}. The prediction is {'correct' if right else 'wrong'}.", not right)


def _beside_mask(answered: Answered, label: str) -> Remark | None:
    """Compare a label with whether anything is marked at all."""
    if answered.marked is None:
        return None
    marks = bool(answered.marked.regions)
    mask = "not empty" if marks else "empty"
    if (label != NO_TUMOUR) == marks:
        end = "; its location was not checked" if marks else ""
        return Remark(f"Ground truth: {label}. The mask is {mask}{end}.")
    return Remark(f"Ground truth: {label}, but the mask is {mask}.", True)


_BESIDE = {"classify": _beside_class, "segment": _beside_mask}
"""Task of the model whose dataset has the image -> how its label is compared with the answer."""
