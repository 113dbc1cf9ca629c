"""The answers of a session: each image is diagnosed once under the same settings."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import streamlit as st

from brainseg.app import model_cache as models
from brainseg.app.diagnose import samples
from brainseg.app.diagnose.cases import Case
from brainseg.app.diagnose.members import Member, Wishes
from brainseg.datasets.masks import NO_TUMOUR
from brainseg.diagnosis.agreement import Agreement, agreement
from brainseg.diagnosis.doubts import UNLIKE, among, contradiction, is_close
from brainseg.diagnosis.ensemble import Consensus, ask
from brainseg.scans import Scan

if TYPE_CHECKING:
    from brainseg.diagnosis.predictor import Diagnosis
    from brainseg.diagnosis.segmenter import Segmentation

MEMORY = 256 * 2**20
"""Bytes of heatmaps that a session keeps."""

Key = tuple[object, ...]
Kept = TypeVar("Kept")


@dataclass(frozen=True)
class Answered:
    """A case, and what models say of it.

    Attributes:
        case: The image.
        answer: Of the classifiers; None where none was asked, or the sentence that says why nothing was.
        marked: What a segmentation model marked; None where none was asked.
        positive: The classifiers' class that stands for a tumour; None where there is no such one.
    """

    case: Case
    answer: Diagnosis | Consensus | str | None
    marked: Segmentation | None = None
    positive: str | None = None

    @property
    def asked(self) -> list[Diagnosis | Consensus | Segmentation]:
        """The answers that there are."""
        return [each for each in (self.answer, self.marked) if each is not None and not isinstance(each, str)]

    @property
    def in_domain(self) -> bool | None:
        """False where any model does not know such images, None where some cannot tell and none objects."""
        return among(each.in_domain for each in self.asked)

    @property
    def origin(self) -> str:
        """What the models were trained on, in words."""
        return " ".join(dict.fromkeys(each.origin for each in self.asked))

    @property
    def contradiction(self) -> str:
        """That classifier and mask contradict each other; "" where they do not."""
        if not (self.marked and self.answer and self.good):
            return ""
        return contradiction(self.answer.label, self.positive, bool(self.marked.regions))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What makes the answers doubtful, a sentence each, the gravest first."""
        said = dict.fromkeys(sentence for each in self.asked for sentence in each.warnings)
        unlike = [sentence for sentence in said if sentence.startswith(UNLIKE)]
        others = [sentence for sentence in said if sentence not in unlike]
        return tuple(filter(None, [*unlike, self.contradiction, *others]))

    @property
    def lead(self) -> str:
        """The gravest doubt in a few words, to stand before any class; "" without one."""
        if self.in_domain is False:
            return UNLIKE
        if self.contradiction:
            return "Classifier and mask disagree"
        if isinstance(self.answer, Consensus) and self.answer.dissenters:
            return "Models disagree"
        return "Not certain" if self.answer and self.good and is_close(self.answer.probabilities) else ""

    @property
    def good(self) -> bool:
        """Whether there is an answer."""
        return not isinstance(self.answer, str)

    @property
    def agreement(self) -> Agreement | None:
        """How far heatmap and mask agree; None where there are not both, or nothing to compare."""
        return agreement(self.answer.heatmap, self.marked.mask) if self.answer and self.marked else None


class Answers:
    """Answers by image, models and wishes; those unused for longest go first when there is no room."""

    def __init__(self, memory: int = MEMORY) -> None:
        self.memory = memory
        self._kept: OrderedDict[Key, Diagnosis | Consensus | Segmentation] = OrderedDict()

    def get(self, scan: Scan, members: Sequence[Member], wishes: Wishes) -> Diagnosis | Consensus:
        """Return an answer, asking the models if need be."""
        key = (scan.sha256, tuple(member.version for member in members), *asdict(wishes).values())
        return self._get(
            key, lambda: ask([models.predictor(member.run.id) for member in members], scan, **asdict(wishes))
        )

    def mark(self, scan: Scan, marker: Member) -> Segmentation:
        """Return a mask, asking the segmentation model if need be."""
        return self._get((scan.sha256, marker.version), lambda: models.segmenter(marker.run.id).segment(scan))

    def _get(self, key: Key, make: Callable[[], Kept]) -> Kept:
        found = self._kept.get(key) or make()
        self._kept[key] = found
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and sum(map(_bytes, self._kept.values())) > self.memory:
            self._kept.popitem(last=False)
        return found


