"""Findings about the classes of a dataset: too few images, two names for one class, copies with several labels."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

import pandas as pd

from brainseg.datasets.findings import CONFLICT, Finding
from brainseg.datasets.listing import natural_order

NAMED = 5


def class_findings(table: pd.DataFrame, classes: Sequence[str]) -> list[Finding]:
    """Return findings about the classes for the user.

    Args:
        table: Columns `path`, `label`, `group` and `sha256`.
        classes: All classes, in order.
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
    """Leave out a class if all of its images are copies of images of at least two other classes.

    Such a class is a second copy of the whole dataset, for example a folder `all`. It would teach a model that every
    image also belongs to it.

    Args:
        table: Columns `path`, `label` and `sha256`.
        classes: All classes, in order.

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
                f"All {len(own)} images of class {name!r} are copies of images of other classes: brainseg treats the "
                "class as a second copy of the dataset and leaves it out.",
                tuple(own["path"]),
            )
        )
        table, classes = table[table["label"] != name], tuple(other for other in classes if other != name)
        labels_of = table.groupby("sha256")["label"].agg(set)
    return table.reset_index(drop=True), classes, findings


def plain_class(name: str) -> str:
    """Return a class name without case, signs and plural s: equal for names that probably mean the same class."""
    return re.sub(r"[\W_]+", "", name.casefold()).replace("tumour", "tumor").removesuffix("s")


def _similar_classes(table: pd.DataFrame, classes: Sequence[str]) -> list[Finding]:
    alike: dict[str, list[str]] = defaultdict(list)
    for name in natural_order(classes):
        alike[plain_class(name)].append(name)
    counts = table["label"].value_counts()
    return [
        Finding(
            "similar-classes",
            f"The classes {', '.join(f'{name!r} ({counts.get(name, 0)})' for name in names)} are probably one class, "
            "but a model learns them as different classes: give their images the same label.",
        )
        for names in alike.values()
        if len(names) > 1
    ]


def _single_class(classes: Sequence[str]) -> list[Finding]:
    if len(classes) != 1:
        return []
    message = (
        f"There is only one class, {classes[0]!r}, but a classifier needs at least two: add a folder for each other "
        "class."
    )
    return [Finding("one-class", message)]


def _repeated_folders(table: pd.DataFrame) -> list[Finding]:
    """Find folders inside a class that contain only copies of images in a folder around them, such as glioma/glioma."""
    found = []
    contents: dict[str, set[str]] = defaultdict(set)
    for path, digest in zip(table["path"], table["sha256"], strict=True):
        contents[path.rpartition("/")[0]].add(digest)
    for folder, own in contents.items():
        around = folder.rpartition("/")[0]
        while around and not own <= contents.get(around, set()):
            around = around.rpartition("/")[0]
        if around and len(own) > 1:
            message = f"The folder {folder} contains copies of {len(own)} images of {around}: remove it."
            found.append(Finding("set-in-itself", message, (folder,)))
    return found


def _small_classes(table: pd.DataFrame, classes: Sequence[str]) -> list[Finding]:
    found = []
    for name in classes:
        rows = table[table["label"] == name]
        if len(rows) == 1:
            message = (
                f"Class {name!r} has only 1 image, too few to train and to evaluate: add images, or remove the class."
            )
        elif len(rows) > 1 and rows["sha256"].nunique() == 1:
            message = (
                f"All {len(rows)} images of class {name!r} are copies of one image: add others, or remove the class."
            )
        elif len(rows) > 1 and rows["group"].nunique() == 1 and rows["group"].iloc[0]:
            patient = rows["group"].iloc[0]
            message = (
                f"All {len(rows)} images of class {name!r} are of patient {patient!r}, so a split by patients cannot "
                "have the class on both sides: add images of other patients, or correct the patients with data.groups."
            )
        else:
            continue
        found.append(Finding("small-class", message, tuple(rows["path"][:NAMED])))
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
            f"{images} several labels, such as {shown}, which are byte-identical: remove the wrong one, or set "
            "data.allow_conflicting_labels=true to train on both.",
            tuple(files["path"]),
        )
    ]
