"""CSV manifests: one row an image, told apart from a broken file in one sentence."""

from __future__ import annotations

import csv
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pandas as pd

from brainseg.errors import DataError

MANIFEST = "manifest.csv"
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "test": "test",
    "testing": "test",
}


def read_manifest(file: Path, needed: tuple[str, ...], optional: tuple[str, ...]) -> list[tuple[str, dict[str, str]]]:
    """Read the rows of a manifest.

    Args:
        file: CSV in UTF-8 with a header; further columns are let through.
        needed: The columns that must be there.
        optional: Columns that have a meaning and may be there once.

    Returns:
        For each row what to call it in a sentence ("manifest.csv, line 3") and its cells by column in lower case.

    Raises:
        DataError: The file is no CSV, has no rows, lacks a column or has one twice, or a row has too many cells.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            columns = [name.strip().lower() for name in reader.fieldnames or []]
            reader.fieldnames = columns
            rows = [(f"{file.name}, line {reader.line_num}", row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file.name} cannot be read as a CSV manifest: save it as CSV in UTF-8.") from error
    if not rows:
        raise DataError(f"{file.name} has no rows: a manifest names one image a row.")
    if missing := [column for column in needed if column not in columns]:
        raise DataError(f"{file.name} has no column {missing[0]!r}: a manifest needs {' and '.join(needed)}.")
    if twice := [column for column in (*needed, *optional) if columns.count(column) > 1]:
        raise DataError(f"{file.name} has two columns {twice[0]!r}: remove one.")
    return [(where, _cells(where, row)) for where, row in rows]


def _cells(where: str, row: dict[Any, Any]) -> dict[str, str]:
    if any(row.pop(None, [])):
        raise DataError(f"{where}: it has more cells than there are columns: put a value with a comma into quotes.")
    return {column: (value or "").strip() for column, value in row.items()}


def relative_path(where: str, path: str) -> str:
    """Return a path of a manifest with forward slashes.

    Raises:
        DataError: It would leave the manifest's folder.
    """
    pure = PurePosixPath(path.replace("\\", "/"))
    if pure.is_absolute() or PureWindowsPath(path).is_absolute() or ".." in pure.parts:
        raise DataError(f"{where}: {path!r} leaves the manifest's folder: give paths relative to it.")
    return pure.as_posix()


def given_split(where: str, split: str) -> str:
    """Return "train", "valid", "test" or "" for what a manifest says.

    Raises:
        DataError: It says something else.
    """
    if split and split.lower() not in SPLIT_NAMES:
        raise DataError(f"{where}: split {split.lower()!r} is unknown, allowed: train, valid, test or nothing.")
    return SPLIT_NAMES.get(split.lower(), "")


def refuse_twice(file: Path, paths: list[str]) -> None:
    """Refuse a manifest that names an image in two rows.

    Raises:
        DataError: Names the first such image.
    """
    if twice := [path for path, count in pd.Series(paths).value_counts().items() if count > 1]:
        raise DataError(f"{file.name} names {twice[0]!r} more than once: give each image one row.")
