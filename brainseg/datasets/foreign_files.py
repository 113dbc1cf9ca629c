"""Files in a dataset's folder of kinds that are not read, though they may hold images: said, never only left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from brainseg.datasets.findings import Finding
from brainseg.datasets.listing import files_below, spelled
from brainseg.errors import DataError
from brainseg.scans import SUFFIXES
from brainseg.scans.foreign import HEAD, TEXT, Kind, foreign_kind

MOST = 20_000
"""Files that are looked at; in a folder of more, the kinds of the others are not told."""


def foreign_findings(root: Path, ignored: Iterable[str]) -> list[Finding]:
    """Return one finding for each kind of file that was left out of a dataset; plain text is none.

    Args:
        root: The dataset's folder.
        ignored: Files and folders that were left out, from the root.
    """
    kinds: dict[Kind, list[str]] = {}
    for file in _files(root / name for name in ignored):
        if file.suffix.lower() not in SUFFIXES and (kind := _kind(file)) and kind != TEXT:
            kinds.setdefault(kind, []).append(spelled(file.relative_to(root).as_posix()))
    return [Finding("not images", _counted(kind, len(names)), tuple(names)) for kind, names in kinds.items()]


@contextmanager
def foreign_files_told(path: Path) -> Iterator[None]:
    """Turn the refusal of a path as a dataset into a sentence that says of what kind it or the files in it are.

    Raises:
        DataError: The path is no dataset.
    """
    try:
        yield
    except DataError as error:
        if told := _why_none(path):
            raise DataError(told) from error
        raise


def _why_none(path: Path) -> str | None:
    try:
        path = path.expanduser()
        if path.is_file():
            kind = _kind(path)
            return f"{path} {kind.sentence}" if kind and kind != TEXT else None
        files = list(_files([path]))
    except (OSError, RuntimeError):
        return None
    if any(file.suffix.lower() in SUFFIXES for file in files):
        return None
    findings = foreign_findings(path, [file.relative_to(path).as_posix() for file in files])
    return f"{path} holds no image that is read. {' '.join(each.message for each in findings)}" if findings else None


def _counted(kind: Kind, count: int) -> str:
    article, _, noun = kind.name.partition(" ")
    if count == 1:
        return f"{article.capitalize()} {noun} is not read: {kind.remedy}."
    return f"{count:,} files are each {kind.name} and are not read: {kind.remedy}."


def _files(places: Iterable[Path]) -> Iterator[Path]:
    """Yield files, those below folders included, without hidden ones and not through links; at most MOST."""
    count = 0
    for place in places:
        try:
            inside = files_below(place) if place.is_dir() and not place.is_symlink() else [place]
        except (OSError, DataError):  # it may not be opened, holds too much or is the system's
            continue
        for file in inside:
            count += 1
            if count > MOST:
                return
            yield file


def _kind(file: Path) -> Kind | None:
    try:
        if not file.is_file():  # a pipe or a device may never end
            return None
        with file.open("rb") as stream:
            return foreign_kind(stream.read(HEAD))
    except OSError:
        return None
