"""Split a dataset into training, validation and test sets. Each split is seeded and stored with the run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from brainseg.config import DataConfig
from brainseg.datasets.group_split import draw_groups
from brainseg.datasets.leak_groups import leak_groups
from brainseg.datasets.split_faults import larger_side, one_group, why_missing
from brainseg.datasets.table import Dataset
from brainseg.errors import DataError

SETS = 3
"""Training, validation and test set."""
__all__ = ["check_folds", "fold_members", "leak_groups", "split_dataset"]


def split_dataset(dataset: Dataset, config: DataConfig) -> pd.Series:
    """Return "train", "valid" or "test" for every row of `dataset.table`.

    Only a given split and `test_fraction` have a test set. Rows that are left out are "outer": the outer fold of a
    nested cross-validation, or the test set with `test_use`. Nothing learns from them, and nothing is evaluated or
    chosen on them.

    Raises:
        DataError: The dataset has no given split, or is too small for the chosen split.
    """
    test = _test_rows(dataset, config) if config.test_fraction else np.array([], dtype=int)
    kept = np.setdiff1d(np.arange(len(dataset.table)), test)
    sides = np.full(len(dataset.table), "test", dtype=object)
    sides[kept] = {
        "random": _random,
        "grouped": _grouped,
        "k-fold": _k_fold,
        "given": _given,
    }[config.split](_rows(dataset, kept) if len(test) else dataset, config)
    _check(dataset, sides, config)
    if config.test_use == "leave-out":
        sides[sides == "test"] = "outer"
    return pd.Series(sides, index=dataset.table.index, name="split")


def _test_rows(dataset: Dataset, config: DataConfig) -> np.ndarray:
    """Return the row numbers of the test set: whole groups, with each class's fraction as far as these allow.

    It depends on no setting but its fraction and the seed, so that it stays the same when the split of the other rows
    changes.

    Raises:
        DataError: A class has too few independent images for three sets.
    """
    groups = leak_groups(dataset.table)
    for name, rows in dataset.table.groupby("label"):
        independent = len(np.unique(groups[rows.index]))
        if independent < SETS:
            raise DataError(
                f"No test set can be split off: class {name!r} has {independent} independent images or patients, and "
                f"{SETS} sets need one each; add images, or set data.test_fraction to 0."
            )
    chosen = draw_groups(_counts(dataset, groups), _held_out(len(groups), config.test_fraction), _random_of(config))
    return np.flatnonzero(chosen[groups])


def _random_of(config: DataConfig) -> np.random.Generator:
    """Return the generator of the test set, whose draws differ from those of the validation set."""
    return np.random.default_rng([config.seed, SETS])


def _rows(dataset: Dataset, rows: np.ndarray) -> Dataset:
    return replace(dataset, table=dataset.table.iloc[rows].reset_index(drop=True))


def _random(dataset: Dataset, config: DataConfig) -> np.ndarray:
    count = len(dataset.table)
    held = _held_out(count, config.valid_fraction)
    labels = dataset.table["label"] if config.stratify else None
    counts = dataset.table["label"].value_counts()
    if config.stratify and counts.min() < 2:
        raise DataError(
            f"A stratified split needs two images of every class, but {counts.idxmin()!r} has only 1: add images of it "
            "or remove the class."
        )
    try:
        _, valid = train_test_split(np.arange(count), test_size=held, random_state=config.seed, stratify=labels)
    except ValueError as error:
        raise DataError(
            f"{dataset.root} has {count} images, too few for a stratified split of {len(counts)} classes: "
            f"{larger_side(dataset.table, config, len(counts))}."
        ) from error
    return _sides(count, valid)


def _grouped(dataset: Dataset, config: DataConfig) -> np.ndarray:
    """Put whole groups into the validation set, with each class's fraction as far as the groups allow."""
    groups = leak_groups(dataset.table)
    if groups.max(initial=-1) < 1:
        raise DataError(f"All images in {dataset.root} form one group: they are {one_group(dataset.table)}.")
    held = _held_out(len(groups), config.valid_fraction)
    chosen = draw_groups(_counts(dataset, groups), held, np.random.default_rng(config.seed))
    return np.where(chosen[groups], "valid", "train").astype(object)


