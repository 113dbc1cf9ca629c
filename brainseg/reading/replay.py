"""The state of a reader study, which follows from its log alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from brainseg.errors import ReadingError
from brainseg.reading.events import (
    AnswerLocked,
    AnswerRevised,
    CaseShown,
    Event,
    ModelShown,
    ReaderBegan,
    ReaderFinished,
    ResultsShown,
    StudyEnded,
    TruthShown,
)
from brainseg.reading.study import Study


class Step(StrEnum):
    """What a reader has to do next with a case."""

    ANSWER = "answer"
    """Answer alone."""
    MODEL = "model"
    """See the model's answer."""
    REVISE = "revise"
    """Answer again."""
    TRUTH = "truth"
    """See the truth."""
    DONE = "done"


@dataclass
class CaseRecord:
    """What one reader did with one case.

    Attributes:
        shown: When it was shown.
        locked: The answer alone.
        model: The model's answer as it was first shown.
        model_shown: When it was shown.
        revised: The answer after the model's.
        truth_shown: Whether the reader saw the truth.
    """

    shown: list[CaseShown] = field(default_factory=list)
    locked: AnswerLocked | None = None
    model: ModelShown | None = None
    model_shown: list[ModelShown] = field(default_factory=list)
    revised: AnswerRevised | None = None
    truth_shown: bool = False

    def step(self, study: Study) -> Step:
        """Return what comes next in this study."""
        if self.locked is None:
            return Step.ANSWER
        if study.model and self.model is None:
            return Step.MODEL
        if study.model and self.revised is None:
            return Step.REVISE
        return Step.TRUTH if study.teaching and not self.truth_shown else Step.DONE


@dataclass
class ReaderState:
    """One reader.

    Attributes:
        name: The pseudonym.
        order: The reader's order of the cases.
        after_results: Whether the reader began after results of others had been shown.
        records: Case -> what the reader did with it.
        finished: Whether the reader has answered all cases.
    """

    name: str
    order: tuple[str, ...]
    after_results: bool = False
    records: dict[str, CaseRecord] = field(default_factory=dict)
    finished: bool = False

    def record(self, case: str) -> CaseRecord:
        """Return what the reader did with a case."""
        return self.records.setdefault(case, CaseRecord())

    def current(self, study: Study) -> str | None:
        """Return the first case that is not done; None if all are."""
        return next((case for case in self.order if self.record(case).step(study) is not Step.DONE), None)

    def done(self, study: Study) -> list[str]:
        """Return the cases that are done, in the reader's order."""
        return [case for case in self.order if self.record(case).step(study) is Step.DONE]


@dataclass
class StudyState:
    """The state of a study.

    Attributes:
        readers: Pseudonym, ignoring case -> the reader, in the order in which they began.
        ended: Whether somebody ended the study early.
        results_shown: The sittings in which results were shown.
    """

    readers: dict[str, ReaderState] = field(default_factory=dict)
    ended: bool = False
    results_shown: set[str] = field(default_factory=set)

    def reader(self, name: str) -> ReaderState | None:
        """Return a reader by the pseudonym; None if nobody has begun under it."""
        return self.readers.get(name.casefold())

    @property
    def unfinished(self) -> list[ReaderState]:
        """The readers who have begun and not finished."""
        return [reader for reader in self.readers.values() if not reader.finished]

    @property
    def over(self) -> bool:
        """Whether results may be shown: all who began have finished, or the study was ended."""
        return self.ended or (bool(self.readers) and not self.unfinished)


def replay(events: Iterable[Event]) -> StudyState:
    """Return the state that follows from the events of a log.

    Raises:
        ReadingError: A reader did something before beginning, which brainseg never writes.
    """
    state = StudyState()
    for event in events:
        if isinstance(event, ReaderBegan):
            state.readers[event.reader.casefold()] = ReaderState(event.reader, event.order, event.after_results)
        elif isinstance(event, StudyEnded):
            state.ended = True
        elif isinstance(event, ResultsShown):
            state.results_shown.add(event.sitting)
        elif isinstance(event, ReaderFinished):
            _begun(state, event.reader).finished = True
        elif isinstance(event, CaseShown | AnswerLocked | ModelShown | AnswerRevised | TruthShown):
            _record(_begun(state, event.reader).record(event.case), event)
    return state


def _begun(state: StudyState, name: str) -> ReaderState:
    reader = state.reader(name)
    if reader is None:
        raise ReadingError(f"The log has an entry of {name}, who never began: check who wrote to the log.")
    return reader


def _record(record: CaseRecord, event: CaseShown | AnswerLocked | ModelShown | AnswerRevised | TruthShown) -> None:
    if isinstance(event, CaseShown):
        record.shown.append(event)
    elif isinstance(event, AnswerLocked):
        record.locked = event
    elif isinstance(event, ModelShown):
        record.model = record.model or event
        record.model_shown.append(event)
    elif isinstance(event, AnswerRevised):
        record.revised = event
    else:
        record.truth_shown = True
