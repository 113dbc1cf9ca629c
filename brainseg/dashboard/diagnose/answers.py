"""The answers of a session: each image is diagnosed once under the same settings."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import streamlit as st

from brainseg.dashboard import models
from brainseg.dashboard.diagnose import samples
from brainseg.dashboard.diagnose.cases import Case
from brainseg.dashboard.diagnose.members import Member, Wishes
from brainseg.diagnosis.ensemble import Consensus, ask
from brainseg.scans import Scan

if TYPE_CHECKING:
    from brainseg.diagnosis.predictor import Diagnosis

MEMORY = 256 * 2**20
"""Bytes of heatmaps that a session keeps."""

Key = tuple[object, ...]


@dataclass(frozen=True)
class Answered:
    """A case, and the answer or the sentence that says why there is none."""

    case: Case
    answer: Diagnosis | Consensus | str

    @property
    def good(self) -> bool:
        """Whether there is an answer."""
        return not isinstance(self.answer, str)


class Answers:
    """Answers by image, models and wishes; those unused for longest go first when there is no room."""

    def __init__(self, memory: int = MEMORY) -> None:
        self.memory = memory
        self._kept: OrderedDict[Key, Diagnosis | Consensus] = OrderedDict()

    def get(self, scan: Scan, members: Sequence[Member], wishes: Wishes) -> Diagnosis | Consensus:
        """Return an answer, asking the models if need be."""
        key = (scan.sha256, tuple(member.version for member in members), *asdict(wishes).values())
        if key not in self._kept:
            predictors = [models.predictor(member.run.id) for member in members]
            self._kept[key] = ask(predictors, scan, **asdict(wishes))
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and sum(map(_bytes, self._kept.values())) > self.memory:
            self._kept.popitem(last=False)
        return self._kept[key]


def answer_all(cases: Sequence[Case], members: Sequence[Member], wishes: Wishes) -> list[Answered]:
    """Answer every case, saying how far it is where there are several."""
    answers = st.session_state.setdefault("answers", Answers())
    readable = [case for case in cases if case.scan]
    bar = st.progress(0.0) if len(readable) > 1 else None
    answered = []
    with st.spinner("Asking the model …" if len(members) == 1 else "Asking the models …", show_time=True):
        for case in cases:
            if bar and case.scan:
                bar.progress(len(answered) / len(cases), f"Image {len(answered) + 1} of {len(cases)}: {case.name}")
            answered.append(Answered(case, answers.get(case.scan, members, wishes) if case.scan else case.error))
    if bar:
        bar.empty()
    return answered


@dataclass(frozen=True)
class Remark:
    """What is known of an image besides the answer, and whether it takes the answer's worth away."""

    sentence: str
    alarming: bool = False


def standing(answered: Answered, members: Sequence[Member]) -> list[Remark]:
    """Say how an image is labelled where that is known, and which models learnt from it."""
    found = [(member, samples.known(member.run, answered.case.scan.sha256)) for member in members]
    found = [(member, sample) for member, sample in found if sample]
    remarks = []
    for label in dict.fromkeys(sample.label for _, sample in found):
        right = label == answered.answer.label
        remarks.append(Remark(f"Labelled: {label}. The answer {'agrees' if right else 'differs'}.", not right))
    if held_out := [member.description.name for member, sample in found if sample.held_out]:
        remarks.append(Remark(f"{', '.join(held_out)} did not learn from this image: it was held out."))
    if learnt := [member.description.name for member, sample in found if not sample.held_out]:
        worth = "so that answer proves" if len(learnt) == 1 else "so those answers prove"
        remarks.append(Remark(f"{', '.join(learnt)} learnt from this very image, {worth} nothing.", True))
    return remarks


def _bytes(answer: Diagnosis | Consensus) -> int:
    maps = answer.members if isinstance(answer, Consensus) else (answer,)
    return answer.heatmap.nbytes + sum(each.heatmap.nbytes + each.cam.nbytes for each in maps)
