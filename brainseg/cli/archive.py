"""`predict --archive`: answer every file of a folder tree exactly once, and write the answers into one file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from brainseg import DISCLAIMER, __version__
from brainseg.cli.archive_plan import ArchivePlan
from brainseg.cli.archive_progress import ArchiveProgress, peak_memory
from brainseg.cli.output import ANSWERS, NOTES, print_json
from brainseg.cli.prediction import Answering, Request
from brainseg.errors import ConfigError
from brainseg.files import check_free_space
from brainseg.models.export.names import computed_with

if TYPE_CHECKING:
    from brainseg.diagnosis.archive.journal import Counts, Journal

SOME_FAILED = 1
INTERRUPTED = 130
BYTES_PER_FILE = 4000
"""Space that the answer for a file takes, as a rule at most, while journal and output are both there."""
COMPARED = {"digest": "run", "backend": "backend", "version": "version of brainseg", "columns": "set of columns"}
"""Stored fact -> its name in sentences; answers are continued only where all of these are the same."""
SHOWN = 40
"""Letters of a fact that a sentence shows."""


@dataclass(frozen=True)
class Done:
    """What a command did: counts of all files, how many it answered itself, and in how many seconds."""

    counts: Counts
    answered_now: int
    seconds: float

    @property
    def rate(self) -> float:
        """Files per second, from the start of the command to its end."""
        return self.answered_now / self.seconds if self.seconds else 0.0


def predict_archive(
    opened: Callable[[list[Path], Request], Answering],
    bundles: list[Path],
    request: Request,
    plan: ArchivePlan,
    *,
    as_json: bool,
) -> None:
    """Answer every file of an archive, and print the summary.

    Args:
        opened: Opens the models of the bundles.
        bundles: The models of `--run`.
        request: The other options.
        plan: What is answered, and where the answers go.
        as_json: Whether to print JSON.

    Raises:
        ConfigError: The output exists, another command writes it, or what is to be resumed does not fit.
        DataError: The archive is not a folder, or the journal is damaged.
        BackendError: The backend may not answer for a model.
        DiskError: The disk is full, or would become full.
        Exit: Some files have no answer, or the user stopped the command.
    """
    from brainseg.diagnosis.archive.journal import journal_of, open_journal

    started = time.perf_counter()
    answering = opened(bundles, request)
    file = journal_of(plan.out)
    file.parent.mkdir(parents=True, exist_ok=True)
    with open_journal(file) as journal:
        _begin(journal, answering, plan)
        before = journal.counts()
        if before.done:
            NOTES.print(f"{before.done:,} of {before.files:,} files were answered before.", soft_wrap=True)
        try:
            _answer(journal, answering, plan)
        except KeyboardInterrupt:
            done = journal.counts().done
            NOTES.print(
                f"Stopped after {done:,} of {before.files:,} files; the same command with --resume continues.",
                soft_wrap=True,
            )
            raise typer.Exit(INTERRUPTED) from None
        counts = journal.counts()
        _finish(journal, answering, plan)
    _report(Done(counts, counts.done - before.done, time.perf_counter() - started), answering, plan.out, as_json)
    if counts.failed:
        raise typer.Exit(SOME_FAILED)


def _begin(journal: Journal, answering: Answering, plan: ArchivePlan) -> None:
    """List the archive into a new journal, or check that an earlier one may be continued."""
    from brainseg.diagnosis.archive.listing import list_files

    facts, stored = _facts(answering), journal.facts()
    if stored is None:
        try:
            if plan.out.exists():  # another command has just finished it
                raise plan.finished()
            journal.begin(facts, list_files(plan.archive))
            files = journal.counts().files
            if not files:
                raise ConfigError(f"{plan.archive} contains no file: name the folder of the images with --archive.")
            check_free_space(plan.out.parent, BYTES_PER_FILE * files, "The answers for the archive")
        except Exception:
            journal.remove()
            raise
        return
    if not plan.resume:  # another command has just begun it
        raise plan.unfinished(journal.file)
    for name, words in COMPARED.items():
        if stored.get(name) != facts[name]:
            was, now = (f"{value}"[:SHOWN] for value in (stored.get(name), facts[name]))
            raise ConfigError(
                f"{plan.out} was begun with another {words} ({was}, now {now}): use the same again, or name another "
                "file with --out."
            )
    if differences := journal.differences(list_files(plan.archive)):
        raise ConfigError(
            f"The files of {plan.archive} have changed since {plan.out} was begun ({differences}): begin again with "
            "another --out."
        )


def _facts(answering: Answering) -> dict[str, str]:
    """Return what answers depend on, as it is stored with them."""
    return {
        "model": answering.model,
        "digest": answering.digest,
        "backend": computed_with(answering.backend, answering.precision),
        "version": __version__,
        "columns": ", ".join(answering.columns),
    }


def _answer(journal: Journal, answering: Answering, plan: ArchivePlan) -> None:
    """Answer all files that have no answer yet, and keep the answers in the journal."""
    from brainseg.diagnosis.archive.answering import answer_pending
    from brainseg.monitoring import log_answers

    counts = journal.counts()
    with ArchiveProgress(counts.done, counts.files) as progress:
        for records in answer_pending(
            journal, answering.answer, answering.failed, plan.archive, answering.batch, plan.workers
        ):
            log_answers(filter(None, records))
            progress.advance(len(records))


def _finish(journal: Journal, answering: Answering, plan: ArchivePlan) -> None:
    from brainseg.diagnosis.archive.table import write_answers

    facts = {f"brainseg.{name}": value for name, value in (journal.facts() or {}).items() if name != "columns"}
    facts |= {"brainseg.archive": str(plan.archive.absolute()), "brainseg.disclaimer": DISCLAIMER}
    write_answers(plan.out, answering.columns, journal.rows(), facts)
    journal.remove()


def _report(done: Done, answering: Answering, out: Path, as_json: bool) -> None:
    counts, memory = done.counts, peak_memory()
    if as_json:
        print_json(
            {
                "out": str(out),
                "files": counts.files,
                "answered": counts.done - counts.failed,
                "failed": counts.failed,
                "answered_now": done.answered_now,
                "seconds": done.seconds,
                "images_per_second": done.rate,
                "peak_memory": memory,
                "model": answering.model,
                "bundle_digest": answering.digest,
                "backend": answering.backend,
                "precision": answering.precision,
                "disclaimer": DISCLAIMER,
            }
        )
        return
    failed = f" {counts.failed:,} could not be answered: see the column error." if counts.failed else ""
    ANSWERS.print(
        f"{out}: answers for {counts.done - counts.failed:,} of {counts.files:,} files.{failed} {done.answered_now:,} "
        f"files in {done.seconds:,.1f} s ({done.rate:,.1f} a second), with at most {memory / 1e6:,.0f} MB of memory.",
        markup=False,
        soft_wrap=True,
    )
    words = computed_with(answering.backend, answering.precision)
    ANSWERS.print(f"Answered by {answering.model}, with {words}.", markup=False, soft_wrap=True)
    ANSWERS.print(DISCLAIMER)
