"""Report files in a dataset's folder that may hold images but are of kinds that brainseg does not read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath

from brainseg.datasets.findings import Finding
from brainseg.datasets.listing import files_below, spelled
from brainseg.datasets.manifest import SPREADSHEETS, TABLES
from brainseg.errors import DataError
from brainseg.files import write_json
from brainseg.scans import SUFFIXES
from brainseg.scans.foreign import HEAD, TEXT, Kind, foreign_kind

NOTE = ".left-out.json"
"""In the folder of an unpacked archive: findings on the files of the archive that were left in it."""

_SYSTEM = {"thumbs.db", "desktop.ini", "ehthumbs.db"}  # what Windows leaves in folders of images
_MISNAMED = Kind("a text file with the name of a spreadsheet", "rename it to .csv if it is a table")
_NAMED = 2
MOST = 20_000
"""Files whose kind is determined; in a folder with more, the others are only counted."""


def foreign_findings(root: Path, ignored: Iterable[str]) -> list[Finding]:
    """Return one finding for each kind of file that was left out of a dataset; plain text is none.

    Args:
        root: The dataset's folder.
        ignored: Files and folders that were left out, from the root.
    """
    files = (file for file in _files(root / name for name in ignored) if file.suffix.lower() not in SUFFIXES)
    return [
        *_stored_findings(root),
        *_findings((spelled(file.relative_to(root).as_posix()), _kind(file)) for file in files),
    ]


def store_left_out(root: Path, kinds: Mapping[str, Kind | None]) -> list[Finding]:
    """Keep with an unpacked dataset what its archive held besides, so that `foreign_findings` tells it.

    Args:
        root: The dataset's folder.
        kinds: Name of each file that was not unpacked -> what it is, if that is known.
    """
    findings = _findings(kinds.items())
    if findings:
        write_json(root / NOTE, [finding.to_dict() for finding in findings])
    return findings


def _findings(files: Iterable[tuple[str, Kind | None]]) -> list[Finding]:
    kinds: dict[Kind, list[str]] = {}
    for name, kind in files:
        if kind and kind != TEXT and PurePosixPath(name).name.lower() not in _SYSTEM:
            kinds.setdefault(kind, []).append(name)
    return [Finding("not images", _counted(kind, len(names)), tuple(names)) for kind, names in kinds.items()]


def _stored_findings(root: Path) -> list[Finding]:
    try:
        stored = json.loads((root / NOTE).read_text("utf-8"))
        return [Finding(str(each["kind"]), str(each["message"]), tuple(map(str, each["files"]))) for each in stored]
    except (OSError, ValueError, TypeError, KeyError):
        return []


@contextmanager
def explain_foreign_files(path: Path) -> Iterator[None]:
    """Turn the refusal of a path as a dataset into a sentence that says of what kind it or the files in it are.

    Raises:
        DataError: The path is no dataset.
    """
    try:
        yield
    except DataError as error:
        if told := _explanation(path, str(error)):
            raise DataError(told) from error
        raise


def _explanation(path: Path, refused: str) -> str | None:
    try:
        path = path.expanduser()
        if path.is_file():
            kind = _kind(path)
            return f"{path} {kind.sentence}" if kind and kind != TEXT else None
        files = list(_files([path]))
    except (OSError, RuntimeError):
        return None
    if any(file.suffix.lower() in SUFFIXES for file in files):
        tables = (file for file in files if file.suffix.lower() in TABLES)
        kinds = ((file.name, kind) for file in tables if (kind := _kind(file)) and kind != TEXT)
        told = [f"{spelled(name)} {kind.sentence}" for name, kind in islice(kinds, _NAMED)]
        new = [sentence for sentence in told if sentence not in refused]
        return " ".join([refused, *new]) if new else None
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
            kind = foreign_kind(stream.read(HEAD))
            return _MISNAMED if kind == TEXT and file.suffix.lower() in SPREADSHEETS else kind
    except OSError:
        return None
