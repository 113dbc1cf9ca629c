"""The options of `predict` for an archive, checked before anything is opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from brainseg import paths
from brainseg.diagnosis.batches import WORKERS
from brainseg.errors import ConfigError

SUFFIXES = (".parquet", ".csv")


class ArchivePlan(NamedTuple):
    """What is answered, and where the answers go.

    Attributes:
        archive: The folder.
        out: The file of the answers; its suffix is one of `SUFFIXES`.
        resume: Whether earlier answers are continued.
        workers: Batches that are worked on at the same time.
    """

    archive: Path
    out: Path
    resume: bool
    workers: int

    def unfinished(self, journal: Path) -> ConfigError:
        """Return the error that the output was begun before."""
        return ConfigError(
            f"{self.out} was begun and is not finished: add --resume to continue it, or delete {journal} to begin "
            "again."
        )

    def finished(self) -> ConfigError:
        """Return the error that the output is there already."""
        if self.resume:
            return ConfigError(
                f"{self.out} is finished, so --resume has nothing to continue: name another file with --out."
            )
        return ConfigError(
            f"{self.out} exists already: name another file with --out; --resume only continues answers that were "
            "interrupted."
        )


def archive_plan(
    archive: Path | None, out: Path | None, resume: bool, workers: int | None, files: Sequence[Path]
) -> ArchivePlan | None:
    """Return what is to be done with an archive; None for a command that names images.

    Raises:
        ConfigError: The command names neither images nor an archive, or both, or the output does not fit or exists.
    """
    if archive is None:
        if not files:
            raise ConfigError("There is nothing to answer: name images, or a folder tree with --archive.")
        for option, given in (("resume", resume), ("workers", workers)):
            if given:
                raise ConfigError(f"--{option} is for --archive: leave it out, or name a folder tree with --archive.")
        return None
    if files:
        raise ConfigError(f"--archive answers all files of its folder, and {files[0]} is named too: leave one out.")
    if out is None or out.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"With --archive, --out must name a file that ends in {' or '.join(SUFFIXES)}.")
    if paths.is_inside(out, archive):
        raise ConfigError(f"--out is inside the archive {archive}, and would be one of its files: name another place.")
    plan = ArchivePlan(archive, out, resume, workers or WORKERS)
    _refuse_existing(plan)
    return plan


def _refuse_existing(plan: ArchivePlan) -> None:
    from brainseg.diagnosis.archive.journal import journal_of

    journal = journal_of(plan.out)
    if journal.exists():
        if not plan.resume:
            raise plan.unfinished(journal)
    elif plan.out.exists():
        raise plan.finished()
