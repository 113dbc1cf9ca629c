"""The events of a reader study, as its log keeps them: who saw and answered what, and when.

Cases are named by the SHA-256 of their image, and readers by a pseudonym. There are no file names.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from brainseg import DISCLAIMER, __version__
from brainseg.errors import ReadingError
from brainseg.reading.answers import HIGHEST, LOWEST, Box, ReaderAnswer
from brainseg.reading.study import SCHEMA

Where = Literal["page", "command"]
"""Where somebody asked for something."""


class _Event(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    time: str = ""
    """When it was appended, in UTC, as ISO 8601; the log sets it."""


class StudyCreated(_Event):
    """The study was made; `study_sha256` is the hash of `study.json`."""

    kind: Literal["study created"] = "study created"
    log_schema: int = SCHEMA
    study: str
    study_sha256: str
    cases: int
    bundle_digest: str | None
    teaching: bool
    brainseg: str = __version__
    disclaimer: str = DISCLAIMER


class ReaderBegan(_Event):
    """A reader began: `order` is the reader's own order of the cases."""

    kind: Literal["reader began"] = "reader began"
    reader: str
    order: tuple[str, ...]
    after_results: bool = False
    """Whether the results of others had been shown before."""


class CaseShown(_Event):
    """A reader saw a case; `sitting` is the same for all that was shown without a break."""

    kind: Literal["case shown"] = "case shown"
    reader: str
    case: str
    sitting: str


class AnswerLocked(_Event):
    """A reader answered alone; this answer never changes."""

    kind: Literal["answer locked"] = "answer locked"
    reader: str
    case: str
    finding: str
    confidence: int = Field(ge=LOWEST, le=HIGHEST)
    box: Box | None = None
    seconds: float = Field(ge=0)
    """Since the case was last shown."""

    @property
    def answer(self) -> ReaderAnswer:
        """The answer."""
        return ReaderAnswer(self.finding, self.confidence, self.box)


class ModelShown(_Event):
    """A reader saw the model's answer; see `Diagnosis` for its fields."""

    kind: Literal["model shown"] = "model shown"
    reader: str
    case: str
    sitting: str
    label: str
    probabilities: dict[str, float]
    outcome: str
    calibrated: bool
    threshold: float | None
    in_domain: bool | None
    digest: str


class AnswerRevised(_Event):
    """A reader answered again after the model, perhaps with the same answer."""

    kind: Literal["answer revised"] = "answer revised"
    reader: str
    case: str
    finding: str
    confidence: int = Field(ge=LOWEST, le=HIGHEST)
    seconds: float = Field(ge=0)
    """Since the model's answer was last shown."""


class TruthShown(_Event):
    """A reader saw the truth of a case, in teaching mode."""

    kind: Literal["truth shown"] = "truth shown"
    reader: str
    case: str
    truth: str


class ReaderFinished(_Event):
    """A reader has answered all cases."""

    kind: Literal["reader finished"] = "reader finished"
    reader: str


class StudyEnded(_Event):
    """Somebody ended the study before all who began had finished; nobody can read it any more."""

    kind: Literal["study ended"] = "study ended"
    unfinished: tuple[str, ...]
    where: Where


class ResultsShown(_Event):
    """Somebody saw the results, and with them the truth."""

    kind: Literal["results shown"] = "results shown"
    sitting: str
    where: Where


class Exported(_Event):
    """Somebody exported the answers or the log."""

    kind: Literal["exported"] = "exported"
    what: Literal["answers", "log"]
    where: Where
    disclaimer: str = DISCLAIMER


class LineSetAside(_Event):
    """The end of the log was no whole line: its writer was killed. The bytes are in `file`, beside the log."""

    kind: Literal["line set aside"] = "line set aside"
    file: str
    bytes: int
    sha256: str


Event = (
    StudyCreated
    | ReaderBegan
    | CaseShown
    | AnswerLocked
    | ModelShown
    | AnswerRevised
    | TruthShown
    | ReaderFinished
    | StudyEnded
    | ResultsShown
    | Exported
    | LineSetAside
)
_EVENTS: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])


def event_of(entry: dict[str, Any], number: int) -> Event:
    """Return an entry of a log as an event.

    Args:
        entry: Its fields.
        number: The number of its line, for messages.

    Raises:
        ReadingError: A newer brainseg wrote it, or it is no event.
    """
    try:
        event = _EVENTS.validate_python(entry)
    except ValidationError as error:
        raise ReadingError(
            f"Line {number} of the log is of a kind that this brainseg does not know: install a newer brainseg, or "
            "check who wrote to the log."
        ) from error
    if isinstance(event, StudyCreated) and event.log_schema > SCHEMA:
        raise ReadingError(
            f"The log was written by a newer brainseg (schema {event.log_schema}, and this version reads up to "
            f"{SCHEMA}): install a newer brainseg."
        )
    return event


def fields_of(event: Event) -> dict[str, Any]:
    """Return the fields of an event as values that JSON can hold."""
    return event.model_dump(mode="json")