def _counts(dataset: Dataset, groups: np.ndarray) -> np.ndarray:
    """Return the number of images per group and class, (G, C) int64."""
    labels = pd.Index(dataset.classes).get_indexer(pd.Index(dataset.table["label"]))
    counts = np.zeros((groups.max() + 1, len(dataset.classes)), dtype=int)
    np.add.at(counts, (groups, labels), 1)
    return counts


def _k_fold(dataset: Dataset, config: DataConfig) -> np.ndarray:
    return _fold_sides(dataset, config)[config.fold]


def _fold_sides(dataset: Dataset, config: DataConfig) -> list[np.ndarray]:
    """Return the side of each row for each fold; rows of an outer fold that is left out are "outer"."""
    count, seed, grouped = len(dataset.table), config.seed, config.grouped_folds
    if not config.outer_folds:
        return [_sides(count, valid) for valid in fold_members(dataset, config.folds, seed, grouped)]
    outer = fold_members(dataset, config.outer_folds, seed, grouped)[config.outer_fold]
    kept = np.setdiff1d(np.arange(count), outer)
    inside = _rows(dataset, kept)
    found = []
    for valid in fold_members(inside, config.folds, seed, grouped):
        sides = np.full(count, "outer", dtype=object)
        sides[kept] = _sides(len(kept), valid)
        found.append(sides)
    return found


def check_folds(dataset: Dataset, config: DataConfig) -> None:
    """Refuse a dataset that cannot be divided into the folds of a configuration, before any of them is trained.

    Raises:
        DataError: There are fewer patients or images of a class than folds, or a fold lacks a class.
    """
    for sides in _fold_sides(dataset, config):
        _check(dataset, sides, config)


def fold_members(dataset: Dataset, folds: int, seed: int, grouped: bool = True) -> list[np.ndarray]:
    """Return the row numbers of the validation set for each of the class-balanced folds.

    Args:
        dataset: The images.
        folds: Number of folds.
        seed: Seed of the shuffle.
        grouped: Keep copies and patients together; otherwise every image is a separate group.

    Raises:
        DataError: There are fewer groups than folds.
    """
    table = dataset.table
    groups = leak_groups(table) if grouped else np.arange(len(table))
    for name, rows in table.groupby("label"):
        independent = len(np.unique(groups[rows.index]))
        if independent < folds:
            help_ = "use fewer folds"
            if independent == 1:
                help_ = (
                    f"all {len(rows)} are {one_group(rows)}"
                    if len(rows) > 1
                    else "it has only 1 image; add images of it"
                )
            raise DataError(f"Class {name!r} has fewer independent images or patients than {folds} folds: {help_}.")
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    return [valid for _, valid in splitter.split(np.zeros(len(table)), table["label"], groups)]


def _given(dataset: Dataset, _config: DataConfig) -> np.ndarray:
    sides = dataset.table["split"].to_numpy(dtype=object)
    if not (sides != "").any():
        raise DataError(
            f"{dataset.root} has no given split: use train and test folders, a split column, or data.split=grouped."
        )
    if (sides == "").any():
        raise DataError(f"{dataset.root}: {int((sides == '').sum())} images have no split: fill in the split column.")
    # If a dataset has only train and test, its test images become the validation set, as is common for such datasets.
    return sides if (sides == "valid").any() else np.where(sides == "test", "valid", sides)


def _held_out(count: int, fraction: float) -> int:
    held = int(count * fraction + 1e-9)  # 100 * 0.29 is slightly less than 29
    if held < 1 or count - held < 2:
        raise DataError(f"{count} images are too few for a held-out fraction of {fraction}: add images.")
    return held


def _sides(count: int, valid: np.ndarray) -> np.ndarray:
    sides = np.full(count, "train", dtype=object)
    sides[valid] = "valid"
    return sides


def _missing(dataset: Dataset, sides: np.ndarray) -> list[tuple[str, str]]:
    present = set(zip(sides, dataset.table["label"], strict=True))
    return [(side, name) for side in ("train", "valid") for name in dataset.classes if (side, name) not in present]


def _check(dataset: Dataset, sides: np.ndarray, config: DataConfig) -> None:
    if missing := _missing(dataset, sides):
        side, name = missing[0]
        where = "training" if side == "train" else "validation"
        why = why_missing(dataset, sides, config, side, name)
        raise DataError(f"No image of class {name!r} is on the {where} side: {why}.")
