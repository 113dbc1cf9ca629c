"""Where datasets come from: class folders, given-split folders or a CSV manifest."""

from __future__ import annotations

import csv
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from brainseg.datasets.table import COLUMNS, BadFile, Dataset
from brainseg.errors import DataError, ScanError
from brainseg.scans import SUFFIXES, Scan, read_scan

SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "test": "test",
    "testing": "test",
}
MANIFEST = "manifest.csv"


@dataclass(frozen=True)
class Entry:
    """A file of a dataset before it is read."""

    path: str
    label: str
    group: str = ""
    split: str = ""


def open_dataset(path: Path, progress: Callable[[int, int], None] | None = None) -> Dataset:
    """List and read every image of a dataset once.

    Args:
        path: A folder of class folders, a folder of `train`/`valid`/`test` folders with class folders inside, a
            folder with a `manifest.csv`, or a CSV manifest itself. A manifest has the columns path and label and may
            have group and split; its paths are relative to its own folder.
        progress: Called with (files read, files in all).

    Raises:
        DataError: The path does not exist or holds no dataset, or a manifest is damaged.
    """
    root, entries, classes, ignored = _list(path)
    facts = _read_all(root, entries, progress)
    rows, bad = [], []
    for entry, fact in zip(entries, facts, strict=True):
        if isinstance(fact, ScanError):
            bad.append(BadFile(entry.path, str(fact)))
        else:
            rows.append({**vars(entry), **fact})
    table = pd.DataFrame(rows, columns=COLUMNS).sort_values("path", ignore_index=True)
    return Dataset(root, table, classes, tuple(bad), tuple(ignored))


def _list(path: Path) -> tuple[Path, list[Entry], tuple[str, ...], list[str]]:
    path = path.expanduser()
    if not path.exists():
        raise DataError(f"{path} does not exist: give a folder of class folders or a CSV manifest.")
    path = path.resolve()
    if path.is_file():
        return path.parent, *_from_manifest(path), []
    if (path / MANIFEST).is_file():
        return path, *_from_manifest(path / MANIFEST), []
    return path, *_from_folders(path)


def _from_folders(root: Path) -> tuple[list[Entry], tuple[str, ...], list[str]]:
    folders = _subfolders(root)
    if not folders:
        raise DataError(
            f"{root} has no class folders: put the images of each class into a folder of its own inside it."
        )
    if all(folder.name.lower() in SPLIT_FOLDERS for folder in folders):
        places = [(SPLIT_FOLDERS[part.name.lower()], folder) for part in folders for folder in _subfolders(part)]
    else:
        places = [("", folder) for folder in folders]
    entries, ignored = [], []
    for split, folder in places:
        for file in sorted(file for file in folder.rglob("*") if file.is_file() and not file.name.startswith(".")):
            name = file.relative_to(root).as_posix()
            if file.suffix.lower() in SUFFIXES:
                entries.append(Entry(name, folder.name, split=split))
            else:
                ignored.append(name)
    if not entries:
        raise DataError(f"{root} holds no images in its folders: {', '.join(sorted(SUFFIXES))} files are read.")
    return entries, tuple(sorted({folder.name for _, folder in places})), ignored


def _subfolders(folder: Path) -> list[Path]:
    return sorted(item for item in folder.iterdir() if item.is_dir() and not item.name.startswith("."))


def _from_manifest(file: Path) -> tuple[list[Entry], tuple[str, ...]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file.name} cannot be read as a CSV manifest: save it as CSV in UTF-8.") from error
    if not rows:
        raise DataError(f"{file.name} has no rows: a manifest names one image a row.")
    if missing := [column for column in ("path", "label") if column not in rows[0]]:
        raise DataError(f"{file.name} has no column {missing[0]!r}: a manifest needs path and label.")
    entries = [_manifest_entry(file, number, row) for number, row in enumerate(rows, start=2)]
    if twice := [path for path, count in pd.Series([e.path for e in entries]).value_counts().items() if count > 1]:
        raise DataError(f"{file.name} names {twice[0]!r} more than once: give each image one row.")
    return entries, tuple(sorted({entry.label for entry in entries}))


def _manifest_entry(file: Path, number: int, row: dict[str, str | None]) -> Entry:
    cells = {
        key: (value or "").strip() for key, value in row.items() if isinstance(key, str) and not isinstance(value, list)
    }
    path, label, split = cells["path"], cells["label"], cells.get("split", "").lower()
    where = f"{file.name}, line {number}"
    if not path or not label:
        raise DataError(f"{where}: path and label must both be filled in.")
    pure = PurePosixPath(path.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts:
        raise DataError(f"{where}: {path!r} leaves the manifest's folder: give paths relative to it.")
    if split and split not in SPLIT_FOLDERS:
        raise DataError(f"{where}: split {split!r} is unknown, allowed: train, valid, test or nothing.")
    return Entry(pure.as_posix(), label, cells.get("group", ""), SPLIT_FOLDERS.get(split, ""))


def _read_all(
    root: Path, entries: list[Entry], progress: Callable[[int, int], None] | None
) -> list[dict[str, object] | ScanError]:
    facts: list[dict[str, object] | ScanError] = []
    # Decoding releases the interpreter lock, so two threads read about twice as fast; pixels are dropped at once.
    with ThreadPoolExecutor(max_workers=4) as pool:
        for done, fact in enumerate(pool.map(lambda entry: _facts(root / entry.path), entries), start=1):
            facts.append(fact)
            if progress:
                progress(done, len(entries))
    return facts


def _facts(file: Path) -> dict[str, object] | ScanError:
    try:
        scan: Scan = read_scan(file)
    except ScanError as error:
        return error
    return {
        "sha256": scan.sha256,
        "mode": scan.mode,
        "source_format": scan.source_format,
        "width": scan.size[0],
        "height": scan.size[1],
        "warnings": " ".join(scan.warnings),
    }
