"""`Finding`: a warning about a dataset, with the files concerned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from brainseg.datasets.report_fields import DatasetWarning

CONFLICT = "conflicting-labels"
"""Kind of the finding that identical files have several labels; a training starts only after the user confirms it."""

UNDECIDED = "patient-ids"
"""Kind of the finding that asks whether two ids are one patient; a training starts only after the user decides."""


@dataclass(frozen=True)
class Finding:
    """A warning about a dataset; most kinds do not stop a training.

    Attributes:
        kind: A keyword for programs, such as "reading"; each kind has one cause.
        message: One sentence for users: what is unusual, and what to do about it.
        files: Paths of the files concerned, relative to the dataset's root; empty if the whole dataset is concerned.
    """

    kind: str
    message: str
    files: tuple[str, ...] = ()

    def to_dict(self) -> DatasetWarning:
        """Return plain values that JSON can hold."""
        return {"kind": self.kind, "message": self.message, "files": list(self.files)}


def reading_findings(table: pd.DataFrame) -> list[Finding]:
    """Return findings about what was left out or changed when files were read, one for each sentence.

    Args:
        table: Columns `path` and `warnings`.
    """
    warned = table[table["warnings"] != ""]
    return [
        Finding("reading", str(sentence), tuple(rows["path"]))
        for sentence, rows in warned.groupby("warnings", sort=False)
    ]


def pages_findings(pages: Mapping[str, int]) -> list[Finding]:
    """Return one finding that counts the unused pages of stacks and animations.

    Args:
        pages: Path of each image -> number of pages in its file.
    """
    several = {path: count for path, count in pages.items() if count > 1}
    if not several:
        return []
    files, each = ("file contains", "the file") if len(several) == 1 else ("files contain", "each")
    message = (
        f"{len(several)} {files} {sum(several.values())} pages, but only the first page of {each} is used: save each "
        "page as a separate file, named with the patient and then the page number."
    )
    return [Finding("pages", message, tuple(several))]
