"""`Dataset`: a table of readable images with their classes, and the files that could not be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
import pandas as pd

from brainseg.datasets.findings import CONFLICT, UNDECIDED, Finding
from brainseg.datasets.near_copies import NearPair
from brainseg.errors import DataError
from brainseg.files import sha256_bytes
from brainseg.scans import read_scan

COLUMNS = ["path", "label", "group", "split", "sha256", "twin", "mode", "source_format", "width", "height", "warnings"]

PatientSource = Literal["column", "folder", "file name", "none"]
"""Where the patients of a dataset are known from."""

ABSENCE = {
    *("no", "non", "not", "none", "without", "absent", "free"),
    *("normal", "healthy", "control", "negative", "neg", "false", "0"),
}
"""Words that, first or last in a class name, say that there is no tumour."""


@dataclass(frozen=True)
class BadFile:
    """A file that could not be read, and the sentence that says why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Dataset:
    """Images to learn from.

    Attributes:
        root: Folder that the paths are relative to.
        table: One row per readable image, sorted by path. Columns: `path` (relative, with slashes), `label`, `group`
            (patient or subject, "" where unknown), `split` ("train", "valid", "test" or "" where none is given),
            `sha256` of the bytes, `twin` (a name that near copies share, "" for an image that has none), `mode` and
            `source_format` as stored, `width` and `height` in pixels, `warnings` (what reading it left out, "" for
            most).
        classes: Class names in their fixed order.
        bad: Files that could not be read.
        ignored: Files that do not look like images by their name or lie outside the class folders, and links to
            folders.
        findings: What a user should know about the set before learning from it.
        patients_from: Where `group` is known from.
        near_pairs: The near copies that the names in `twin` stand for.
        notes: Sentences on the whole set that a user should know.
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
        """SHA-256 over path, label, given split and content of every readable image; who is a patient does not matter.

        Of a set without patients it is what `grouped_fingerprint` is, which earlier versions stored.
        """
        return self._digest(self.table.assign(group=""))

    @property
    def grouped_fingerprint(self) -> str:
        """SHA-256 over what `fingerprint` covers and the patient of every readable image, on which splits depend."""
        return self._digest(self.table)

    def _digest(self, table: pd.DataFrame) -> str:
        columns = table[["path", "label", "group", "split", "sha256"]]
        return sha256_bytes("\n".join("\t".join(row) for row in columns.itertuples(index=False)).encode())

    def file(self, path: str) -> Path:
        """Return where an image of the table lies."""
        return self.root / path

    def read(self, row: int) -> np.ndarray:
        """Return the pixels of row `row` of the table, (H, W, 3) uint8, as they were when the dataset was opened.

        Raises:
            ScanError: The file cannot be read any more.
            DataError: The file has changed.
        """
        return read_unchanged(self.file(self.table["path"].iloc[row]), self.table["sha256"].iloc[row])

    def usable(self, skip_bad: bool, conflicting: bool = False) -> Self:
        """Return the dataset if a training may start from it.

        Args:
            skip_bad: Files that cannot be used may be left out.
            conflicting: The same bytes may have several labels.

        Raises:
            DataError: Files are unreadable and `skip_bad` is off, it is not clear which ids are one patient, images
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
                f"{self.root} has only one class, {self.classes[0]!r}: a classifier needs two folders of images or "
                "more."
            )
        return self

    def refuse(self, *kinds: str) -> None:
        """Refuse a dataset with a finding that its user has to decide on.

        Raises:
            DataError: Says how.
        """
        if asked := [finding for finding in self.findings if finding.kind in kinds]:
            raise DataError(asked[0].message)

    def refuse_bad(self, skip_bad: bool) -> None:
        """Refuse a dataset with files that cannot be used, unless they may be left out.

        Raises:
            DataError: Names the first twenty.
        """
        if self.bad and not skip_bad:
            reasons = list(dict.fromkeys(bad.reason.rstrip(".") for bad in self.bad))  # one may be on many files
            more = f"; and {len(reasons) - 20} more" if len(reasons) > 20 else ""
            raise DataError(
                f"{len(self.bad)} of {len(self.bad) + len(self.table)} files cannot be used: fix or remove them, or "
                f"pass --skip-bad to leave them out ({'; '.join(reasons[:20])}{more})."
            )


def read_unchanged(file: Path, digest: str) -> np.ndarray:
    """Return the pixels of an image file, (H, W, 3) uint8, if its SHA-256 is still `digest`.

    Raises:
        ScanError: The file cannot be read any more.
        DataError: The file has changed.
    """
    scan = read_scan(file)
    if scan.sha256 != digest:
        raise DataError(f"{file.name} changed while it was being read: start again.")
    return scan.pixels


def positive_class(classes: tuple[str, ...], wanted: str | None = None) -> str | None:
    """Return the class that counts as tumour, or None where more than two classes leave no single one.

    Sensitivity and specificity depend on it, so the names decide where they can, not the alphabet.

    Args:
        classes: Class names in order.
        wanted: The user's own choice.

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
