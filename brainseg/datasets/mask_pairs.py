"""Pairs of images and masks before they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from brainseg.datasets.findings import Finding
from brainseg.datasets.mask_faults import Fault, bad_files
from brainseg.datasets.patient_guess import PatientFacts
from brainseg.datasets.table import BadFile
from brainseg.errors import DataError


class NoMatch(DataError):
    """Folders are named like images and masks, but no file names match."""


@dataclass(frozen=True)
class Pair:
    """An image and its mask before they are read; paths are relative to the root, `spacing` is as in the table.

    `cells` is the row of a manifest; `key` is the name, without sequence, that the images of one mask share.
    """

    path: str
    mask: str
    group: str = ""
    split: str = ""
    spacing: str = ""
    modality: str = ""
    slice: str = ""
    channels: tuple[str, ...] = ()
    cells: Mapping[str, str] = field(default_factory=dict)
    key: str = ""

    @property
    def patient_facts(self) -> PatientFacts:
        """The facts that can identify its patient."""
        pure = PurePosixPath(self.path)
        return PatientFacts(pure.parts[:-1], PurePosixPath(self.key or pure).stem, "", self.cells, self.path)


@dataclass
class Listing:
    """The pairs below a folder, the files without a partner, and the files that are not images.

    Attributes:
        root: The folder that the paths are relative to.
        pairs: Images with their masks.
        faults: Files that cannot be used, and why; many of one kind share one sentence.
        bad: Files that cannot be used, with one sentence each.
        ignored: Files that are not images, or outside the folders of images and masks.
        findings: Messages for the user.
        layout: How images and masks were paired.
    """

    root: Path
    pairs: list[Pair] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    bad: list[BadFile] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    layout: Literal["manifest", "folders", "names"] = "manifest"

    def all_bad(self) -> list[BadFile]:
        """Return every file that cannot be used, with its sentence."""
        return [*self.bad, *bad_files(self.faults)]
