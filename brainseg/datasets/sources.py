"""Open datasets from class folders, split folders or a CSV manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import pandas as pd

from brainseg.datasets.checks import check_images
from brainseg.datasets.class_findings import class_findings, without_repeated_sets
from brainseg.datasets.class_folders import find_class_folders
from brainseg.datasets.findings import Finding, pages_findings, reading_findings
from brainseg.datasets.foreign_files import explain_foreign_files, foreign_findings
from brainseg.datasets.image_facts import FACTS
from brainseg.datasets.image_reading import read_each, read_named, scan_facts
from brainseg.datasets.listing import contents, files_below, folders_of, natural_order, spelled
from brainseg.datasets.manifest import (
    MANIFEST,
    given_split,
    only_table,
    open_manifest,
    read_as_manifest,
    refuse_twice,
    relative_path,
)
from brainseg.datasets.manifest_findings import table_findings
from brainseg.datasets.manifest_paths import find_files
from brainseg.datasets.masks_in_classes import masks_among_images
from brainseg.datasets.near_decisions import with_decisions
from brainseg.datasets.patient_guess import PatientFacts
from brainseg.datasets.patient_names import patient_part, strength
from brainseg.datasets.patients import find_patients
from brainseg.datasets.table import COLUMNS, BadFile, Dataset
from brainseg.errors import DataError, ScanError
from brainseg.scans import SUFFIXES


@dataclass(frozen=True)
class Entry:
    """A file of a dataset before it is read; `folders` are those around it, below the class folder if there is one."""

    path: str
    label: str
    split: str = ""
    folders: tuple[str, ...] = ()
    cells: Mapping[str, str] = field(default_factory=dict)

    @property
    def patient_facts(self) -> PatientFacts:
        """The facts that can identify its patient."""
        return PatientFacts(self.folders, PurePosixPath(self.path).stem, self.label, self.cells, self.path)


@dataclass
class Listed:
    """The files of a dataset before they are read; the fields are as in `Dataset`."""

    root: Path
    entries: list[Entry]
    classes: tuple[str, ...]
    ignored: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def open_dataset(
    path: Path,
    progress: Callable[[int, int], None] | None = None,
    groups: str = "auto",
    *,
    decided: bool = True,
) -> Dataset:
    """List and read every image of a dataset once.

    Args:
        path: A folder of class folders, a folder of `train`/`valid`/`test` folders with class folders inside, a
            folder with a `manifest.csv`, or a CSV manifest itself. A manifest has the columns path and label and may
            have group and split; its paths are relative to the manifest's folder.
        progress: Called with (files read, files in all).
        groups: Which images are of one patient: the setting `data.groups`.
        decided: Whether to leave out near copies that were judged to be different images.

    Raises:
        DataError: The path does not exist or contains no dataset, a manifest is damaged, `groups` matches no image, or
            the folders contain images and their masks.
    """
    with explain_foreign_files(path):
        listed = _list(path)
    root, classes = listed.root, listed.classes
    masks, about_masks = masks_among_images(root, [entry.path for entry in listed.entries if not entry.cells])
    entries = [entry for entry in listed.entries if entry.path not in masks]
    ignored = (*listed.ignored, *map(spelled, sorted(masks)))
    if masks:  # a folder with only masks is not a class
        classes = tuple(name for name in classes if name in {entry.label for entry in entries})
    patients = find_patients([entry.patient_facts for entry in entries], groups, classes)
    facts = read_each(entries, lambda entry: _facts(root, entry), progress)
    rows: list[dict[str, object]] = []
    bad: list[BadFile] = []
    for entry, group, fact in zip(entries, patients.groups, facts, strict=True):
        if isinstance(fact, ScanError):
            bad.append(BadFile(spelled(entry.path), f"{folders_of(entry.path)}{fact}"))
        else:
            rows.append({"path": entry.path, "label": entry.label, "group": group, "split": entry.split, **fact})
    table, classes, again = without_repeated_sets(pd.DataFrame(rows, columns=[*COLUMNS, *FACTS]), classes)
    table, near, found = check_images(table)
    pages = pages_findings({str(row["path"]): int(str(row["pages"])) for row in rows})
    of_classes = class_findings(table, classes)
    about_files = (*reading_findings(table), *pages, *about_masks, *foreign_findings(root, listed.ignored))
    findings = (*listed.findings, *again, *of_classes, *about_files, *patients.findings, *found)
    dataset = Dataset(root, table[COLUMNS], classes, tuple(bad), ignored, findings, patients.source, near)
    return with_decisions(dataset) if decided else dataset


def _list(path: Path) -> Listed:
    try:
        path = path.expanduser()
        if not path.exists():
            raise DataError(f"{path} does not exist: choose a folder of class folders or a CSV manifest.")
        path = path.resolve()
        if spelled(str(path)) != str(path):
            raise DataError(f"The path {spelled(str(path))} is not in UTF-8: rename its folders.")
        if path.is_file() and path.suffix.lower() in SUFFIXES:
            raise DataError(f"{path} is a single image: choose the folder around its class folder, or a CSV manifest.")
        if path.is_file():
            return _from_manifest(path)
        if not path.is_dir():
            raise DataError(f"{path} is neither a folder nor a file: use a folder of class folders or a CSV manifest.")
        if (path / MANIFEST).is_file():
            return _from_manifest(path / MANIFEST)
        return _from_only_table(path) or _from_folders(path)
    except (OSError, RuntimeError) as error:  # RuntimeError: ~ of an unknown user
        place, reason = getattr(error, "filename", None) or path, getattr(error, "strerror", None) or "no such user"
        raise DataError(f"{place} cannot be opened ({reason}): choose a folder that you may read.") from error


def _from_only_table(root: Path) -> Listed | None:
    """Read the only CSV file in a folder that has the columns of a manifest, if there are no class folders."""
    table = only_table(contents(root)[1], ("path", "label"))
    if table is None:
        return None
    try:
        if len(_from_folders(root).classes) > 1:
            return None
    except DataError:  # no class folders
        pass
    listed = _from_manifest(table)
    return replace(listed, findings=[read_as_manifest(table), *listed.findings])


def _from_folders(root: Path) -> Listed:
    found = find_class_folders(root)
    entries, findings = [], list(found.findings)
    ignored = [spelled(item.relative_to(root).as_posix()) for item in found.beside]
    links: list[str] = []
    for split, folder in found.places:
        above = tuple(name for name in folder.relative_to(root).parts[:-1] if strength(patient_part(name)) == 4)
        if spelled(folder.name) != folder.name:
            raise DataError(f"The name of the class folder {spelled(folder.name)!r} is not in UTF-8: rename it.")
        for file in files_below(folder):
            name = file.relative_to(root).as_posix()
            if file.suffix.lower() in SUFFIXES and not file.is_dir():
                entries.append(Entry(name, folder.name, split, above + file.relative_to(folder).parts[:-1]))
            else:
                ignored.append(spelled(name))
                links += [spelled(name)] if file.is_symlink() and file.is_dir() else []
    if links:
        findings.append(
            Finding(
                "links",
                "Links to folders inside a class folder are not followed, because they may leave the dataset or form a "
                "loop: put the folder itself there, or link the class folder.",
                tuple(links),
            )
        )
    if not entries:
        raise DataError(f"The class folders in {root} contain no images: add {', '.join(sorted(SUFFIXES))} files.")
    classes = natural_order({folder.name for _, folder in found.places})
    return Listed(root, entries, classes, ignored, findings)


def _from_manifest(file: Path) -> Listed:
    manifest, entries = open_manifest(file, ("path", "label"), ("group", "split")), []
    for where, cells in manifest.rows:
        if not cells["path"] or not cells["label"]:
            raise DataError(f"{where}: path or label is empty: fill in both.")
        path, split = relative_path(where, cells["path"], file.parent), given_split(where, cells.get("split", ""))
        entries.append(Entry(path, cells["label"], split, PurePosixPath(path).parts[:-1], cells))
    refuse_twice(file, [entry.path for entry in entries])
    paths, findings = find_files(file, [entry.path for entry in entries])
    refuse_twice(file, paths)
    entries = [
        entry if entry.path == path else replace(entry, path=path, folders=PurePosixPath(path).parts[:-1])
        for entry, path in zip(entries, paths, strict=True)
    ]
    classes = natural_order({entry.label for entry in entries})
    return Listed(file.parent, entries, classes, [], [*manifest.findings, *findings, *table_findings(file, manifest)])


def _facts(root: Path, entry: Entry) -> dict[str, object] | ScanError:
    try:
        return scan_facts(read_named(root, entry.path))
    except ScanError as error:
        return error
