"""The models' answers: under the same settings, each image is diagnosed once per session."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np
import streamlit as st

from brainseg.app import model_cache, state
from brainseg.app.diagnose.cases import Case, Unreadable
from brainseg.app.diagnose.heatmap_options import HeatmapOptions
from brainseg.app.diagnose.members import Classifiers, Member
from brainseg.diagnosis.agreement import Agreement, agreement
from brainseg.diagnosis.doubts import UNLIKE, contradiction, joint_verdict
from brainseg.diagnosis.ensemble import Consensus
from brainseg.diagnosis.joint import diagnose_with
from brainseg.diagnosis.outcome_words import joint_warnings
from brainseg.errors import LimitError
from brainseg.models.ensemble import Ensemble
from brainseg.monitoring import log_answers, record_of
from brainseg.operations.metrics import counted_answer
from brainseg.scans import Scan

if TYPE_CHECKING:
    from brainseg.diagnosis.answer import Diagnosis
    from brainseg.diagnosis.segmenter import Segmentation

MEMORY = 256 * 2**20
"""Most bytes of heatmaps and masks that a session keeps."""

Key = tuple[object, ...]
Kept = TypeVar("Kept", "Diagnosis | Consensus", "Segmentation")


@dataclass(frozen=True)
class Answered:
    """An image and the models' answers, of which there is at least one.

    Attributes:
        case: The image.
        answer: The classifiers' answer; None without a classifier.
        marked: The segmentation model's answer; None without one.
        positive: The classifiers' class that stands for a tumour; None if there is no such class.
    """

    case: Case
    answer: Diagnosis | Consensus | None
    marked: Segmentation | None = None
    positive: str | None = None

    @property
    def answers(self) -> list[Diagnosis | Consensus | Segmentation]:
        """The answers that are not None."""
        return [each for each in (self.answer, self.marked) if each is not None]

    @property
    def in_domain(self) -> bool | None:
        """False if the image is unlike some model's training images; otherwise None if some model cannot tell."""
        return joint_verdict(each.in_domain for each in self.answers)

    @property
    def origin(self) -> str:
        """What the models were trained on, in words."""
        return " ".join(dict.fromkeys(each.origin for each in self.answers))

    @property
    def contradiction(self) -> str:
        """The sentence that classifier and mask contradict each other; "" if they do not."""
        if not (self.marked and self.answer):
            return ""
        return contradiction(self.answer.label, self.positive, bool(self.marked.regions))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What makes the answers doubtful, one sentence each, the most serious first."""
        return joint_warnings(self.answers, self.contradiction)

    @property
    def lead(self) -> str:
        """The most serious doubt in a few words, shown before any class; "" without one."""
        if self.in_domain is False:
            return UNLIKE
        if self.contradiction:
            return "Classifier and mask disagree"
        if isinstance(self.answer, Consensus) and self.answer.dissenters:
            return "Models disagree"
        return "Not certain" if self.answer and not self.answer.decision.certain else ""

    @property
    def decision(self) -> str:
        """The predicted class; without a classifier, whether anything is marked."""
        if self.answer:
            return self.answer.label
        return "something marked" if self.marked and self.marked.regions else "nothing marked"

    @property
    def score(self) -> float:
        """The decision's probability; without a classifier, the marked area."""
        if self.answer:
            return self.answer.probabilities[self.answer.label]
        return self.marked.area if self.marked else 0.0

    @property
    def agreement(self) -> Agreement | None:
        """How far heatmap and mask agree; None unless there are both, and something to compare."""
        return agreement(self.answer.heatmap, self.marked.mask) if self.answer and self.marked else None


