"""`Finding`: one thing about a dataset that its user should know, with the files that it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

CONFLICT = "conflicting-labels"
"""Kind of the finding that the same bytes have several labels: a training does not start before that is confirmed."""

UNDECIDED = "patient-ids"
"""Kind of the finding that asks whether two ids are one patient: a training does not start before that is decided."""


@dataclass(frozen=True)
class Finding:
    """A warning about a dataset, which does not stop a training.

    Attributes:
        kind: A word for programs, such as "reading"; one kind has one cause.
        message: One sentence for people: what is unusual, and what to do about it.
        files: Paths from the dataset's root that it is about; empty if it is about the whole set.
    """

    kind: str
    message: str
    files: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {"kind": self.kind, "message": self.message, "files": list(self.files)}


def reading_findings(table: pd.DataFrame) -> list[Finding]:
    """Return what reading single files left out or changed, one finding for each sentence.

    Args:
        table: Columns `path` and `warnings`.
    """
    warned = table[table["warnings"] != ""]
    return [
        Finding("reading", str(sentence), tuple(rows["path"]))
        for sentence, rows in warned.groupby("warnings", sort=False)
    ]


def pages_findings(pages: Mapping[str, int]) -> list[Finding]:
    """Return one finding that counts the pages of stacks and animations that are not used.

    Args:
        pages: Path of each image -> pages in its file.
    """
    several = {path: count for path, count in pages.items() if count > 1}
    if not several:
        return []
    files, each = ("file holds", "the file") if len(several) == 1 else ("files hold", "each")
    message = (
        f"{len(several)} {files} {sum(several.values())} pages, and only the first page of {each} is used: save each "
        "page as a file of its own, with the patient's name before its number."
    )
    return [Finding("pages", message, tuple(several))]
