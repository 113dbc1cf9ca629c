"""Joins the predictions of runs that were evaluated on the same images, image by image.

Metrics on different images cannot be compared, since two random sets of 50 images differ more than most models do. Runs
are therefore grouped by `evaluation_key`, and only runs of the same group are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from brainseg.evaluation.checks import require_columns
from brainseg.files import sha256_bytes


def with_digests(predictions: pd.DataFrame, split: pd.DataFrame) -> pd.DataFrame:
    """Add the hash of its bytes, as recorded with the split, to each predicted image.

    Args:
        predictions: Needs the column `path`.
        split: Needs `path` and `sha256`.

    Returns:
        The predictions with a column `sha256`.

    Raises:
        ValueError: A column is missing, or a predicted image is in the split not at all or twice.
    """
    require_columns(predictions, ["path"])
    require_columns(split, ["path", "sha256"], "The table of the split")
    digests = split.set_index("path")["sha256"]
    if digests.index.has_duplicates or not predictions["path"].isin(digests.index).all():
        raise ValueError("The predictions and the split do not belong together: their images differ.")
    return predictions.assign(sha256=predictions["path"].map(digests))


def evaluation_key(table: pd.DataFrame, positive: str | None) -> str:
    """Return a key, 64 hexadecimal digits, that must be the same for two runs whose metrics are compared.

    It depends on the bytes and the labels of all evaluated images, and on the positive class, but not on the names,
    folders and order of the files.

    Args:
        table: Predictions with `sha256` (see `with_digests`) and `label`.
        positive: The positive class, or None.
    """
    images = sorted(f"{digest} {label}" for digest, label in zip(table["sha256"], table["label"], strict=True))
    return sha256_bytes("\n".join([f"positive {positive}", *images]).encode())


def align(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Join the predictions of several models on the same images.

    Args:
        tables: Name of a model -> its predictions with `path`, `sha256`, `label`, `prediction` and `p_<class>`, and
            optionally `unit` (images with the same number belong together).

    Returns:
        One row per image: `path` and `unit` (from the first model's table), `sha256`, `label`, and for every model the
        columns `prediction <name>` and `probability <name>` (of the predicted class, 0..1).

    Raises:
        ValueError: The tables are not of the same images with the same labels.
    """
    named = {name: _numbered(table).assign(probability=_named_probability) for name, table in tables.items()}
    common = ("path", "unit") if all("unit" in table for table in tables.values()) else ("path",)
    return _side_by_side(named, ("prediction", "probability"), common)


def align_slices(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Join the evaluated slices of several segmentations.

    Args:
        tables: Name of a model -> its slices with `path`, `sha256`, `label` (a digest of the true mask), `group`,
            `true_pixels`, `predicted_pixels` and `dice`, in the order in which its masks are stored.

    Returns:
        One row per slice: `path`, `group` and `true_pixels` (from the first model's table), `sha256`, `label`, and for
        every model the columns `dice <name>`, `predicted_pixels <name>` and `row <name>` (position of its mask).

    Raises:
        ValueError: The tables are not of the same slices with the same true masks.
    """
    numbered = {name: _numbered(table.assign(row=np.arange(len(table)))) for name, table in tables.items()}
    return _side_by_side(numbered, ("dice", "predicted_pixels", "row"), ("path", "group", "true_pixels"))


def _side_by_side(
    tables: Mapping[str, pd.DataFrame], own: Sequence[str], common: Sequence[str] = ("path",)
) -> pd.DataFrame:
    """Join tables image by image: `common` columns from the first table, and `own` ones from each, with its name."""
    keys = ["sha256", "label", "copy"]
    joined: pd.DataFrame | None = None
    for name, table in tables.items():
        side = table[[*keys, *own]].rename(columns={column: f"{column} {name}" for column in own})
        first = table[[*common, *keys]] if joined is None else joined
        joined = first.merge(side, on=keys)
        if not len(joined) == len(first) == len(side):
            raise ValueError(f"{name!r} was not evaluated on the same images as {next(iter(tables))!r}.")
    if joined is None:
        raise ValueError("There is nothing to align: name at least one model.")
    return joined.drop(columns="copy")


def _numbered(table: pd.DataFrame) -> pd.DataFrame:
    """Number images with the same bytes and label, so each has exactly one partner."""
    ordered = table.sort_values("path", kind="stable")
    return ordered.assign(copy=ordered.groupby(["sha256", "label"]).cumcount())


def _named_probability(table: pd.DataFrame) -> np.ndarray:
    """Return the probability of the predicted class: float64 array of shape (rows,)."""
    values = np.full(len(table), np.nan)
    for name in table["prediction"].unique():
        rows = (table["prediction"] == name).to_numpy()
        values[rows] = table[f"p_{name}"].to_numpy(dtype=np.float64)[rows]
    return values


def disagreements(aligned: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the images for which at least two models predict different classes.

    Args:
        aligned: A table from `align`.
        names: The models.

    Returns:
        The rows with a column `wrong` (number of wrong models), in descending order of it, then by path.
    """
    answers = aligned[[f"prediction {name}" for name in names]]
    rows = aligned[answers.nunique(axis=1) > 1]
    wrong = answers.loc[rows.index].ne(rows["label"], axis=0).sum(axis=1)
    return rows.assign(wrong=wrong).sort_values(["wrong", "path"], ascending=[False, True]).reset_index(drop=True)


def differing_slices(aligned: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the slices on which the models' Dice differs, largest difference first.

    Args:
        aligned: A table from `align_slices`.
        names: The models.

    Returns:
        The rows with a column `difference`: the highest minus the lowest Dice (0..1). On a slice without a tumour, the
        Dice counts as 1 if the model marks nothing and as 0 otherwise, whatever the empty-mask rule, since this only
        ranks slices.
    """
    dice = aligned[[f"dice {name}" for name in names]].fillna(1.0)
    difference = dice.max(axis=1) - dice.min(axis=1)
    rows = aligned.assign(difference=difference)[difference > 0]
    return rows.sort_values(["difference", "path"], ascending=[False, True]).reset_index(drop=True)
