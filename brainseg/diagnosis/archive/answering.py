"""Answers the files of a journal in batches, and keeps the answers in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from brainseg.diagnosis.archive.journal import Answered, File, Journal
from brainseg.diagnosis.archive.table import FILE
from brainseg.diagnosis.batches import in_batches

STEP = 128
"""Answers that are written into the journal together, a multiple of every size of a batch."""
R = TypeVar("R", covariant=True)


class Row(Protocol[R]):
    """The answer for a file."""

    @property
    def cells(self) -> dict[str, object]:
        """Its cells by column."""

    @property
    def record(self) -> R | None:
        """What the caller wants to know of it; None where there is only an error."""


def answer_pending(
    journal: Journal,
    answer: Callable[[Sequence[Path]], Sequence[Row[R]]],
    failed: Callable[[str], dict[str, object]],
    root: Path,
    batch: int,
    workers: int,
) -> Iterator[list[R | None]]:
    """Answer all files that have no answer yet; yield the records of those that have just been written to the journal.

    A network may round otherwise in another batch. Answers are kept in whole batches, so that each file is answered in
    the same batch, however often the work was interrupted.

    Args:
        journal: The files and their answers.
        answer: Returns the answers for a batch of files; several threads call it.
        failed: Returns the cells for a file that there is no answer for, from the sentence that says why.
        root: The folder of the archive.
        batch: Files of a batch, a divisor of `STEP`.
        workers: Batches that are worked on at the same time; one more is in memory.
    """

    def work(files: Sequence[File]) -> list[tuple[Answered, R | None]]:
        found = iter(answer(known) if (known := [root / file.path for file in files if not file.fault]) else ())
        rows: list[tuple[Answered, R | None]] = []
        for file in files:
            row = None if file.fault else next(found)
            cells = row.cells if row else failed(file.fault)
            record = row.record if row else None
            rows.append((Answered(file.number, record is None, {**cells, FILE: file.path}), record))
        return rows

    step: list[tuple[Answered, R | None]] = []
    for one in in_batches(work, journal.pending(), batch, workers):
        step.append(one)
        if len(step) == STEP:
            yield _kept(journal, step)
            step = []
    if step:
        yield _kept(journal, step)


def _kept(journal: Journal, step: Sequence[tuple[Answered, R | None]]) -> list[R | None]:
    journal.add(answered for answered, _ in step)
    return [record for _, record in step]
