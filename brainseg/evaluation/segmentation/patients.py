"""Groups slices by patient, into the volumes that a clinician assesses."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainseg.evaluation.checks import require_columns
from brainseg.evaluation.segmentation import scores
from brainseg.evaluation.segmentation.counts import Counts


def patient_codes(table: pd.DataFrame) -> np.ndarray:
    """Number the patients of a table of slices in order of appearance; each slice without a group counts as a patient.

    Raises:
        ValueError: A column is missing.
    """
    require_columns(table, ("path", "group"), "The table of slices")
    keys = np.where(table["group"].astype(str) != "", "g" + table["group"].astype(str), "p" + table["path"].astype(str))
    return pd.factorize(keys)[0].astype(np.int64)


def summed(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the sums of rows by patient.

    Args:
        values: (slices, ...) numbers.
        codes: (slices,) patient of each slice, numbered from 0.
    """
    sums = np.zeros((int(codes.max()) + 1 if len(codes) else 0, *values.shape[1:]), dtype=values.dtype)
    np.add.at(sums, codes, values)
    return sums


def patient_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per patient, lowest Dice first.

    Args:
        table: A table from `slice_table`.

    Returns:
        `group` (or the path of a slice without a group), `slices` (number of slices), `tumour_slices`, `tp`, `fp`,
        `fn`, `tn` (pixels of the whole volume), `dice` and `iou` of the volume (NaN if it has no tumour and none was
        predicted).

    Raises:
        ValueError: A column is missing.
    """
    require_columns(table, ("tp", "fp", "fn", "tn", "has_tumour"), "The table of slices")
    codes = patient_codes(table)
    first = np.unique(codes, return_index=True)[1]
    names = table["group"].where(table["group"] != "", table["path"]).to_numpy(dtype=object)
    sums = summed(table[["tp", "fp", "fn", "tn"]].to_numpy(dtype=np.int64), codes)
    counted = Counts(*sums.T)
    patients = pd.DataFrame(
        {
            "group": names[first],
            "slices": np.bincount(codes, minlength=len(first)),
            "tumour_slices": summed(table["has_tumour"].to_numpy(dtype=np.int64), codes),
            **counted._asdict(),
            "dice": scores.dice(counted),
            "iou": scores.iou(counted),
        }
    )
    return patients.sort_values(["dice", "group"], kind="stable", ignore_index=True)
