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

__all__ = ["check_folds", "fold_members", "leak_groups", "split_dataset"]


def split_dataset(dataset: Dataset, config: DataConfig) -> pd.Series:
    """Return "train", "valid" or (given splits only) "test" for every row of `dataset.table`.

    Rows of the outer fold that a nested cross-validation leaves out are "outer": nothing learns from them, and nothing
    is evaluated or chosen on them.

    Raises:
        DataError: The dataset has no given split, or is too small for the chosen split.
    """
    sides = {
        "random": _random,
        "grouped": _grouped,
        "k-fold": _k_fold,
        "given": _given,
    }[config.split](dataset, config)
    _check(dataset, sides, config)
    return pd.Series(sides, index=dataset.table.index, name="split")


def _random(dataset: Dataset, config: DataConfig) -> np.ndarray:
    count = len(dataset.table)
    held = _held_out(count, config)
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
    labels = pd.Index(dataset.classes).get_indexer(pd.Index(dataset.table["label"]))
    counts = np.zeros((groups.max() + 1, len(dataset.classes)), dtype=int)
    np.add.at(counts, (groups, labels), 1)
    chosen = draw_groups(counts, _held_out(len(groups), config), np.random.default_rng(config.seed))
    return np.where(chosen[groups], "valid", "train").astype(object)


def _k_fold(dataset: Dataset, config: DataConfig) -> np.ndarray:
    return _fold_sides(dataset, config)[config.fold]


def _fold_sides(dataset: Dataset, config: DataConfig) -> list[np.ndarray]:
    """Return the side of each row for each fold; rows of an outer fold that is left out are "outer"."""
    count, seed, grouped = len(dataset.table), config.seed, config.grouped_folds
    if not config.outer_folds:
        return [_sides(count, valid) for valid in fold_members(dataset, config.folds, seed, grouped)]
    outer = fold_members(dataset, config.outer_folds, seed, grouped)[config.outer_fold]
    kept = np.setdiff1d(np.arange(count), outer)
    inside = replace(dataset, table=dataset.table.iloc[kept].reset_index(drop=True))
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


def _held_out(count: int, config: DataConfig) -> int:
    held = int(count * config.valid_fraction + 1e-9)  # 100 * 0.29 is slightly less than 29
    if held < 1 or count - held < 2:
        raise DataError(f"{count} images are too few for a validation fraction of {config.valid_fraction}: add images.")
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