class Answers:
    """Answers by image, models and heatmap options; the least recently used are dropped when memory is short."""

    def __init__(self, memory: int = MEMORY) -> None:
        self.memory = memory
        self._kept: OrderedDict[Key, Diagnosis | Consensus | Segmentation] = OrderedDict()
        self._logged: set[tuple[str, str]] = set()

    def classify(
        self, scan: Scan, members: Sequence[Member], options: HeatmapOptions, ensemble: Ensemble | None = None
    ) -> Diagnosis | Consensus:
        """Return the answer of the classifiers, or of a stored ensemble of them; they run only the first time."""
        versions = (ensemble.version if ensemble else "", *(member.version for member in members))
        key = (scan.sha256, versions, *asdict(options).values())

        def ask() -> Diagnosis | Consensus:
            predictors = [model_cache.predictor(member.run.id) for member in members]
            with counted_answer("classify", [member.run.id for member in members]):
                return diagnose_with(predictors, scan, ensemble, **asdict(options))

        return self._get(key, ask)

    def segment(self, scan: Scan, model: Member) -> Segmentation:
        """Return the segmentation model's answer; it runs only the first time."""

        def ask() -> Segmentation:
            segmenter = model_cache.segmenter(model.run.id)
            with counted_answer("segment", [model.run.id]):
                return segmenter.segment(scan)

        return self._get((scan.sha256, model.version), ask)

    def log(self, answered: Answered) -> None:
        """Add the answers to one image to the monitoring log, each only once in this session."""
        new = [each for each in answered.answers if (each.image_sha256, each.digest) not in self._logged]
        self._logged |= {(each.image_sha256, each.digest) for each in new}
        if new:
            log_answers(record_of(each, "page") for each in new)

    def _get(self, key: Key, make: Callable[[], Kept]) -> Kept:
        # A classifier's key ends with three options, a segmentation model's has none: a key has one type of answer.
        found = cast("Kept", self._kept[key]) if key in self._kept else make()
        self._kept[key] = found
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and sum(map(_bytes, self._kept.values())) > self.memory:
            self._kept.popitem(last=False)
        return found


def answer_all(
    cases: Sequence[Case | Unreadable],
    members: Classifiers,
    options: HeatmapOptions,
    segmentation_model: Member | None = None,
) -> list[Answered | Unreadable]:
    """Answer every image that can be read, with a progress bar where there are several.

    Answers to a visitor's own images are added to the monitoring log; those to samples are not.

    Args:
        cases: The images, in the order of the answers.
        members: The classifiers; may be empty if there is a segmentation model.
        options: What the heatmap shows.
        segmentation_model: The model that marks tumours; None for none.
    """
    answers: Answers = st.session_state.setdefault(state.ANSWERS, Answers())
    several = sum(isinstance(case, Case) for case in cases) > 1
    bar = st.progress(0.0) if several else None
    answered: list[Answered | Unreadable] = []
    one = len(members) + bool(segmentation_model) == 1
    with st.spinner("Asking the model …" if one else "Asking the models …", show_time=True):
        for case in cases:
            if isinstance(case, Unreadable):
                answered.append(case)
                continue
            if bar:
                bar.progress(len(answered) / len(cases), f"Image {len(answered) + 1} of {len(cases)}: {case.name}")
            try:
                answered.append(found := _answer(answers, case, members, options, segmentation_model))
            except LimitError as error:  # the other images may have been answered before
                answered.append(Unreadable(case.name, str(error)))
                continue
            if state.SAMPLE not in st.session_state:
                answers.log(found)
    if bar:
        bar.empty()
    return answered


def _answer(
    answers: Answers,
    case: Case,
    members: Classifiers,
    options: HeatmapOptions,
    segmentation_model: Member | None,
) -> Answered:
    return Answered(
        case,
        answers.classify(case.scan, members, options, members.ensemble) if members else None,
        answers.segment(case.scan, segmentation_model) if segmentation_model else None,
        members.positive,
    )


def _bytes(answer: Diagnosis | Consensus | Segmentation) -> int:
    arrays = (value for value in vars(answer).values() if isinstance(value, np.ndarray))
    return sum(array.nbytes for array in arrays) + sum(map(_bytes, getattr(answer, "members", ())))
