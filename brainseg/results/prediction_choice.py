"""Choice of predictions to show: those that pass filters, or those in a cell of the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd


def filter_predictions(
    table: pd.DataFrame,
    actual: Sequence[str] = (),
    predicted: Sequence[str] = (),
    *,
    wrong_only: bool = False,
    text: str = "",
) -> pd.DataFrame:
    """Return the predictions that pass every filter, in their order, with their row numbers in the whole table.

    Args:
        table: Predictions.
        actual: Allowed true classes; all if empty.
        predicted: Allowed predicted classes; all if empty.
        wrong_only: Leave out correct predictions.
        text: Part of the path or of the group; upper and lower case are equal.
    """
    keep = pd.Series(True, index=table.index)
    if actual:
        keep &= table["label"].isin(actual)
    if predicted:
        keep &= table["prediction"].isin(predicted)
    if wrong_only:
        keep &= table["label"] != table["prediction"]
    if text.strip():
        wanted = text.strip().casefold()
        for_search = table["path"].astype(str) + "\n" + table["group"].fillna("").astype(str)
        keep &= for_search.str.casefold().str.contains(wanted, regex=False)
    return table[keep]


def failures_first(table: pd.DataFrame) -> pd.DataFrame:
    """Return predictions in the order of a gallery of failures: wrong answers by falling loss, then right ones."""
    ranked = table.assign(right=table["label"] == table["prediction"])
    ranked = ranked.sort_values(["right", "loss", "path"], ascending=[True, False, True], kind="stable")
    return ranked.drop(columns="right").reset_index(drop=True)


def images_in_cell(table: pd.DataFrame, actual: str, predicted: str) -> pd.DataFrame:
    """Return the predictions in a cell of the confusion matrix, highest loss first."""
    inside = table[(table["label"] == actual) & (table["prediction"] == predicted)]
    return inside.sort_values(["loss", "path"], ascending=[False, True], kind="stable").reset_index(drop=True)


def first_cell(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> tuple[str, str]:
    """Return the cell to show first: the most frequent mistake, or the correct predictions of the first class."""
    mistakes = {
        (actual, predicted): matrix[row][column]
        for row, actual in enumerate(classes)
        for column, predicted in enumerate(classes)
        if row != column
    }
    cell = max(mistakes, key=lambda each: mistakes[each])
    return cell if mistakes[cell] else (classes[0], classes[0])
