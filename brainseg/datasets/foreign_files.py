"""Report files in a dataset's folder that may contain images, but in formats that brainseg does not read."""

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
"""File in the folder of an unpacked archive, with findings about the files that were not unpacked."""

_SYSTEM = {"thumbs.db", "desktop.ini", "ehthumbs.db"}  # files that Windows adds to folders of images
_MISNAMED = Kind("a text file with the name of a spreadsheet", "rename it to .csv if it is a table")
_NAMED = 2
MOST = 20_000
"""Most files whose kind is determined; further files are ignored."""


def foreign_findings(root: Path, ignored: Iterable[str]) -> list[Finding]:
    """Return one finding for each kind of file that was left out of a dataset, except plain text.

    Args:
        root: The dataset's folder.
        ignored: Files and folders that were left out, relative to the root.
    """
    files = (file for file in _files(root / name for name in ignored) if file.suffix.lower() not in SUFFIXES)
    return [
        *_stored_findings(root),
        *_findings((spelled(file.relative_to(root).as_posix()), _kind(file)) for file in files),
    ]


def store_left_out(root: Path, kinds: Mapping[str, Kind | None]) -> list[Finding]:
    """Store findings about the files of an archive that were not unpacked; `foreign_findings` reads them.

    Args:
        root: The dataset's folder.
        kinds: Name of each file that was not unpacked -> its kind, if known.
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
    """Replace the error about a path that is not a dataset by a message that names the kinds of its files.

    Raises:
        DataError: The path is not a dataset.
    """
    try:
        yield
    except DataError as error:
        if message := _explanation(path, str(error)):
            raise DataError(message) from error
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
        sentences = [f"{spelled(name)} {kind.sentence}" for name, kind in islice(kinds, _NAMED)]
        new = [sentence for sentence in sentences if sentence not in refused]
        return " ".join([refused, *new]) if new else None
    findings = foreign_findings(path, [file.relative_to(path).as_posix() for file in files])
    if not findings:
        return None
    return f"{path} contains no image that brainseg reads. {' '.join(each.message for each in findings)}"


def _counted(kind: Kind, count: int) -> str:
    article, _, noun = kind.name.partition(" ")
    if count == 1:
        return f"{article.capitalize()} {noun} is left out because brainseg does not read it: {kind.remedy}."
    return f"{count:,} files are left out; each is {kind.name}, which brainseg does not read: {kind.remedy}."


def _files(places: Iterable[Path]) -> Iterator[Path]:
    """Yield at most `MOST` files, including those below folders; hidden files and links are skipped."""
    count = 0
    for place in places:
        try:
            inside = files_below(place) if place.is_dir() and not place.is_symlink() else [place]
        except (OSError, DataError):  # no permission, too many files, or a system folder
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
