"""Pools the predictions of the folds, after checking that every image is in exactly one fold of each repeat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainseg.datasets.leak_groups import leak_groups
from brainseg.errors import DataError
from brainseg.evaluation.checks import require_columns

IDENTITY = ["path", "label", "group", "sha256", "twin"]
"""Columns of a split that must be the same in all folds."""


@dataclass(frozen=True, eq=False)
class FoldResult:
    """What a finished fold left behind.

    Attributes:
        repeat: Counted from 0.
        fold: Counted from 0.
        run_id: The run of the fold.
        images: The split of the whole dataset: the columns of `IDENTITY` and `split` ("train" or "valid").
        predictions: One row per evaluated image, with `path`.
    """

    repeat: int
    fold: int
    run_id: str
    images: pd.DataFrame
    predictions: pd.DataFrame

    @property
    def name(self) -> str:
        """The fold in words."""
        return f"fold {self.fold} of repeat {self.repeat}"


def pool(results: Sequence[FoldResult]) -> pd.DataFrame:
    """Return the out-of-fold predictions of all repeats in one table.

    Args:
        results: All folds of all repeats, at least one.

    Returns:
        One row per image and repeat, by repeat and path: `repeat`, `fold`, `run_id`, `sha256`, `unit`, and the columns
        of the predictions. `unit` (int64, counted from 0) numbers what is independent of everything else: the images of
        one patient and their copies share a unit.

    Raises:
        DataError: The folds are of different images, labels or patients, or an image is in no fold of a repeat or in
            two of them. The sentence names the fold and the image.
    """
    first = results[0]
    images = _images(first)
    for other in results[1:]:
        _refuse_other_images(first, images, other, _images(other))
    parts = [_checked(result) for result in results]
    for repeat in sorted({result.repeat for result in results}):
        _refuse_gaps(repeat, images, [part for part in parts if part["repeat"].iloc[0] == repeat])
    facts = pd.DataFrame({"sha256": images["sha256"], "unit": leak_groups(images.reset_index())}, index=images.index)
    table = pd.concat(parts, ignore_index=True).join(facts, on="path")
    leading = ["repeat", "fold", "run_id", "sha256", "unit"]
    table = table[[*leading, *(name for name in table.columns if name not in leading)]]
    return table.sort_values(["repeat", "path"], kind="stable", ignore_index=True)


def _images(result: FoldResult) -> pd.DataFrame:
    try:
        require_columns(result.images, [*IDENTITY, "split"], f"The split of {result.name}")
    except ValueError as error:
        raise DataError(str(error)) from error
    images = result.images[IDENTITY].sort_values("path", ignore_index=True).set_index("path")
    if images.index.has_duplicates:
        raise DataError(f"The split of {result.name} names an image twice: train that fold again.")
    return images


def _refuse_other_images(first: FoldResult, images: pd.DataFrame, other: FoldResult, its: pd.DataFrame) -> None:
    if images.equals(its):
        return
    different = images.index.symmetric_difference(its.index)
    if len(different) == 0:
        different = images.index[(images != its).any(axis=1)]
    raise DataError(
        f"The dataset changed between {first.name} and {other.name} ({len(different)} images differ, such as "
        f"{different[0]}), so the folds do not belong together: start a new cross-validation."
    )


def _checked(result: FoldResult) -> pd.DataFrame:
    """Return the predictions of a fold with its place, after comparing them with its own split."""
    held_out = result.images.loc[result.images["split"] == "valid", "path"]
    paths = result.predictions["path"]
    if paths.duplicated().any():
        raise DataError(f"{paths[paths.duplicated()].iloc[0]} was evaluated twice in {result.name}: train it again.")
    if different := sorted(set(held_out) ^ set(paths)):
        raise DataError(
            f"The predictions of {result.name} are not of its own validation set ({different[0]} is in only one of "
            "them): train it again."
        )
    return result.predictions.assign(repeat=result.repeat, fold=result.fold, run_id=result.run_id)


def _refuse_gaps(repeat: int, images: pd.DataFrame, parts: Sequence[pd.DataFrame]) -> None:
    paths = np.concatenate([part["path"].to_numpy(dtype=object) for part in parts])
    counts = pd.Series(paths, dtype=object).value_counts()
    if len(twice := counts[counts > 1]):
        raise DataError(
            f"{twice.index[0]} is in more than one fold of repeat {repeat}, so it would count twice: start a new "
            "cross-validation."
        )
    if len(never := images.index.difference(pd.Index(counts.index, dtype=object))):
        raise DataError(f"{never[0]} is in no fold of repeat {repeat}: start a new cross-validation.")
