"""Find the patient of each image in a dataset: from a column of its manifest, its folders or its file names.

Slices of one patient look alike, so a split must keep them together. `brainseg.config.group_rule` describes the setting
`data.groups`. The guess uses the first of `PATIENT_COLUMNS` that is filled in, else folders around the images that can
be patients, else file names, if these clearly belong to several slices of several patients.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from brainseg.config.group_rule import Rule, parse_rule
from brainseg.datasets.findings import UNDECIDED, Finding
from brainseg.datasets.patient_guess import PatientFacts, guess_patients, plain_column
from brainseg.datasets.patient_names import loose
from brainseg.datasets.table import PatientSource
from brainseg.errors import DataError


@dataclass(frozen=True)
class Patients:
    """The patient of each image.

    Attributes:
        groups: One id per image, "" if unknown.
        source: Where the ids come from.
        findings: Messages for the user.
    """

    groups: list[str]
    source: PatientSource = "none"
    findings: tuple[Finding, ...] = ()


def find_patients(images: Sequence[PatientFacts], rule: str = "auto", classes: Sequence[str] = ()) -> Patients:
    """Find the patient of each image.

    Args:
        images: The facts about each image.
        rule: The setting `data.groups`.
        classes: Names of the dataset's classes, which are not patients.

    Raises:
        ConfigError: The rule is not valid.
        DataError: The rule matches no image of this dataset.
    """
    wanted = parse_rule(rule)
    if wanted.kind == "none" or not images:
        return Patients([""] * len(images))
    if wanted.kind == "auto":
        ids, source, findings = guess_patients(images, classes)
    else:
        ids, source, findings = *_set(images, wanted), []
    if source == "none":
        return Patients([""] * len(images))
    keys, questions = _compared(ids, images, source, wanted)
    findings += questions
    if source == "folder" and not wanted.per_class:
        findings += _in_several_classes(keys, images)
    return Patients(_spelled(ids, keys, images, wanted.per_class), source, tuple(findings))


# ------------------------------------------------------------------------------------------------------------ set rules


def _set(images: Sequence[PatientFacts], rule: Rule) -> tuple[list[str], PatientSource]:
    source: PatientSource
    if rule.kind == "column":
        ids, source = _column(images, rule.value), "column"
    elif rule.kind == "folder":
        ids, source = [_folder(image.folders, int(rule.value)) for image in images], "folder"
    else:
        found = [re.search(rule.value, image.stem) for image in images]
        ids, source = [(match[1] or "").strip() if match else "" for match in found], "file name"
    if not any(ids):
        raise DataError(
            f"data.groups: {rule.kind}:{rule.value} finds no patient in this dataset, whose first image is "
            f"{images[0].path or images[0].stem}: choose another rule, or none."
        )
    return ids, source


def _column(images: Sequence[PatientFacts], name: str) -> list[str]:
    columns = {plain_column(column): column for column in images[0].cells}
    if plain_column(name) not in columns:
        there = ", ".join(images[0].cells) or "no columns, because it has no manifest"
        raise DataError(f"data.groups: there is no column {name!r}; the dataset has {there}.")
    return [image.cells.get(columns[plain_column(name)], "").strip() for image in images]


def _folder(folders: tuple[str, ...], level: int) -> str:
    position = level - 1 if level > 0 else len(folders) + level
    return folders[position] if 0 <= position < len(folders) else ""


# -------------------------------------------------------------------------------------------------------- comparing ids


def _compared(
    ids: list[str], images: Sequence[PatientFacts], source: PatientSource, rule: Rule
) -> tuple[list[str], list[Finding]]:
    """Return a key for each image that is equal for images of one patient, and questions for the user."""
    questions: list[Finding] = []
    keys = [key if rule.compare == "exact" else loose(key) for key in ids]
    if rule.compare == "ask" and (doubtful := _doubtful(ids, images, source, rule.per_class)):
        keys = [exact if key in doubtful else key for exact, key in zip(ids, keys, strict=True)]
        questions = [_question(ids, doubtful, images)]
    if rule.per_class:
        keys = [f"{image.label}/{key}" if key else "" for key, image in zip(keys, images, strict=True)]
    return keys, questions


def _doubtful(ids: list[str], images: Sequence[PatientFacts], source: PatientSource, per_class: bool) -> set[str]:
    """Return the loose ids that are spelled in two ways and may be two patients.

    Within one folder, any difference counts; within one class of a column, leading zeros count. For plain numbers in
    columns and file names, leading zeros count in the whole dataset: many datasets number the patients of each class
    from 1, and "01" in one class and "1" in another must not be merged by accident. The same folder name in two classes
    has a separate finding.
    """
    spellings: dict[tuple[str, object], set[str]] = defaultdict(set)
    for key, image in zip(ids, images, strict=True):
        if key:
            if source != "column":
                folder = _above(image, key) if source == "folder" else (image.path.rsplit("/", 1)[0], "")
                spellings[loose(key), folder].add(key)
            if source != "folder":
                spelling = re.sub(r"\s+", "", key).casefold()
                if spelling.isdigit() and not per_class:
                    spellings[loose(key), ""].add(spelling)
                elif source == "column":
                    spellings[loose(key), image.label].add(spelling)
    return {key for (key, _), found in spellings.items() if len(found) > 1}


def _above(image: PatientFacts, key: str) -> tuple[str, ...]:
    """Return the path of the folder that contains a patient's folder."""
    way = tuple(image.path.split("/")[:-1])
    inside = next((depth for depth, name in enumerate(image.folders) if key in name), 0)
    return way[: len(way) - len(image.folders) + inside]


