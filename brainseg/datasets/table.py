"""`Dataset`: a table of readable images with their classes, and the files that could not be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import numpy as np
import pandas as pd

from brainseg.datasets.findings import CONFLICT, UNDECIDED, Finding
from brainseg.datasets.near_copies import NearPair
from brainseg.errors import DataError
from brainseg.files import sha256_bytes
from brainseg.scans.reading import read_pixels

COLUMNS = ["path", "label", "group", "split", "sha256", "twin", "mode", "source_format", "width", "height", "warnings"]

PatientSource = Literal["column", "folder", "file name", "none"]
"""Source of the patient ids of a dataset."""

ABSENCE = {
    *("no", "non", "not", "none", "without", "absent", "free"),
    *("normal", "healthy", "control", "negative", "neg", "false", "0"),
}
"""Words at the start or end of a class name that mean that there is no tumour."""


@dataclass(frozen=True)
class BadFile:
    """A file that could not be read, and the reason as a sentence."""

    path: str
    reason: str


@dataclass(frozen=True)
class Dataset:
    """Images to learn from.

    Attributes:
        root: Folder that the paths are relative to.
        table: One row per readable image, sorted by path. Columns: `path` (relative, with slashes), `label`, `group`
            (patient, "" if unknown), `split` ("train", "valid", "test" or "" if none is given), `sha256` of the bytes,
            `twin` (a name that near copies share, "" for an image without near copies), `mode` and `source_format` as
            stored, `width` and `height` in pixels, `warnings` (parts that were not read, "" for most).
        classes: Class names in their fixed order.
        bad: Files that could not be read.
        ignored: Files without an image extension, files outside the class folders, and links to folders.
        findings: Warnings about the dataset for the user.
        patients_from: Source of `group`.
        near_pairs: The pairs of near copies behind the names in `twin`.
        notes: Sentences about the whole dataset for the user.
    """

    root: Path
    table: pd.DataFrame
    classes: tuple[str, ...]
    bad: tuple[BadFile, ...] = ()
    ignored: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    patients_from: PatientSource = "none"
    near_pairs: tuple[NearPair, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """SHA-256 over path, label, given split and content of every readable image; patients are not included.

        For a dataset without patients, it equals `grouped_fingerprint`, which earlier versions stored.
        """
        return self._digest(self.table.assign(group=""))

    @property
    def grouped_fingerprint(self) -> str:
        """SHA-256 like `fingerprint`, but including the patient of every readable image, on which splits depend."""
        return self._digest(self.table)

    def _digest(self, table: pd.DataFrame) -> str:
        columns = table[["path", "label", "group", "split", "sha256"]]
        return sha256_bytes("\n".join("\t".join(row) for row in columns.itertuples(index=False)).encode())

    def file(self, path: str) -> Path:
        """Return the full path of an image in the table."""
        return self.root / path

    def read(self, row: int) -> np.ndarray:
        """Return the pixels of row `row` of the table, (H, W, 3) uint8, as they were when the dataset was opened.

        Raises:
            ScanError: The file can no longer be read.
            DataError: The file has changed.
        """
        path, digest = self._files[row]
        return read_unchanged(self.file(path), digest)

    @cached_property
    def _files(self) -> list[tuple[str, str]]:
        """Path and hash of each row: to take them from the table costs as much as to read a small file."""
        return list(zip(self.table["path"].tolist(), self.table["sha256"].tolist(), strict=True))

    def usable(self, skip_bad: bool, conflicting: bool = False) -> Self:
        """Return the dataset if a training may start from it.

        Args:
            skip_bad: Whether files that cannot be used may be left out.
            conflicting: Whether identical files may have several labels.

        Raises:
            DataError: Files are unreadable and `skip_bad` is off, it is unclear which ids are one patient, images
                have several labels and `conflicting` is off, a class has no readable image, or there are fewer than two
                classes.
        """
        self.refuse_bad(skip_bad)
        self.refuse(UNDECIDED, *(() if conflicting else (CONFLICT,)))
        counts = self.table["label"].value_counts()
        if empty := [name for name in self.classes if not counts.get(name, 0)]:
            raise DataError(f"{self.root}: class {empty[0]!r} has no readable image: add images or remove the class.")
        if len(self.classes) < 2:
            raise DataError(
                f"{self.root} has only one class, {self.classes[0]!r}, but a classifier needs at least two: add a "
                "folder of images for each other class."
            )
        return self

    def refuse(self, *kinds: str) -> None:
        """Raise an error if there is a finding of these kinds, which the user must decide on.

        Raises:
            DataError: There is one; the message says what to do.
        """
        if refused := [finding for finding in self.findings if finding.kind in kinds]:
            raise DataError(refused[0].message)

    def refuse_bad(self, skip_bad: bool) -> None:
        """Raise an error if files cannot be used, unless they may be left out.

        Raises:
            DataError: There are such files; the message gives the first twenty reasons.
        """
        if self.bad and not skip_bad:
            reasons = list(dict.fromkeys(bad.reason.rstrip(".") for bad in self.bad))  # many files may share a reason
            more = f"; and {len(reasons) - 20} more" if len(reasons) > 20 else ""
            raise DataError(
                f"{len(self.bad)} of {len(self.bad) + len(self.table)} files cannot be used: fix or remove them, or "
                f"pass --skip-bad to leave them out ({'; '.join(reasons[:20])}{more})."
            )


def read_unchanged(file: Path, digest: str) -> np.ndarray:
    """Return the pixels of an image file, (H, W, 3) uint8, if its SHA-256 is still `digest`.

    Raises:
        ScanError: The file can no longer be read.
        DataError: The file has changed.
    """
    pixels, found = read_pixels(file)
    if found != digest:
        raise DataError(f"{file.name} changed while it was being read: start again.")
    return pixels


def positive_class(classes: tuple[str, ...], wanted: str | None = None) -> str | None:
    """Return the class that counts as tumour, or None if there are more than two classes.

    Sensitivity and specificity depend on it, so the class names decide if possible, not the alphabetical order.

    Args:
        classes: Class names in order.
        wanted: The user's choice.

    Raises:
        DataError: `wanted` is not a class.
    """
    if wanted is not None:
        if wanted not in classes:
            raise DataError(f"data.positive: {wanted!r} is not a class, allowed: {', '.join(classes)}.")
        return wanted
    if len(classes) != 2:
        return None
    negative = [name for name in classes if _names_absence(name)]
    return next(name for name in classes if name != negative[0]) if len(negative) == 1 else classes[1]


def _names_absence(name: str) -> bool:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[^\w]+", "_", name).lower().strip("_").split("_")
    joined = words[0].startswith(("notum", "nontum", "noncancer", "nonlesion"))
    return joined or not ABSENCE.isdisjoint((words[0], words[-1]))
