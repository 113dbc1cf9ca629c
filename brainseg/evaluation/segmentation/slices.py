"""The table of evaluated slices, from which all reports and plots of a segmentation are made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from brainseg.datasets.masks import parse_spacing
from brainseg.evaluation.checks import check_classes, require_columns
from brainseg.evaluation.segmentation import scores
from brainseg.evaluation.segmentation.cases import count_lesions
from brainseg.evaluation.segmentation.counts import confusion, foreground_counts
from brainseg.evaluation.segmentation.hausdorff import hausdorff95


def slice_table(
    rows: pd.DataFrame, truths: Iterable[np.ndarray], predictions: Iterable[np.ndarray], classes: Sequence[str]
) -> pd.DataFrame:
    """Evaluate predicted masks in one pass.

    Args:
        rows: The slices' `path`, `group` and `spacing` ("row column" in mm, "" where unknown).
        truths: The true mask of each row, (H, W) uint8 class numbers; the sizes of slices may differ.
        predictions: The predicted mask of each row, of the same size as the true one.
        classes: Names of the pixel classes, background first.

    Returns:
        One row per slice: `path`, `group`, `spacing` and the values of `evaluate_slice`.

    Raises:
        ValueError: A column is missing, there are more or fewer masks than rows, or two masks differ in size.
    """
    require_columns(rows, ("path", "group", "spacing"), "The table of slices")
    names = check_classes(classes)
    spacings = [parse_spacing(text) for text in rows["spacing"]]
    evaluated = [evaluate_slice(*masks, len(names)) for masks in zip(truths, predictions, spacings, strict=True)]
    columns = list(evaluate_slice(np.zeros((1, 1), np.uint8), np.zeros((1, 1), np.uint8), None, len(names)))
    given = rows[["path", "group", "spacing"]].reset_index(drop=True)
    return pd.concat([given, pd.DataFrame(evaluated, columns=columns)], axis=1)


def evaluate_slice(
    truth: np.ndarray, predicted: np.ndarray, spacing: tuple[float, float] | None, classes: int
) -> dict[str, Any]:
    """Count the pixels of one slice and score it; all values except `n_*` compare all other classes with background.

    Args:
        truth: (H, W) uint8 class numbers.
        predicted: (H, W) uint8 class numbers.
        spacing: (row, column) in mm, or None.
        classes: Number of classes, including the background.

    Returns:
        `n_<actual>_<predicted>` (pixels, for each pair of class numbers), `tp`, `fp`, `fn`, `tn` (pixels), `dice` and
        `iou` (NaN if both masks are empty), `hd95` (95 % Hausdorff distance in mm, or in pixels without a spacing; NaN
        if a mask is empty), `true_pixels`, `predicted_pixels`, `has_tumour` (whether there are true pixels) and
        `detected` (whether there are predicted pixels). The columns `cases.LESIONS` follow.

    Raises:
        ValueError: The masks differ in size, or do not fit the classes.
    """
    matrix = confusion(truth, predicted, classes)
    counted = foreground_counts(matrix)
    tp, fp, fn, tn = (int(count) for count in counted)
    return {
        **{f"n_{i}_{j}": int(matrix[i, j]) for i in range(classes) for j in range(classes)},
        "tp": tp,
        "fp": fp,
        "fn": fn,
        "tn": tn,
        "dice": float(scores.dice(counted)),
        "iou": float(scores.iou(counted)),
        "hd95": hausdorff95(truth, predicted, spacing) if tp + fn and tp + fp else float("nan"),
        "true_pixels": tp + fn,
        "predicted_pixels": tp + fp,
        "has_tumour": tp + fn > 0,
        "detected": tp + fp > 0,
        **count_lesions(truth, predicted),
    }


def matrices(table: pd.DataFrame, classes: int) -> np.ndarray:
    """Return the confusion matrix of each slice, (slices, classes, classes) int64: rows actual, columns predicted.

    Raises:
        ValueError: A column is missing.
    """
    columns = [f"n_{i}_{j}" for i in range(classes) for j in range(classes)]
    require_columns(table, columns, "The table of slices")
    return table[columns].to_numpy(dtype=np.int64).reshape(len(table), classes, classes)


def worst_slices(table: pd.DataFrame, k: int = 6) -> pd.DataFrame:
    """Return the `k` slices with the lowest Dice, worst first; for equal Dice, those with more wrong pixels first.

    Args:
        table: A table from `slice_table`. Slices on which both masks are empty have no Dice and are left out.
        k: Number of slices, at least 1.

    Returns:
        The rows with all columns and `row`, the position in `table`, by which the masks are found.

    Raises:
        ValueError: `k` is below 1 or a column is missing.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}.")
    require_columns(table, ("path", "dice", "fp", "fn"), "The table of slices")
    ranked = table.assign(row=np.arange(len(table)), wrong=table["fp"] + table["fn"])
    ranked = ranked[ranked["dice"].notna()].sort_values(
        ["dice", "wrong", "path"], ascending=[True, False, True], kind="stable"
    )
    return ranked.head(k).drop(columns="wrong").reset_index(drop=True)


def missed_slices(table: pd.DataFrame) -> pd.DataFrame:
    """Return the slices with a tumour on which nothing was marked, largest tumour first; columns as `worst_slices`."""
    return _chosen(table, (table["true_pixels"] > 0) & (table["predicted_pixels"] == 0), "true_pixels")


def false_alarms(table: pd.DataFrame) -> pd.DataFrame:
    """Return the slices without a tumour on which something was marked, most pixels first; else as `missed_slices`."""
    return _chosen(table, (table["true_pixels"] == 0) & (table["predicted_pixels"] > 0), "predicted_pixels")


def _chosen(table: pd.DataFrame, wanted: pd.Series[bool], by: str) -> pd.DataFrame:
    found = table.assign(row=np.arange(len(table)))[wanted]
    return found.sort_values([by, "path"], ascending=[False, True], kind="stable").reset_index(drop=True)
