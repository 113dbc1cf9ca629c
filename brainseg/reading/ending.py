"""The end of a study: who is still reading, and what is shown, exported or checked only afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from brainseg.errors import ReadingError
from brainseg.reading.chain import Chain, read_chain
from brainseg.reading.events import Event, Exported, ResultsShown, StudyCreated, StudyEnded, Where, event_of
from brainseg.reading.library import check_created, study_log
from brainseg.reading.log import FILE
from brainseg.reading.replay import StudyState, replay
from brainseg.reading.study import Study
from brainseg.users.policy import Act, acting


@dataclass(frozen=True)
class LogCheck:
    """What a check of a log found.

    Attributes:
        lines: Whole lines that fit the chain.
        head: The hash of the last of them.
        broken: The number of the first broken line, and why, as the end of a sentence; None if all fit.
        incomplete: Bytes of an incomplete last line, which the next entry sets aside.
        contains: Whether a hash that was asked for is in the chain; None if none was.
        changed: Why `study.json` does not belong to the log; "" if it does, or if it was not checked.
    """

    lines: int
    head: str
    broken: tuple[int, str] | None
    incomplete: int
    contains: bool | None = None
    changed: str = ""

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong; an incomplete last line is no fault of the chain."""
        return self.broken is None and self.contains is not False and not self.changed


def study_state(study: Study) -> StudyState:
    """Return the state of a study.

    Raises:
        ReadingError: Its files are damaged or were changed.
    """
    events = study_log(study).events()
    check_created(study, events[0] if events else None)
    return replay(events)


def end_study(study: Study, where: Where) -> StudyState:
    """End a study whose readers have not all finished; nobody can read it any more.

    Raises:
        ReadingError: Nobody has begun, it has ended, or its files cannot be used.
    """

    def decide(events: list[Event]) -> Iterable[Event]:
        state = replay(events)
        if not state.readers:
            raise ReadingError("Nobody has begun to read this study, so there is nothing to end.")
        if state.ended:
            raise ReadingError("This study has ended already: look at its results.")
        yield StudyEnded(unfinished=tuple(reader.name for reader in state.unfinished), where=where)

    with acting(Act.END_STUDY, study.id):
        return replay(study_log(study).append(decide))


def require_over(state: StudyState) -> None:
    """Refuse to show or export what would unblind readers.

    Raises:
        ReadingError: A reader has not finished, or nobody has begun.
    """
    if state.over:
        return
    if not state.readers:
        raise ReadingError("Nobody has read this study yet, so there are no results.")
    names = ", ".join(reader.name for reader in state.unfinished)
    raise ReadingError(
        f"Still reading: {names}. Results, answers and the log would show them the model's answers and the truth: wait "
        "until they have finished, or end the study."
    )


def results_seen(study: Study, sitting: str, where: Where) -> list[Event]:
    """Log that results are shown, once per sitting, and return all events.

    Raises:
        ReadingError: The study is not over, or its files cannot be used.
    """

    def decide(events: list[Event]) -> Iterable[Event]:
        check_created(study, events[0] if events else None)
        state = replay(events)
        require_over(state)
        if sitting not in state.results_shown:
            yield ResultsShown(sitting=sitting, where=where)

    return study_log(study).append(decide)


def log_export(study: Study, what: Literal["answers", "log"], where: Where) -> list[Event]:
    """Log that answers or the log are exported, and return all events.

    Raises:
        ReadingError: The study is not over, or its files cannot be used.
    """

    def decide(events: list[Event]) -> Iterable[Event]:
        check_created(study, events[0] if events else None)
        require_over(replay(events))
        yield Exported(what=what, where=where)

    with acting(Act.EXPORT, study.id):
        return study_log(study).append(decide)


def check_study_log(study: Study, wanted: str = "") -> LogCheck:
    """Check the log of a study, and that `study.json` is the one that it names.

    Args:
        study: The study.
        wanted: A hash that was noted earlier, such as the last one of an exported copy; "" for none.

    Raises:
        ReadingError: The log is missing.
    """
    chain = study_log(study).check()
    changed = ""
    if chain.entries and not chain.broken:
        try:
            check_created(study, event_of(chain.entries[0], 1))
        except ReadingError as error:
            changed = str(error)
    return _check(chain, wanted, changed)


def check_log_file(file: Path, wanted: str = "") -> LogCheck:
    """Check an exported log.

    Args:
        file: The file.
        wanted: As for `check_study_log`.

    Raises:
        ReadingError: The file is missing, or is no log of a reader study.
    """
    try:
        chain = read_chain(file.read_bytes())
    except OSError as error:
        raise ReadingError(f"{file} cannot be read ({error.strerror}): name an exported log.") from error
    if not chain.entries and not chain.broken:
        raise ReadingError(f"{file} holds no line of a log: name an exported log, such as {FILE}.")
    if chain.entries and not isinstance(event_of(chain.entries[0], 1), StudyCreated):
        raise ReadingError(f"{file} does not begin with the making of a study: name an exported log, such as {FILE}.")
    return _check(chain, wanted, "")


def _check(chain: Chain, wanted: str, changed: str) -> LogCheck:
    contains = wanted.lower() in chain.hashes if wanted else None
    return LogCheck(len(chain.entries), chain.head, chain.broken, len(chain.rest), contains, changed)
