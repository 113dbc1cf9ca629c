"""The answers of a session: each image is diagnosed once under the same settings."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import streamlit as st

from brainseg.dashboard import models
from brainseg.dashboard.diagnose import samples
from brainseg.dashboard.diagnose.cases import Case
from brainseg.dashboard.diagnose.members import Member, Wishes
from brainseg.datasets.masks import NO_TUMOUR
from brainseg.diagnosis.agreement import Agreement, agreement
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
    """

    case: Case
    answer: Diagnosis | Consensus | str | None
    marked: Segmentation | None = None

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
    return Answered(case, answer, answers.mark(case.scan, marker) if marker else None)


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
        remarks.append(Remark(f"{', '.join(held_out)} did not learn from this image: it was held out."))
    if learnt := [member.description.name for member, sample in found if not sample.held_out]:
        worth = "so that answer proves" if len(learnt) == 1 else "so those answers prove"
        remarks.append(Remark(f"{', '.join(learnt)} learnt from this very image, {worth} nothing.", True))
    return remarks


def _beside_label(answered: Answered, task: str, label: str) -> Remark:
    """Compare a dataset's label with the answer, or with whether anything is marked at all."""
    if task == "classify":
        right = label == answered.answer.label
        return Remark(f"Labelled: {label}. The answer {'agrees' if right else 'differs'}.", not right)
    marks = bool(answered.marked.regions)
    right = (label != NO_TUMOUR) == marks
    said = (
        f"Labelled: {label}. {'Something' if marks else 'Nothing'} is marked, which {'agrees' if right else 'differs'}"
    )
    return Remark(f"{said}{'; whether in the right place was not compared' if marks and right else ''}.", not right)


def _bytes(answer: Diagnosis | Consensus | Segmentation) -> int:
    arrays = (value for value in vars(answer).values() if isinstance(value, np.ndarray))
    return sum(array.nbytes for array in arrays) + sum(map(_bytes, getattr(answer, "members", ())))
