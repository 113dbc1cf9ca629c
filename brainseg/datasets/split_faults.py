"""Explain why a class is missing from one side of a split, and what to do about each cause."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from brainseg.config import DataConfig
from brainseg.datasets.leak_groups import leak_groups
from brainseg.datasets.table import Dataset


def why_missing(dataset: Dataset, sides: np.ndarray, config: DataConfig, side: str, name: str) -> str:
    """Return the cause and the remedy as text, without a full stop.

    Args:
        dataset: The images.
        sides: The side of each.
        config: The settings that the split was drawn with.
        side: The side that lacks the class, "train" or "valid".
        name: The class.
    """
    table = dataset.table
    rows = table[table["label"] == name]
    more = _remedy_for_few(dataset)
    if len(rows) == 1:
        return f"the class has only 1 image, but both sides need one; {more}"
    if config.split == "given":
        return "the given split has none there; move some of its images, or set data.split=grouped"
    if config.split in ("grouped", "k-fold") and not config.by_image:
        return _grouped(table, rows, config, more)
    held = int((sides == "valid").sum())
    classes = table["label"].nunique()
    smaller = min(held, len(table) - held)
    if smaller < classes:
        return f"{side} has {smaller} images for {classes} classes; {larger_side(table, config, classes)}"
    if config.stratify or len(rows) * smaller < len(table):  # its fraction is less than one image
        return f"it has only {len(rows)} images, so a random draw may leave them out; set data.split=grouped"
    return "a random split ignores classes; set data.stratify=true or data.split=grouped"


def _grouped(table: pd.DataFrame, rows: pd.DataFrame, config: DataConfig, more: str) -> str:
    groups = leak_groups(table)[rows.index]
    if len(np.unique(groups)) == 1:
        return f"all {len(rows)} images of the class are {one_group(rows)}"
    if config.split == "k-fold":
        return (
            f"its {len(np.unique(groups))} groups cannot be distributed evenly over {config.folds} folds; set "
            "data.split=grouped"
        )
    if (table["group"] != "").any():
        return (
            "no choice of patients puts every class on both sides; add patients, or set data.groups=none if the "
            "patients are wrong"
        )
    return f"its copies form too few groups; {more}"


def one_group(rows: pd.DataFrame) -> str:
    """Return why images form one group, and what to do about it, without a full stop."""
    if rows["sha256"].nunique() == 1:
        return "copies of one another; add other images"
    if rows["group"].nunique() == 1 and rows["group"].iloc[0]:
        return (
            f"of patient {rows['group'].iloc[0]!r}; add images of other patients, or set data.groups=none if they are "
            "not of one patient"
        )
    if (rows["group"] != "").any():
        return (
            "of patients who are connected by copies; add images of other patients, or set data.groups=none if the "
            "patients are wrong"
        )
    return "exact or near copies of one another; add other images"


def larger_side(table: pd.DataFrame, config: DataConfig, classes: int) -> str:
    """Return how to get every class onto the smaller side."""
    fraction = math.ceil(100 * classes / len(table)) / 100
    if fraction <= 0.5 and config.valid_fraction < fraction:
        return f"set data.valid_fraction={fraction:.2f} and data.stratify=true, or data.split=grouped"
    return "add images"


def _remedy_for_few(dataset: Dataset) -> str:
    return "add images of it, or remove the class" if len(dataset.classes) > 2 else "add images of it"
