"""Splits: which images train and which are held out. Each is seeded and stored with the run."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from brainseg.config import DataConfig
from brainseg.datasets.table import Dataset
from brainseg.errors import DataError

ATTEMPTS = 200


def split_dataset(dataset: Dataset, config: DataConfig) -> pd.Series:
    """Return "train", "valid" or (given splits only) "test" for every row of `dataset.table`.

    Raises:
        DataError: The set has no given split, or is too small for the split asked for.
    """
    sides = {
        "random": _random,
        "grouped": _grouped,
        "k-fold": _k_fold,
        "given": _given,
    }[config.split](dataset, config)
    _check(dataset, sides)
    return pd.Series(sides, index=dataset.table.index, name="split")


def leak_groups(table: pd.DataFrame) -> np.ndarray:
    """Number the groups that must not straddle a split.

    Rows are joined when their bytes are identical, when they are near copies or when they name the same patient, and by
    chains of the three.

    Args:
        table: Columns `sha256`, `twin` and `group` (the last two "" where there is none).

    Returns:
        (N,) int64 group numbers, counted from 0 in order of appearance.
    """
    parent = list(range(len(table)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for column in ("sha256", "twin", "group"):
        first: dict[str, int] = {}
        for row, key in enumerate(table[column]):
            if key:
                parent[root(row)] = root(first.setdefault(key, row))
    return pd.factorize(np.array([root(row) for row in range(len(table))]))[0]


def _random(dataset: Dataset, config: DataConfig) -> np.ndarray:
    count = len(dataset.table)
    held = _held_out(count, config)
    labels = dataset.table["label"] if config.stratify else None
    if config.stratify and dataset.table["label"].value_counts().min() < 2:
        raise DataError("A stratified split needs two images of every class: add images or set data.stratify=false.")
    try:
        _, valid = train_test_split(np.arange(count), test_size=held, random_state=config.seed, stratify=labels)
    except ValueError as error:
        raise DataError(f"{dataset.root} has {count} images, too few for a stratified split: add images.") from error
    return _sides(count, valid)


def _grouped(dataset: Dataset, config: DataConfig) -> np.ndarray:
    """Fill the held-out side with whole groups in random order; draw anew while a class is missing from a side."""
    groups = leak_groups(dataset.table)
    sizes = np.bincount(groups)
    if len(sizes) < 2:
        raise DataError(f"{dataset.root} has one group of images only: a grouped split needs two patients or more.")
    held = _held_out(len(groups), config)
    random = np.random.default_rng(config.seed)
    sides = np.full(len(groups), "train", dtype=object)
    for attempt in range(ATTEMPTS):
        sides = np.where(np.isin(groups, _fill(sizes, held, attempt, random)), "valid", "train").astype(object)
        if not _missing(dataset, sides):
            break
    return sides


def _fill(sizes: np.ndarray, held: int, attempt: int, random: np.random.Generator) -> list[int]:
    """Draw groups that hold about `held` images together, and never all groups."""
    chosen, left, room = [], [], held
    for group in random.permutation(len(sizes)):
        if sizes[group] <= room:
            chosen.append(group)
            room -= sizes[group]
        else:
            left.append(group)
    left.sort(key=lambda group: sizes[group])
    if not chosen:  # each alone is more than was asked for: the smallest, or the next where that lacks a class
        return [left[attempt % len(left)]]
    if len(left) > 1 and sizes[left[0]] - room < room:  # a little too many is closer than too few
        chosen.append(left[0])
    return chosen


def _k_fold(dataset: Dataset, config: DataConfig) -> np.ndarray:
    return _sides(len(dataset.table), fold_members(dataset, config.folds, config.seed)[config.fold])


def fold_members(dataset: Dataset, folds: int, seed: int, grouped: bool = True) -> list[np.ndarray]:
    """Return the row numbers that each of the class-balanced folds holds out.

    Args:
        dataset: The images.
        folds: Number of folds.
        seed: Seed of the shuffle.
        grouped: Keep copies and patients together; without it every image is its own group.

    Raises:
        DataError: There are fewer groups than folds.
    """
    table = dataset.table
    groups = leak_groups(table) if grouped else np.arange(len(table))
    for name, rows in table.groupby("label"):
        if len(np.unique(groups[rows.index])) < folds:
            raise DataError(
                f"class {name!r} has fewer independent images or patients than {folds} folds: use fewer folds."
            )
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    return [valid for _, valid in splitter.split(np.zeros(len(table)), table["label"], groups)]


def _given(dataset: Dataset, _config: DataConfig) -> np.ndarray:
    sides = dataset.table["split"].to_numpy(dtype=object)
    if not (sides != "").any():
        raise DataError(
            f"{dataset.root} comes with no split: use train and test folders, a split column, or data.split=grouped."
        )
    if (sides == "").any():
        raise DataError(f"{dataset.root}: {int((sides == '').sum())} images have no split: fill in the split column.")
    # A set with only train and test is monitored on its test images, as its users do.
    return sides if (sides == "valid").any() else np.where(sides == "test", "valid", sides)


def _held_out(count: int, config: DataConfig) -> int:
    held = int(count * config.valid_fraction + 1e-9)  # 100 * 0.29 is a hair less than 29
    if held < 1 or count - held < 2:
        raise DataError(f"{count} images are too few for a split with a share of {config.valid_fraction}: add images.")
    return held


def _sides(count: int, valid: np.ndarray) -> np.ndarray:
    sides = np.full(count, "train", dtype=object)
    sides[valid] = "valid"
    return sides


def _missing(dataset: Dataset, sides: np.ndarray) -> list[tuple[str, str]]:
    present = set(zip(sides, dataset.table["label"], strict=True))
    return [(side, name) for side in ("train", "valid") for name in dataset.classes if (side, name) not in present]


def _check(dataset: Dataset, sides: np.ndarray) -> None:
    if missing := _missing(dataset, sides):
        side, name = missing[0]
        where = "training" if side == "train" else "validation"
        raise DataError(
            f"No image of class {name!r} is on the {where} side: add images of it, or choose another seed or split."
        )
