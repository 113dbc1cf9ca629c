"""Where datasets come from: class folders, given-split folders or a CSV manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TypeVar

import pandas as pd

from brainseg.datasets.checks import FACTS, check_images
from brainseg.datasets.findings import pages_findings, reading_findings
from brainseg.datasets.listing import contents, files_below, folders_of, spelled
from brainseg.datasets.manifest import MANIFEST, SPLIT_NAMES, given_split, read_manifest, refuse_twice, relative_path
from brainseg.datasets.mask_guard import masks_among
from brainseg.datasets.near_copies import thumbnail
from brainseg.datasets.patients import Place, find_patients
from brainseg.datasets.table import COLUMNS, BadFile, Dataset
from brainseg.errors import DataError, ScanError
from brainseg.scans import SUFFIXES, Scan, display_name, read_scan
from brainseg.scans.reading import SEVERAL

Item, Found = TypeVar("Item"), TypeVar("Found")


@dataclass(frozen=True)
class Entry:
    """A file of a dataset before it is read; `folders` are those around it, of class folders those below."""

    path: str
    label: str
    split: str = ""
    folders: tuple[str, ...] = ()
    cells: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """What can tell its patient."""
        return Place(self.folders, PurePosixPath(self.path).stem, self.label, self.cells, self.path)


def open_dataset(path: Path, progress: Callable[[int, int], None] | None = None, groups: str = "auto") -> Dataset:
    """List and read every image of a dataset once.

    Args:
        path: A folder of class folders, a folder of `train`/`valid`/`test` folders with class folders inside, a
            folder with a `manifest.csv`, or a CSV manifest itself. A manifest has the columns path and label and may
            have group and split; its paths are relative to its own folder.
        progress: Called with (files read, files in all).
        groups: Which images are of one patient: the setting `data.groups`.

    Raises:
        DataError: The path does not exist or holds no dataset, a manifest is damaged, `groups` fits no image, or the
            folders hold images and their masks.
    """
    root, entries, classes, ignored = _list(path)
    masks, told = masks_among(root, [entry.path for entry in entries if not entry.cells])
    entries, ignored = [entry for entry in entries if entry.path not in masks], [*ignored, *map(spelled, sorted(masks))]
    patients = find_patients([entry.place for entry in entries], groups, classes)
    facts = read_each(entries, lambda entry: _facts(root, entry), progress)
    rows, bad = [], []
    for entry, group, fact in zip(entries, patients.groups, facts, strict=True):
        if isinstance(fact, ScanError):
            bad.append(BadFile(spelled(entry.path), f"{folders_of(entry.path)}{fact}"))
        else:
            rows.append({"path": entry.path, "label": entry.label, "group": group, "split": entry.split, **fact})
    table, near, found = check_images(pd.DataFrame(rows, columns=[*COLUMNS, *FACTS]))
    table = table[COLUMNS]
    pages = pages_findings({str(row["path"]): int(str(row["pages"])) for row in rows})
    findings = (*reading_findings(table), *pages, *told, *patients.findings, *found)
    return Dataset(root, table, classes, tuple(bad), tuple(ignored), findings, patients.source, near)


def _list(path: Path) -> tuple[Path, list[Entry], tuple[str, ...], list[str]]:
    try:
        path = path.expanduser()
        if not path.exists():
            raise DataError(f"{path} does not exist: give a folder of class folders or a CSV manifest.")
        path = path.resolve()
        if spelled(str(path)) != str(path):
            raise DataError(f"The path {spelled(str(path))} is not in UTF-8: rename its folders.")
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
    entries, ignored = [], [spelled(other.relative_to(root).as_posix()) for other in others]
    for split, folder in places:
        if spelled(folder.name) != folder.name:
            raise DataError(f"The name of the class folder {spelled(folder.name)!r} is not in UTF-8: rename it.")
        for file in files_below(folder):
            name = file.relative_to(root).as_posix()
            if file.suffix.lower() in SUFFIXES and not file.is_dir():
                entries.append(Entry(name, folder.name, split, file.relative_to(folder).parts[:-1]))
            else:
                ignored.append(spelled(name))
    if not entries:
        raise DataError(f"{root} holds no images in its class folders: {', '.join(sorted(SUFFIXES))} files are read.")
    return entries, tuple(sorted({folder.name for _, folder in places})), ignored


def _class_folders(root: Path) -> tuple[list[tuple[str, Path]], list[Path]]:
    """Return the class folders, each with its given split, and what lies beside them."""
    folders, others = contents(root)
    parts = [(part, *contents(part)) for part in folders if part.name.lower() in SPLIT_NAMES]
    places = [(SPLIT_NAMES[part.name.lower()], folder) for part, inner, _ in parts for folder in inner]
    strangers = [folder.name for folder in folders if folder.name.lower() not in SPLIT_NAMES]
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


def _from_manifest(file: Path) -> tuple[list[Entry], tuple[str, ...]]:
    entries = []
    for where, cells in read_manifest(file, ("path", "label"), ("group", "split")):
        if not cells["path"] or not cells["label"]:
            raise DataError(f"{where}: path and label must both be filled in.")
        path, split = relative_path(where, cells["path"]), given_split(where, cells.get("split", ""))
        entries.append(Entry(path, cells["label"], split, PurePosixPath(path).parts[:-1], cells))
    refuse_twice(file, [entry.path for entry in entries])
    return entries, tuple(sorted({entry.label for entry in entries}))


def read_each(
    items: list[Item], read: Callable[[Item], Found], progress: Callable[[int, int], None] | None
) -> list[Found]:
    """Read the files of a dataset, several at a time; `progress` is called with (files read, files in all)."""
    found: list[Found] = []
    # Decoding releases the interpreter lock, so two threads read about twice as fast; pixels are dropped at once.
    with ThreadPoolExecutor(max_workers=4) as pool:
        for done, facts in enumerate(pool.map(read, items), start=1):
            found.append(facts)
            if progress:
                progress(done, len(items))
    return found


def _facts(root: Path, entry: Entry) -> dict[str, object] | ScanError:
    try:
        return scan_facts(read_named(root, entry.path))
    except ScanError as error:
        return error


def read_named(root: Path, path: str) -> Scan:
    """Read an image of a dataset by its path from the root.

    Raises:
        ScanError: It cannot be read, or its name cannot be spelled.
    """
    if spelled(path) != path:
        raise ScanError(f"{display_name(path)} has a name that is not in UTF-8: rename it.")
    return read_scan(root / path)


def scan_facts(scan: Scan) -> dict[str, object]:
    """Return what a file itself tells: columns of a dataset's table, and those of `FACTS`."""
    return {
        "sha256": scan.sha256,
        "twin": "",
        "mode": scan.mode,
        "source_format": scan.source_format,
        "width": scan.size[0],
        "height": scan.size[1],
        "warnings": " ".join(warning for warning in scan.warnings if warning != SEVERAL),  # see `pages_findings`
        "pages": scan.pages,
        "thumbnail": thumbnail(scan.pixels),
    }
