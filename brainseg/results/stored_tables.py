"""Reads one stored table of a run, and checks that it has its columns; `stored_results` finds the files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from brainseg.evaluation.checks import require_columns

EPOCHS = [
    "phase",
    "epoch",
    "train_loss",
    "valid_loss",
    "sensitivity",
    "specificity",
    "learning_rate",
    "seconds",
]
"""Columns of `epochs.csv`, besides `accuracy` or `dice`."""


def read_epochs(file: Path) -> pd.DataFrame:
    """Read `epochs.csv`; an empty cell is NaN.

    Raises:
        ValueError: A column is missing.
    """
    table = pd.read_csv(file, dtype={"phase": str}, keep_default_na=False, na_values="")
    columns = [*EPOCHS, "dice" if "dice" in table else "accuracy"]
    require_columns(table, columns, "The table of epochs")
    for column in columns[1:]:
        pd.to_numeric(table[column])
    return table


def read_hardest(file: Path) -> pd.DataFrame:
    """Read `hardest.csv`.

    Raises:
        ValueError: A column is missing.
    """
    texts = ["path", "label", "prediction"]
    table = pd.read_csv(file, dtype=dict.fromkeys(texts, str), keep_default_na=False)
    require_columns(table, [*texts, "loss"], "The table of the hardest cases")
    return table


def read_predictions(file: Path) -> pd.DataFrame:
    """Read a table of predictions.

    Raises:
        ValueError: A column is missing.
    """
    table = pd.read_parquet(file)
    require_columns(table, ["path", "group"])
    return table


def read_out_of_fold(file: Path) -> pd.DataFrame:
    """Read the pooled predictions of a cross-validation.

    Raises:
        ValueError: A column is missing.
    """
    table = pd.read_parquet(file)
    require_columns(table, ["repeat", "fold", "run_id", "sha256", "unit", "path"], "The pooled table")
    return table


def read_slices(file: Path) -> pd.DataFrame:
    """Read `slices.parquet`.

    Raises:
        ValueError: A column is missing.
    """
    table = pd.read_parquet(file)
    require_columns(table, ["path", "group", "spacing", "dice", "true_pixels", "predicted_pixels"])
    return table
