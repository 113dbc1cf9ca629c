"""Read CSV manifests (one row per image); every error is one sentence."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pandas as pd

from brainseg.datasets.findings import Finding
from brainseg.errors import DataError
from brainseg.scans.foreign import HEAD, TEXT, foreign_kind

MANIFEST = "manifest.csv"
SPREADSHEETS = {".xlsx", ".xls", ".ods"}
TABLES = {".csv", ".tsv", ".txt"} | SPREADSHEETS
"""Extensions of files that may be a manifest with another name; spreadsheet extensions count if the file is text."""
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "test": "test",
    "testing": "test",
}


SYNONYMS = {
    "path": ("filename", "file", "filepath", "image", "imagepath", "imagefile", "imagename", "img", "imgpath"),
    "label": ("class", "diagnosis", "target", "category", "classname", "labels", "tumortype", "tumourtype"),
    "mask": ("maskpath", "maskfile", "maskname"),
}
"""Other names for the required columns of a manifest; spaces, signs and case do not matter."""


@dataclass(frozen=True)
class Manifest:
    """The rows of a manifest.

    Attributes:
        rows: For each row, its name for messages ("manifest.csv, line 3") and its cells by lower-case column name.
        columns: Lower-case column names; synonyms are replaced by the required name.
        findings: Messages for the user about how it was read.
    """

    rows: list[tuple[str, dict[str, str]]]
    columns: tuple[str, ...]
    findings: tuple[Finding, ...] = ()


def read_manifest(file: Path, needed: tuple[str, ...], optional: tuple[str, ...]) -> list[tuple[str, dict[str, str]]]:
    """Return the rows of a manifest; see `open_manifest`."""
    return open_manifest(file, needed, optional).rows


def open_manifest(file: Path, needed: tuple[str, ...], optional: tuple[str, ...]) -> Manifest:
    """Read a manifest in any of the formats that spreadsheets and programs write.

    Args:
        file: CSV with a header, in UTF-8, UTF-16 or the Windows encoding cp1252. Commas, semicolons, tabs or the
            character in a first line such as `sep=;` separate cells. Other columns are kept.
        needed: The required columns; one of their `SYNONYMS` also counts.
        optional: Other columns with a meaning, which may occur at most once.

    Raises:
        DataError: The file is not a CSV file, has no rows, lacks a column or has one twice, or a row has too many
            cells.
    """
    try:
        text, findings = _text(file)
        text, delimiter, skipped = _delimiter(text, needed)
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
        columns = [name.strip().lower() for name in reader.fieldnames or []]
        reader.fieldnames = columns = _renamed(file, columns, needed)
        rows = [(f"{file.name}, line {reader.line_num + skipped}", row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        _refuse_foreign(file)
        raise DataError(f"{file.name} cannot be read as a CSV manifest: save it as CSV in UTF-8.") from error
    if not rows:
        raise DataError(f"{file.name} has no rows: write one row per image.")
    if missing := [column for column in needed if column not in columns]:
        _refuse_foreign(file)
        there = ", ".join(filter(None, columns))
        raise DataError(
            f"{file.name} has no column {missing[0]!r}: a manifest needs {' and '.join(needed)}; it has {there}."
        )
    if file.suffix.lower() in SPREADSHEETS:
        message = f"{file.name} is a text file, not a spreadsheet, despite its name: rename it to {file.stem}.csv."
        findings.append(Finding("manifest-name", message))
    if twice := [column for column in (*needed, *optional) if columns.count(column) > 1]:
        raise DataError(f"{file.name} has two columns {twice[0]!r}: remove one.")
    return Manifest([(where, _cells(where, row)) for where, row in rows], tuple(columns), tuple(findings))


def _refuse_foreign(file: Path) -> None:
    """Raise an error that names the kind of a file that is not text, which explains why it has no columns."""
    with contextlib.suppress(OSError), file.open("rb") as stream:
        if (kind := foreign_kind(stream.read(HEAD))) and kind != TEXT:
            raise DataError(f"{file.name} {kind.sentence}")


def has_columns(file: Path, needed: tuple[str, ...]) -> bool:
    """Return whether a file is a table with the columns of a manifest."""
    try:
        return bool(open_manifest(file, needed, ()))
    except DataError:
        return False


def only_table(files: Iterable[Path], needed: tuple[str, ...]) -> Path | None:
    """Return the only file that has the columns of a manifest; None if there are none or several."""
    tables = [file for file in files if file.suffix.lower() in TABLES and has_columns(file, needed)]
    return tables[0] if len(tables) == 1 else None


def read_as_manifest(file: Path) -> Finding:
    """Return the finding that a file with another name is read as a manifest."""
    return Finding("manifest-name", f"{file.name} has the columns of a manifest and is read as one.")


def _text(file: Path) -> tuple[str, list[Finding]]:
    raw = file.read_bytes()
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16"), []
    if raw[1:2] == b"\0" or raw[:1] == b"\0":  # UTF-16 without a byte order mark
        return raw.decode("utf-16-le" if raw[1:2] == b"\0" else "utf-16-be"), []
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        text = raw.decode("cp1252")
        if any(sign < " " and sign not in "\t\r\n" for sign in text):  # not text
            raise
        message = f"{file.name} is not in UTF-8 and was read as Windows text (cp1252): check letters such as é and ä."
        return text, [Finding("encoding", message)]


def _delimiter(text: str, needed: tuple[str, ...]) -> tuple[str, str, int]:
    """Return the text without a `sep=` line, the delimiter, and the number of lines removed."""
    first, _, rest = text.partition("\n")
    if match := re.fullmatch(r'"?sep=(.)"?\s*', first.rstrip("\r\n"), re.IGNORECASE):
        return rest, match[1], 1
    header = next((line for line in text.splitlines() if line.strip()), "")
    names = {sign: next(csv.reader([header], delimiter=sign), []) for sign in ",;\t|"}
    fitting = [sign for sign, found in names.items() if all(_find(column, found) for column in needed)]
    return text, fitting[0] if fitting else max(names, key=lambda sign: len(names[sign])), 0


def _find(column: str, names: list[str]) -> list[int]:
    """Return the positions of the columns with this name, or else with one of its synonyms."""
    plain = [re.sub(r"[\W_]+", "", name).lower() for name in names]
    if column in plain:
        return [place for place, name in enumerate(plain) if name == column]
    return [place for place, name in enumerate(plain) if name in SYNONYMS.get(column, ())]


def _renamed(file: Path, columns: list[str], needed: tuple[str, ...]) -> list[str]:
    renamed = list(columns)
    for column in needed:
        found = _find(column, columns)
        if column == "label" and "label" not in columns and "mask" in columns:  # a dataset with masks has no classes
            continue
        if len(found) > 1 and column not in columns:
            could = " and ".join(repr(columns[place]) for place in found)
            raise DataError(
                f"{file.name} has no column {column!r}; {could} could be that column: rename one to {column}."
            )
        if len(found) == 1:
            renamed[found[0]] = column
    return renamed


def _cells(where: str, row: dict[Any, Any]) -> dict[str, str]:
    if any(row.pop(None, [])):
        raise DataError(f"{where}: the row has more cells than the header: put values that contain commas in quotes.")
    return {column: (value or "").strip() for column, value in row.items()}


def relative_path(where: str, path: str, root: Path | None = None) -> str:
    """Return a path from a manifest relative to the manifest's folder, with forward slashes.

    Args:
        where: Name of the row for messages.
        path: As written in the manifest. An absolute path, even of another machine, is allowed if its last parts exist
            below the folder.
        root: The manifest's folder.

    Raises:
        DataError: The path leaves the manifest's folder.
    """
    pure = PurePosixPath(path.replace("\\", "/"))
    if ".." not in pure.parts:
        if not is_absolute(path):
            return pure.as_posix()
        ends = ("/".join(pure.parts[start:]) for start in range(1, len(pure.parts)))
        if root and (end := next((end for end in ends if (root / end).is_file()), None)):
            return end
    raise DataError(f"{where}: {path!r} leaves the manifest's folder: give paths relative to it.")


def is_absolute(path: str) -> bool:
    """Return whether a path is absolute, on this system or on Windows."""
    return path.replace("\\", "/").startswith("/") or PureWindowsPath(path).is_absolute()


def given_split(where: str, split: str) -> str:
    """Return "train", "valid", "test" or "" for the split in a manifest.

    Raises:
        DataError: The split is none of these.
    """
    if split and split.lower() not in SPLIT_NAMES:
        raise DataError(f"{where}: split {split.lower()!r} is unknown, allowed: train, valid, test or nothing.")
    return SPLIT_NAMES.get(split.lower(), "")


def refuse_twice(file: Path, paths: list[str]) -> None:
    """Raise an error if a manifest names an image in several rows.

    Raises:
        DataError: It does; the message names the first such image.
    """
    if twice := [path for path, count in pd.Series(paths).value_counts().items() if count > 1]:
        raise DataError(f"{file.name} names {twice[0]!r} more than once: give each image one row.")