def answer_all(
    cases: Sequence[Case], members: Sequence[Member], wishes: Wishes, marker: Member | None = None
) -> list[Answered]:
    """Answer every case, saying how far it is where there are several."""
    answers = st.session_state.setdefault("answers", Answers())
    readable = [case for case in cases if case.scan]
    bar = st.progress(0.0) if len(readable) > 1 else None
    answered = []
    asked = len(members) + bool(marker)
    with st.spinner("Asking the model …" if asked == 1 else "Asking the models …", show_time=True):
        for case in cases:
            if bar and case.scan:
                bar.progress(len(answered) / len(cases), f"Image {len(answered) + 1} of {len(cases)}: {case.name}")
            answered.append(_answer(answers, case, members, wishes, marker))
    if bar:
        bar.empty()
    return answered


def _answer(answers: Answers, case: Case, members: Sequence[Member], wishes: Wishes, marker: Member | None) -> Answered:
    if not case.scan:
        return Answered(case, case.error)
    answer = answers.get(case.scan, members, wishes) if members else None
    positive = members[0].description.positive if members else None
    return Answered(case, answer, answers.mark(case.scan, marker) if marker else None, positive)


@dataclass(frozen=True)
class Remark:
    """What is known of an image besides the answer, and whether it takes the answer's worth away."""

    sentence: str
    alarming: bool = False


def standing(answered: Answered, asked: Sequence[Member]) -> list[Remark]:
    """Say how an image is labelled where that is known, and which models learnt from it."""
    found = [(member, samples.known(member.run, answered.case.scan.sha256)) for member in asked]
    found = [(member, sample) for member, sample in found if sample]
    remarks = []
    for task, label in dict.fromkeys((member.description.task, sample.label) for member, sample in found):
        remarks.append(_beside_label(answered, task, label))
    if held_out := [member.description.name for member, sample in found if sample.held_out]:
        trained = "was" if len(held_out) == 1 else "were"
        remarks.append(Remark(f"Held out: {' and '.join(held_out)} {trained} not trained on this image."))
    if learnt := [member.description.name for member, sample in found if not sample.held_out]:
        trained, worth = ("was", "its answer proves") if len(learnt) == 1 else ("were", "their answers prove")
        remarks.append(Remark(f"{' and '.join(learnt)} {trained} trained on this very image: {worth} nothing.", True))
    return remarks


def true_label(case: Case, asked: Sequence[Member]) -> str:
    """Return how an image is labelled in the dataset of a model that is asked, if it is in there; else ""."""
    if case.scan is None:
        return ""
    found = (samples.known(member.run, case.scan.sha256) for member in asked)
    return next((sample.label for sample in found if sample), "")


def _beside_label(answered: Answered, task: str, label: str) -> Remark:
    """Compare a dataset's label with the answer, or with whether anything is marked at all."""
    if task == "classify":
        right = label == answered.answer.label
        return Remark(f"Ground truth: {label}. The prediction is {'correct' if right else 'wrong'}.", not right)
    marks = bool(answered.marked.regions)
    right = (label != NO_TUMOUR) == marks
    mask = "not empty" if marks else "empty"
    if right:
        end = "; its location was not checked" if marks else ""
        return Remark(f"Ground truth: {label}. The mask is {mask}{end}.")
    return Remark(f"Ground truth: {label}, but the mask is {mask}.", True)


def _bytes(answer: Diagnosis | Consensus | Segmentation) -> int:
    arrays = (value for value in vars(answer).values() if isinstance(value, np.ndarray))
    return sum(array.nbytes for array in arrays) + sum(map(_bytes, getattr(answer, "members", ())))
