"""Checks of a table of predictions before anything is computed from it.

Each function returns one part of the table as a plain array; its errors name the column and the wrong value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd


def require_columns(table: pd.DataFrame, columns: Iterable[str], what: str = "The predictions table") -> None:
    """Refuse a table that lacks a column.

    Raises:
        ValueError: Names the missing columns and those that are there.
    """
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise ValueError(f"{what} lacks {_names(missing)}; it has {_names(table.columns) or 'no columns'}.")


def check_classes(classes: Sequence[str]) -> tuple[str, ...]:
    """Return the class names in their order.

    Raises:
        ValueError: `classes` is one string, has fewer than two names, or has a name twice.
    """
    if isinstance(classes, str):
        raise ValueError(f"classes must be a sequence of names, got the string {classes!r}.")
    names = tuple(classes)
    if len(names) < 2 or len(set(names)) != len(names):
        raise ValueError(f"classes must be at least two different names, got {list(names)}.")
    return names


def class_codes(table: pd.DataFrame, column: str, classes: Sequence[str]) -> np.ndarray:
    """Return a column of class names as indices into `classes`: int64 array of shape (rows,).

    Raises:
        ValueError: The column is missing or holds a name that is not in `classes`.
    """
    require_columns(table, [column])
    values = table[column].to_numpy(dtype=object)
    numbers = {name: number for number, name in enumerate(classes)}
    codes = np.array([numbers.get(value, -1) for value in values], dtype=np.int64)
    if (codes < 0).any():
        wrong = int(np.argmax(codes < 0))
        raise ValueError(f"Column '{column}' holds {values[wrong]!r} (row {wrong}), which is not in {list(classes)}.")
    return codes


def probabilities(table: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    """Return the columns `p_<class>` in class order: float64 array of shape (rows, classes).

    Raises:
        ValueError: A column is missing or not numeric, or a value is not finite or outside 0..1.
    """
    columns = [f"p_{name}" for name in classes]
    require_columns(table, columns)
    return np.column_stack([_numbers(table, column, 0.0, 1.0) for column in columns])


def losses(table: pd.DataFrame) -> np.ndarray:
    """Return the column `loss` in nats: float64 array of shape (rows,).

    Raises:
        ValueError: The column is missing or not numeric, or a value is not finite.
    """
    require_columns(table, ["loss"])
    return _numbers(table, "loss", -np.inf, np.inf)


def _numbers(table: pd.DataFrame, column: str, low: float, high: float) -> np.ndarray:
    """Return a column as finite float64 values within `low`..`high`."""
    # An empty table made from column names has no numeric types, and no values to check.
    if len(table) and not pd.api.types.is_numeric_dtype(table[column]):
        raise ValueError(f"Column '{column}' must be numeric, got {table[column].dtype} ({table[column].iloc[0]!r}).")
    values = table[column].to_numpy(dtype=np.float64, na_value=np.nan)
    # Comparisons with NaN are false, so NaN counts as wrong, too.
    fine = np.isfinite(values) & (values >= low) & (values <= high)
    if not fine.all():
        wrong = int(np.argmin(fine))
        allowed = "finite" if np.isinf(high) else f"finite and within {low:g}..{high:g}"
        raise ValueError(f"Column '{column}' must be {allowed}, got {float(values[wrong])!r} (row {wrong}).")
    return values


def _names(names: Iterable[object]) -> str:
    return ", ".join(f"'{name}'" for name in names)
