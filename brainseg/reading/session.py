"""`ReaderSession`: one reader's way through a study. It refuses whatever is out of order, and logs all else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from brainseg.errors import ReadingError
from brainseg.reading.answers import ReaderAnswer, check_answer, check_box
from brainseg.reading.events import (
    AnswerLocked,
    AnswerRevised,
    CaseShown,
    Event,
    ReaderBegan,
    ReaderFinished,
    TruthShown,
)
from brainseg.reading.images import read_case
from brainseg.reading.library import check_created, study_log
from brainseg.reading.model import ask_model, shown_event
from brainseg.reading.replay import CaseRecord, ReaderState, Step, StudyState, replay
from brainseg.reading.sampling import order_for
from brainseg.reading.study import Study
from brainseg.scans import Scan, display_name

if TYPE_CHECKING:
    from brainseg.reading.model import Ask, ModelAnswer

LONGEST_PSEUDONYM = 30
ADVICE = "Choose a pseudonym, not your real name: it is stored with your answers and appears in exports."
_WHY = {
    Step.ANSWER: "it has no locked answer yet",
    Step.MODEL: "its answer is locked, and the model's answer comes next",
    Step.REVISE: "the model's answer is shown, and the answer after it comes next",
    Step.TRUTH: "both answers are given, and the truth comes next",
    Step.DONE: "it is done, and its answers never change",
}


class ReaderSession:
    """One reader of one study.

    Args:
        study: The study.
        reader: The pseudonym; upper and lower case do not matter.
        sitting: A text that is the same for all that the reader sees without a break, such as one visit of a page.

    Raises:
        ReadingError: The pseudonym is not allowed.
    """

    def __init__(self, study: Study, reader: str, sitting: str) -> None:
        self.study, self.reader, self.sitting = study, checked_pseudonym(reader), sitting
        self._log = study_log(study)

    def begin(self) -> ReaderState:
        """Begin, or continue where the reader stopped.

        Raises:
            ReadingError: The study has ended, or its files cannot be used.
        """

        def decide(events: list[Event]) -> Iterable[Event]:
            check_created(self.study, events[0] if events else None)
            state = replay(events)
            if (known := state.reader(self.reader)) is not None:
                return self._finish(known)
            _refuse_ended(state)
            order = order_for(tuple(case.sha256 for case in self.study.cases), self.study.seed, self.reader)
            return [ReaderBegan(reader=self.reader, order=order, after_results=bool(state.results_shown))]

        return self._own(replay(self._log.append(decide)))

    def state(self) -> ReaderState:
        """Return where the reader is.

        Raises:
            ReadingError: The reader has not begun, or the study's files cannot be used.
        """
        events = self._log.events()
        check_created(self.study, events[0] if events else None)
        return self._own(replay(events))

    def show(self) -> Scan | None:
        """Show the current case; None if the reader has finished. A case is logged once per sitting.

        Raises:
            ReadingError: The study has ended, the image cannot be used, or the study's files cannot.
        """
        case = self.state().current(self.study)
        if case is None:
            return None
        scan = read_case(self.study, self.study.case(case))

        def decide(record: CaseRecord) -> Iterable[Event]:
            if record.shown and record.shown[-1].sitting == self.sitting:
                return []
            return [CaseShown(reader=self.reader, case=case, sitting=self.sitting)]

        self._append(case, tuple(Step), decide)
        return scan

    def lock(self, case: str, answer: ReaderAnswer) -> ReaderState:
        """Lock the answer that the reader gives alone.

        Args:
            case: The current case, by its hash.
            answer: The answer.

        Raises:
            ReadingError: It is not the turn of this answer, or it is no answer to the question.
        """
        check_answer(answer, self.study.classes)
        if answer.box and any(case == each.sha256 for each in self.study.cases):
            height, width = read_case(self.study, self.study.case(case)).pixels.shape[:2]
            check_box(answer.box, width, height)

        def decide(record: CaseRecord) -> Iterable[Event]:
            if not record.shown:
                raise ReadingError("This case has not been shown yet: open it before you answer.")
            yield AnswerLocked(
                reader=self.reader,
                case=case,
                finding=answer.finding,
                confidence=answer.confidence,
                box=answer.box,
                seconds=_since(record.shown[-1].time),
            )

        return self._append(case, (Step.ANSWER,), decide)

    def show_model(self, case: str, ask: Ask) -> ModelAnswer:
        """Show the model's answer; the model is not asked before the reader's answer is locked.

        Args:
            case: The current case, by its hash.
            ask: Asks the model.

        Raises:
            ReadingError: The answer is not locked, the study has no model, or another version of it answered.
        """
        allowed = (Step.MODEL, Step.REVISE)
        self._check(replay(self._log.events()), case, allowed)
        answer = ask_model(self.study, read_case(self.study, self.study.case(case)), ask)

        def decide(record: CaseRecord) -> Iterable[Event]:
            if not record.model_shown or record.model_shown[-1].sitting != self.sitting:
                yield shown_event(self.reader, case, self.sitting, answer)

        self._append(case, allowed, decide)
        return answer

    def revise(self, case: str, finding: str, confidence: int) -> ReaderState:
        """Lock the answer that the reader gives after the model's, perhaps the same again.

        Args:
            case: The current case, by its hash.
            finding: The chosen class.
            confidence: How sure the reader is of it.

        Raises:
            ReadingError: It is not the turn of this answer, or it is no answer to the question.
        """
        check_answer(ReaderAnswer(finding, confidence), self.study.classes)

        def decide(record: CaseRecord) -> Iterable[Event]:
            seconds = _since(record.model_shown[-1].time)
            yield AnswerRevised(reader=self.reader, case=case, finding=finding, confidence=confidence, seconds=seconds)

        return self._append(case, (Step.REVISE,), decide)

    def show_truth(self, case: str) -> str:
        """Show and return the truth of a case, in teaching mode.

        Raises:
            ReadingError: The study does not teach, or the reader has not answered.
        """
        truth = self.study.case(case).truth if self.study.teaching else ""
        self._append(case, (Step.TRUTH,), lambda _: [TruthShown(reader=self.reader, case=case, truth=truth)])
        return truth

    def _append(
        self, case: str, allowed: tuple[Step, ...], decide: Callable[[CaseRecord], Iterable[Event]]
    ) -> ReaderState:
        """Append what `decide` returns if the case is the current one and its next step is allowed."""

        def checked(events: list[Event]) -> Iterable[Event]:
            own = self._check(replay(events), case, allowed)
            new = list(decide(own.record(case)))
            return [*new, *self._finish(self._own(replay([*events, *new])))]

        return self._own(replay(self._log.append(checked)))

    def _check(self, state: StudyState, case: str, allowed: tuple[Step, ...]) -> ReaderState:
        own = self._own(state)
        _refuse_ended(state)
        step = own.record(case).step(self.study) if case in own.order else None
        if step is None or step not in allowed:
            why = _WHY[step] if step else "it is not a case of this study"
            raise ReadingError(f"This step is out of order for the case {case[:8]}: {why}. Reload the page.")
        if case != (current := own.current(self.study)):
            raise ReadingError(
                f"The case {case[:8]} is not the current one, which is {(current or 'none')[:8]}: reload the page."
            )
        return own

    def _own(self, state: StudyState) -> ReaderState:
        own = state.reader(self.reader)
        if own is None:
            raise ReadingError(f"{self.reader} has not begun to read this study: begin first.")
        return own

    def _finish(self, own: ReaderState) -> list[Event]:
        """Return the event that the reader has finished, if that has just become true."""
        if own.finished or own.current(self.study) is not None:
            return []
        return [ReaderFinished(reader=own.name)]


def checked_pseudonym(reader: str) -> str:
    """Return a pseudonym without unnecessary spaces.

    Raises:
        ReadingError: It is not allowed.
    """
    name = " ".join(reader.split())
    if not name or len(name) > LONGEST_PSEUDONYM or not re.fullmatch(r"\w[\w .-]*", name):
        raise ReadingError(
            f"{display_name(name)!r} cannot be a pseudonym: use 1 to {LONGEST_PSEUDONYM} letters, digits, spaces and "
            "the signs . - _, and begin with a letter or digit."
        )
    return name


def _refuse_ended(state: StudyState) -> None:
    if state.ended:
        raise ReadingError("This study has ended, so nobody can answer any more: look at its results.")


def _since(time: str) -> float:
    passed = datetime.now(UTC) - datetime.fromisoformat(time)
    return round(max(0.0, passed.total_seconds()), 3)