def _question(ids: list[str], doubtful: set[str], images: Sequence[PatientFacts]) -> Finding:
    files: dict[str, str] = {}
    for key, image in zip(ids, images, strict=True):
        if loose(key) in doubtful:
            files.setdefault(key, image.path)
    shown = " and ".join(map(repr, list(files)[:2]))
    more = f" (and {len(files) - 2} more ids)" if len(files) > 2 else ""
    return Finding(
        UNDECIDED,
        f"Patients {shown}{more} differ only in case, spaces or leading zeros: set data.groups=exact if they are "
        "different patients, or data.groups=loose if they are the same.",
        tuple(files.values()),
    )


def _in_several_classes(keys: list[str], images: Sequence[PatientFacts]) -> list[Finding]:
    classes_of: dict[str, set[str]] = defaultdict(set)
    for key, image in zip(keys, images, strict=True):
        classes_of[key].add(_class_above(image.path, image.label, key))
    shared = [key for key, labels in classes_of.items() if key and len(labels) > 1]
    if not shared:
        return []
    first = next(image for image, key in zip(images, keys, strict=True) if key == shared[0])
    names = f"{len(shared)} names of patient folders occur" if len(shared) > 1 else "1 name of a patient folder occurs"
    return [
        Finding(
            "patients-in-classes",
            f"{names} in more than one class, such as that of {first.path}: images with the same name stay on one side "
            "of a split, because they may be of one patient. Set data.groups=per-class if they are different people.",
        )
    ]


def patient_folders(paths: Sequence[str], labels: Sequence[str], groups: Sequence[str]) -> int:
    """Count the folders of patients in class folders; the same name in two classes counts twice.

    Args:
        paths: Paths of the images, relative to the root of the dataset.
        labels: Their classes.
        groups: Their patients, known from folders; "" if unknown.
    """
    found = zip(paths, labels, groups, strict=True)
    return len({(_class_above(path, label, group), group) for path, label, group in found if group})


def _class_above(path: str, label: str, group: str) -> str:
    """Return the class whose folder contains a patient's folder; "" if there is none."""
    folders = path.split("/")[:-1]
    below = folders[folders.index(label) + 1 :] if label in folders else []
    return label if any(loose(group) in loose(name) for name in below) else ""


def _spelled(ids: list[str], keys: list[str], images: Sequence[PatientFacts], per_class: bool) -> list[str]:
    """Name each patient with the spelling of its first image."""
    names: dict[str, str] = {}
    for key, name, image in zip(keys, ids, images, strict=True):
        names.setdefault(key, f"{image.label}/{name}" if per_class and name else name)
    return [names[key] for key in keys]
