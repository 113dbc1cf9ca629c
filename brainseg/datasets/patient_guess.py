"""Guess which patient each image is of: from columns that name patients, else folders, else file names."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from brainseg.datasets.findings import Finding
from brainseg.datasets.patient_names import folder_part, patient_before_slice, strength
from brainseg.datasets.table import PatientSource

PATIENT_COLUMNS = ("group", "patient", "patientid", "subject", "subjectid", "case", "caseid")
"""Columns that name patients, in order of preference; spaces, signs and case do not matter."""


@dataclass(frozen=True)
class PatientFacts:
    """Facts about an image that can identify its patient.

    Attributes:
        folders: Names of the folders around it, outermost first; if there is a class folder, only those below it.
        stem: Its file name without extension.
        label: Its class, "" if images have none.
        cells: Its row in a manifest by column; empty without one.
        path: Its path relative to the root.
    """

    folders: tuple[str, ...]
    stem: str
    label: str = ""
    cells: Mapping[str, str] = field(default_factory=dict)
    path: str = ""


def plain_column(column: str) -> str:
    """Return a column's name in lower case, without spaces and signs."""
    return re.sub(r"[\W_]+", "", column).lower()


def guess_patients(
    images: Sequence[PatientFacts], classes: Sequence[str]
) -> tuple[list[str], PatientSource, list[Finding]]:
    """Return one patient id per image ("" if unknown), the source of the ids, and findings."""
    if filled := _filled_columns(images):
        chosen = min(filled, key=lambda name: _has_no_patients(filled[name], images))  # min takes the first of equals
        others = [name for name in filled if filled[name] != filled[chosen]]
        return filled[chosen], "column", [_which_column(chosen, others)] if others else []
    if any(ids := _from_folders(images, classes)):
        return ids, "folder", []
    if any(ids := _from_names(images, classes)):
        return ids, "file name", []
    return [""] * len(images), "none", []


def _filled_columns(images: Sequence[PatientFacts]) -> dict[str, list[str]]:
    """Return the columns that name patients and are not empty, in order of preference."""
    known = {plain_column(column): column for column in reversed(list(images[0].cells))}
    names = [known[name] for name in PATIENT_COLUMNS if name in known]
    cells = {name: [image.cells.get(name, "").strip() for image in images] for name in names}
    return {name: ids for name, ids in cells.items() if any(ids)}


def _has_no_patients(ids: list[str], images: Sequence[PatientFacts]) -> bool:
    """Return whether a column cannot name patients: it has one value per class, or a different one for each image."""
    pairs = {(key, image.label) for key, image in zip(ids, images, strict=True)}
    return len(pairs) <= len({image.label for image in images}) or len(set(ids)) == len(ids)


def _which_column(chosen: str, others: list[str]) -> Finding:
    named = " and ".join(map(repr, others))
    return Finding(
        "patient-columns",
        f"Several columns name patients: brainseg uses {chosen!r}, not {named}; to use another, set for example "
        f"data.groups=column:{others[0]}.",
    )


def _from_folders(images: Sequence[PatientFacts], classes: Sequence[str]) -> list[str]:
    """Return the outermost folder that can be a patient's, or a deeper one that is named like a patient."""
    parts = {name: folder_part(name, classes) for image in images for name in image.folders}
    found = [[parts[name] for name in image.folders if parts[name]] for image in images]
    while any(found):
        ids = [max(names, key=_preference) if names else "" for names in found]  # max takes the first of several
        if not _repeats_classes(found, images) and _plausible(ids, images):
            return ids
        found = [names[1:] for names in found]
    return [""] * len(images)


def _preference(part: str) -> int:
    found = strength(part)
    return 2 if found == 4 else int(found > 1)


def _repeats_classes(found: list[list[str]], images: Sequence[PatientFacts]) -> bool:
    """Return whether the outermost folders only repeat the class: one folder for all, or one per class."""
    first = {image.label: set[str]() for image in images}
    for names, image in zip(found, images, strict=True):
        first[image.label].add(names[0] if names else "")
    if any("" in names or len(names) > 1 for names in first.values()):
        return False
    distinct = set.union(*first.values())
    return len(distinct) == 1 or any(strength(name) < 4 for name in distinct)


def _plausible(ids: list[str], images: Sequence[PatientFacts]) -> bool:
    distinct = {key for key in ids if key}
    if not distinct:
        return False
    if any(strength(key) == 4 for key in distinct):
        return True
    if len(distinct) < 2:
        return False
    labels = {image.label for image in images}
    if len(labels) < 2 or any(strength(key) in (1, 3) for key in distinct):
        return True
    # Plain words that occur in every class are more likely sources or kinds of images than people.
    classes_of = defaultdict(set)
    for key, image in zip(ids, images, strict=True):
        classes_of[key].add(image.label)
    return any(len(classes_of[key]) < len(labels) for key in distinct)


def _from_names(images: Sequence[PatientFacts], classes: Sequence[str]) -> list[str]:
    """Return the part of each name before the slice number, if most names are of several slices of several patients."""
    ids = [patient_before_slice(image.stem, classes) for image in images]
    counts = Counter(key for key in ids if key)
    named, several = counts.total(), sum(count > 1 for count in counts.values())
    classes_of = {(key, image.label) for key, image in zip(ids, images, strict=True) if key}
    enough = named >= 0.8 * len(ids) and several >= 0.5 * len(counts) and several > 1
    # One id per class is a name for the class.
    return ids if enough and len(classes_of) > len({image.label for image in images}) else [""] * len(ids)
