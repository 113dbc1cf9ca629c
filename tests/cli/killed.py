"""Answers an archive by the mean of each image, in a process that kills itself at a named moment.

    python -m tests.cli.killed MOMENT ARCHIVE OUT

The command is the real one up to the network, so that a test can afford many such processes.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import typer

from brainseg.cli.archive import predict_archive
from brainseg.cli.archive_plan import archive_plan
from brainseg.cli.prediction import Answering, Request, Row
from brainseg.diagnosis.archive import answering, journal, listing, table
from brainseg.diagnosis.archive.table import kinds_of
from brainseg.errors import ScanError
from brainseg.scans import read_scan

STEP = 16
"""Answers that are written together: few, so that few files have many steps."""


def means(digest: str = "one", backend: str = "torch") -> Answering:
    """Return what answers with the mean of each image."""

    def answer(files: Sequence[Path]) -> list[Row]:
        return [row(file) for file in files]

    def row(file: Path) -> Row:
        try:
            mean = float(read_scan(file).pixels.mean())
        except ScanError as error:
            return Row({"error": str(error)}, None)
        # The archive keeps no record that is None, and `killed` keeps no log.
        return Row({"area": mean}, SimpleNamespace())

    model = SimpleNamespace(name="mean", backend=SimpleNamespace(name=backend, precision="fp32"))
    return Answering(
        [model], digest, kinds_of(["file", "area", "error"], []), 4, answer, lambda sentence: {"error": sentence}
    )


def predict(archive: Path, out: Path, resume: bool = False, made: Answering | None = None, workers: int = 2) -> int:
    """Answer an archive, and return the exit code of the command."""
    plan = archive_plan(archive, out, resume, workers, [])
    try:
        predict_archive(lambda bundles, request: made or means(), [], Request([]), plan, as_json=False)
    except typer.Exit as end:
        return end.exit_code
    return 0


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def while_listing() -> None:
    real = listing.list_files

    def some(root: Path):
        for number, each in enumerate(real(root)):
            if number == 20:
                die()
            yield each

    listing.list_files = some


def after_the_first_step() -> None:
    real = journal.Journal.add

    def add(self, answers) -> None:
        real(self, answers)
        die()

    journal.Journal.add = add


def while_a_step_is_written() -> None:
    """Let SQLite write each page at once, so that half of the second step is in the file when the process dies."""
    real, begun = journal.Journal.add, []

    def add(self, answers) -> None:
        self._database.execute("PRAGMA cache_size = 1")
        self._database.execute("PRAGMA cache_spill = 1")
        begun.append(True)
        real(self, torn(list(answers)) if len(begun) == 2 else answers)

    def torn(answers):
        for number, each in enumerate(answers):
            if number == STEP - 2:
                die()
            yield each._replace(cells={**each.cells, "padding": "x" * 20_000})

    journal.Journal.add = add


def while_the_output_is_written() -> None:
    def write(file: Path, columns, rows, facts) -> None:
        with file.open("w") as stream:
            stream.write("file,area,error\nhalf of a row")
            stream.flush()
            die()

    table.FORMATS[".csv"] = write


def before_the_journal_is_removed() -> None:
    journal.Journal.remove = lambda self: die()


MOMENTS: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        while_listing,
        after_the_first_step,
        while_a_step_is_written,
        while_the_output_is_written,
        before_the_journal_is_removed,
    )
}

if __name__ == "__main__":
    answering.STEP = STEP
    MOMENTS[sys.argv[1]]()
    predict(Path(sys.argv[2]), Path(sys.argv[3]))
