"""Where datasets come from: class folders, given-split folders or a CSV manifest."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pandas as pd

from brainseg.datasets.table import COLUMNS, BadFile, Dataset
from brainseg.errors import DataError, ScanError
from brainseg.scans import SUFFIXES, Scan, display_name, read_scan

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
            bad.append(BadFile(_spelled(entry.path), f"{_place(entry.path)}{fact}"))
        else:
            rows.append({**vars(entry), **fact})
    table = pd.DataFrame(rows, columns=COLUMNS).sort_values("path", ignore_index=True)
    return Dataset(root, table, classes, tuple(bad), tuple(ignored))


def _list(path: Path) -> tuple[Path, list[Entry], tuple[str, ...], list[str]]:
    try:
        path = path.expanduser()
        if not path.exists():
            raise DataError(f"{path} does not exist: give a folder of class folders or a CSV manifest.")
        path = path.resolve()
        if _spelled(str(path)) != str(path):
            raise DataError(f"The path {_spelled(str(path))} is not in UTF-8: rename its folders.")
        if path.is_file():
            return path.parent, *_from_manifest(path), []
        if not path.is_dir():
            raise DataError(f"{path} is neither a folder nor a file: give a folder of class folders or a CSV manifest.")
        if (path / MANIFEST).is_file():
            return path, *_from_manifest(path / MANIFEST), []
        return path, *_from_folders(path)
    except (OSError, RuntimeError) as error:  # RuntimeError: ~ of a user who is not there
        place, reason = getattr(error, "filename", None) or path, getattr(error, "strerror", None) or "no such user"
        raise DataError(f"{place} cannot be opened ({reason}): give a folder that you may read.") from error


def _from_folders(root: Path) -> tuple[list[Entry], tuple[str, ...], list[str]]:
    places, others = _class_folders(root)
    entries, ignored = [], [_spelled(other.relative_to(root).as_posix()) for other in others]
    for split, folder in places:
        if _spelled(folder.name) != folder.name:
            raise DataError(f"The name of the class folder {_spelled(folder.name)!r} is not in UTF-8: rename it.")
        for file in _files(folder):
            name = file.relative_to(root).as_posix()
            if file.suffix.lower() in SUFFIXES and not file.is_dir():
                entries.append(Entry(name, folder.name, split=split))
            else:
                ignored.append(_spelled(name))
    if not entries:
        raise DataError(f"{root} holds no images in its class folders: {', '.join(sorted(SUFFIXES))} files are read.")
    return entries, tuple(sorted({folder.name for _, folder in places})), ignored


def _class_folders(root: Path) -> tuple[list[tuple[str, Path]], list[Path]]:
    """Return the class folders, each with its given split, and what lies beside them."""
    folders, others = _contents(root)
    parts = [(part, *_contents(part)) for part in folders if part.name.lower() in SPLIT_FOLDERS]
    places = [(SPLIT_FOLDERS[part.name.lower()], folder) for part, inner, _ in parts for folder in inner]
    strangers = [folder.name for folder in folders if folder.name.lower() not in SPLIT_FOLDERS]
    if strangers and places:
        raise DataError(
            f"{root} has both a split folder {places[0][1].parent.name!r} and {strangers[0]!r}: keep only split "
            "folders, or only class folders, in it."
        )
    if strangers:  # a class may be called test
        return [("", folder) for folder in folders], others
    if not places:
        place = f"{root}: {folders[0].name}" if folders else root
        raise DataError(
            f"{place} has no class folders: put the images of each class into a folder of its own inside it."
        )
    return places, others + [item for _, _, beside in parts for item in beside]


def _contents(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the folders in a folder and its other contents; a link to a folder around it counts as the latter."""
    items = sorted(item for item in folder.iterdir() if not _hidden(item.name))
    folders = [item for item in items if item.is_dir() and not folder.resolve().is_relative_to(item.resolve())]
    return folders, [item for item in items if item not in folders]


def _files(folder: Path) -> list[Path]:
    """Return all files below a folder; links to folders are listed like files and not followed."""
    found = []
    for place, folders, files in os.walk(folder, onerror=_fail):
        folders[:] = [name for name in folders if not _hidden(name)]
        links = [name for name in folders if Path(place, name).is_symlink()]
        found += [Path(place, name) for name in (*files, *links) if not _hidden(name)]
    return sorted(found)


def _fail(error: OSError) -> None:
    raise error


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"  # what macOS adds to a ZIP file


def _spelled(name: str) -> str:
    """Replace what is not UTF-8 in a file's name, which could be neither printed nor stored."""
    return os.fsencode(name).decode("utf-8", "replace")


def _place(path: str) -> str:
    """Return the folders of a path, fit for display, to go before the file's name."""
    return "".join(f"{display_name(part)}/" for part in PurePosixPath(path).parts[:-1])


def _from_manifest(file: Path) -> tuple[list[Entry], tuple[str, ...]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            columns = [name.strip().lower() for name in reader.fieldnames or []]
            reader.fieldnames = columns
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file.name} cannot be read as a CSV manifest: save it as CSV in UTF-8.") from error
    if not rows:
        raise DataError(f"{file.name} has no rows: a manifest names one image a row.")
    if missing := [column for column in ("path", "label") if column not in columns]:
        raise DataError(f"{file.name} has no column {missing[0]!r}: a manifest needs path and label.")
    if twice := [column for column in ("path", "label", "group", "split") if columns.count(column) > 1]:
        raise DataError(f"{file.name} has two columns {twice[0]!r}: remove one.")
    entries = [_manifest_entry(file, number, row) for number, row in rows]
    if twice := [path for path, count in pd.Series([e.path for e in entries]).value_counts().items() if count > 1]:
        raise DataError(f"{file.name} names {twice[0]!r} more than once: give each image one row.")
    return entries, tuple(sorted({entry.label for entry in entries}))


def _manifest_entry(file: Path, number: int, row: dict[Any, Any]) -> Entry:
    where = f"{file.name}, line {number}"
    if any(row.pop(None, [])):
        raise DataError(f"{where}: it has more cells than there are columns: put a value with a comma into quotes.")
    cells = {column: (value or "").strip() for column, value in row.items()}
    path, label, split = cells["path"], cells["label"], cells.get("split", "").lower()
    if not path or not label:
        raise DataError(f"{where}: path and label must both be filled in.")
    pure = PurePosixPath(path.replace("\\", "/"))
    if pure.is_absolute() or PureWindowsPath(path).is_absolute() or ".." in pure.parts:
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
        for done, fact in enumerate(pool.map(lambda entry: _facts(root, entry), entries), start=1):
            facts.append(fact)
            if progress:
                progress(done, len(entries))
    return facts


def _facts(root: Path, entry: Entry) -> dict[str, object] | ScanError:
    try:
        if _spelled(entry.path) != entry.path:
            raise ScanError(f"{display_name(entry.path)} has a name that is not in UTF-8: rename it.")
        scan: Scan = read_scan(root / entry.path)
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
