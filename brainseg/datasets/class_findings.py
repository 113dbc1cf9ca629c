"""What is odd about the classes of a dataset: too few images, names for one thing, copies under several labels."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

import pandas as pd

from brainseg.datasets.findings import CONFLICT, Finding
from brainseg.datasets.listing import natural_order

NAMED = 5


def class_findings(table: pd.DataFrame, classes: Sequence[str]) -> list[Finding]:
    """Return what a user should know about the classes.

    Args:
        table: Columns `path`, `label`, `group` and `sha256`.
        classes: All classes, in their order.
    """
    return [
        *_single_class(classes),
        *_similar_classes(table, classes),
        *_small_classes(table, classes),
        *_conflicting_labels(table),
        *_repeated_folders(table),
    ]


def without_repeated_sets(
    table: pd.DataFrame, classes: tuple[str, ...]
) -> tuple[pd.DataFrame, tuple[str, ...], list[Finding]]:
    """Leave out a class all of whose images are copies of images of two other classes or more.

    It is the whole set once more in one folder, such as `all`, and would teach a model that every image is of it too.

    Args:
        table: Columns `path`, `label` and `sha256`.
        classes: All classes, in their order.

    Returns:
        The other rows, the other classes, and a finding for each class that was left out.
    """
    findings = []
    labels_of = table.groupby("sha256")["label"].agg(set)
    for name in classes if len(classes) > 2 else ():
        own = table[table["label"] == name]
        others = [labels - {name} for labels in own["sha256"].map(labels_of)]
        if len(own) < 2 or not all(others) or len(set.union(*others)) < 2:
            continue
        findings.append(
            Finding(
                "set-in-itself",
                f"Each of the {len(own)} images of class {name!r} is a copy of an image of another class: it holds the "
                "set once more, and is left out.",
                tuple(own["path"]),
            )
        )
        table, classes = table[table["label"] != name], tuple(other for other in classes if other != name)
        labels_of = table.groupby("sha256")["label"].agg(set)
    return table.reset_index(drop=True), classes, findings


def plain_class(name: str) -> str:
    """Return a class name without case, signs and the ending of a plural: equal for names that are probably one."""
    return re.sub(r"[\W_]+", "", name.casefold()).replace("tumour", "tumor").removesuffix("s")


def _similar_classes(table: pd.DataFrame, classes: Sequence[str]) -> list[Finding]:
    alike: dict[str, list[str]] = defaultdict(list)
    for name in natural_order(classes):
        alike[plain_class(name)].append(name)
    counts = table["label"].value_counts()
    return [
        Finding(
            "similar-classes",
            f"The classes {', '.join(f'{name!r} ({counts.get(name, 0)})' for name in names)} are probably one, but are "
            "learnt as different ones: give their images the same label.",
        )
        for names in alike.values()
        if len(names) > 1
    ]


def _single_class(classes: Sequence[str]) -> list[Finding]:
    if len(classes) != 1:
        return []
    words = f"There is only one class, {classes[0]!r}, and a classifier needs two or more: add a folder for each other."
    return [Finding("one-class", words)]


def _repeated_folders(table: pd.DataFrame) -> list[Finding]:
    """Find folders inside a class that hold images of a folder around them once more, as glioma/glioma may."""
    found = []
    contents: dict[str, set[str]] = defaultdict(set)
    for path, digest in zip(table["path"], table["sha256"], strict=True):
        contents[path.rpartition("/")[0]].add(digest)
    for folder, own in contents.items():
        around = folder.rpartition("/")[0]
        while around and not own <= contents.get(around, set()):
            around = around.rpartition("/")[0]
        if around and len(own) > 1:
            words = f"The folder {folder} holds {len(own)} images of {around} once more: remove it."
            found.append(Finding("set-in-itself", words, (folder,)))
    return found


def _small_classes(table: pd.DataFrame, classes: Sequence[str]) -> list[Finding]:
    found = []
    for name in classes:
        rows = table[table["label"] == name]
        if len(rows) == 1:
            words = f"Class {name!r} has 1 image, so it cannot be learnt and checked: add images, or remove the class."
        elif len(rows) > 1 and rows["sha256"].nunique() == 1:
            words = f"All {len(rows)} images of class {name!r} are copies of one: add others, or remove the class."
        elif len(rows) > 1 and rows["group"].nunique() == 1 and rows["group"].iloc[0]:
            patient = rows["group"].iloc[0]
            words = (
                f"All {len(rows)} images of class {name!r} are of patient {patient!r}, so a split by patients cannot "
                "have it on both sides: add images of other patients, or say otherwise with data.groups."
            )
        else:
            continue
        found.append(Finding("small-class", words, tuple(rows["path"][:NAMED])))
    return found


def _conflicting_labels(table: pd.DataFrame) -> list[Finding]:
    several = table.groupby("sha256")["label"].transform("nunique") > 1
    files = table[several].sort_values(["sha256", "path"], kind="stable")
    if files.empty:
        return []
    first = files[files["sha256"] == files["sha256"].iloc[0]]
    shown = " and ".join(f"{row.path} ({row.label})" for row in first.drop_duplicates("label").itertuples())
    count = files["sha256"].nunique()
    images = "1 image has" if count == 1 else f"{count} images have"
    return [
        Finding(
            CONFLICT,
            f"{images} several labels, such as {shown}, the same file byte for byte: remove the wrong one, or "
            "set data.allow_conflicting_labels=true to train on both.",
            tuple(files["path"]),
        )
    ]
