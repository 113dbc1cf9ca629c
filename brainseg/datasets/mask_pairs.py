"""Images with their masks before either is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from brainseg.datasets.findings import Finding
from brainseg.datasets.mask_faults import Fault, bad_files
from brainseg.datasets.patient_guess import Place
from brainseg.datasets.table import BadFile
from brainseg.errors import DataError


class NoMatch(DataError):
    """Folders are called like images and masks, but hold none that fit."""


@dataclass(frozen=True)
class Pair:
    """An image and its mask before either is read; paths from the root, `spacing` as in the dataset's table.

    `cells` are the row of a manifest, `key` is the name that the images of one mask share without their sequence.
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
    def place(self) -> Place:
        """What can tell its patient."""
        pure = PurePosixPath(self.path)
        return Place(pure.parts[:-1], PurePosixPath(self.key or pure).stem, "", self.cells, self.path)


@dataclass
class Listing:
    """The pairs below a folder, what has no partner, and what is no image.

    Attributes:
        root: What the paths are relative to.
        pairs: Images with their masks.
        faults: Files that cannot be used, and why; many of a kind share one sentence.
        bad: Files that cannot be used, with a sentence each.
        ignored: What is no image, or lies outside the folders of images and masks.
        findings: What a user should know.
        layout: What said which mask belongs to which image.
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
