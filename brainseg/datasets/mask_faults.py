"""Errors in images and masks: one sentence per file, or one sentence for all files with the same error if many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from brainseg.datasets.findings import Finding
from brainseg.datasets.listing import folders_of, spelled
from brainseg.datasets.table import BadFile
from brainseg.scans import display_name

NAMED = 3
"""Up to this many files with the same fault get one sentence each."""
_MEANING = ("soft", "colour", "odd", "exchanged")
_MANY = {
    "no mask": "{count} images have no mask, such as {first}: add the masks, or remove the images.",
    "no image": "{count} masks have no image, such as {first}: add the images, or remove the masks.",
    "same name": "{count} files differ from another file only in the extension, such as {first}: keep one of each.",
    "size": "{count} masks and their images differ in size, such as {first}: export the masks again in the size of "
    "their images.",
    "orientation": "{count} masks and their images differ in EXIF orientation, such as {first}: save images and masks "
    "again without an EXIF orientation.",
    "pages": "{count} masks and their images differ in the number of pages, such as {first}: save each page as a file.",
}


@dataclass(frozen=True)
class Fault:
    """A file that cannot be used.

    Attributes:
        kind: A key of `_MANY`; faults of any other kind always get one sentence each.
        path: Relative to the dataset's root.
        reason: The complete sentence about this file.
        example: The file as an example in a sentence about many, with the numbers that are wrong; by default its name.
    """

    kind: str
    path: str
    reason: str
    example: str = ""


def display_path(path: str) -> str:
    """Return a path relative to the dataset's root, safe for display."""
    return f"{folders_of(path)}{display_name(path)}"


def fault_findings(faults: Iterable[Fault]) -> list[Finding]:
    """Return one finding for each sentence about several files, or about the meaning of mask values."""
    faults = list(faults)
    kinds = {spelled(fault.path): fault.kind for fault in faults}
    files: dict[str, list[str]] = defaultdict(list)
    for bad in bad_files(faults):
        files[bad.reason].append(bad.path)
    return [
        Finding(f"mask-{kinds[paths[0]].replace(' ', '-')}", reason, tuple(paths))
        for reason, paths in files.items()
        if len(paths) > 1 or kinds[paths[0]] in _MEANING
    ]


def bad_files(faults: Iterable[Fault]) -> list[BadFile]:
    """Return the files with their errors; if many files have the same kind of error, they share one sentence."""
    kinds: dict[str, list[Fault]] = defaultdict(list)
    for fault in faults:
        kinds[fault.kind].append(fault)
    bad = []
    for kind, members in kinds.items():
        members = sorted(members, key=lambda fault: fault.path)
        first = members[0].example or display_path(members[0].path)
        many = _MANY[kind].format(count=len(members), first=first) if kind in _MANY and len(members) > NAMED else ""
        bad += [BadFile(spelled(fault.path), many or fault.reason) for fault in members]
    return bad
