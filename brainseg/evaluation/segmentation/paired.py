"""Compares the Dice of segmentation models on the same patients, and tests whether chance explains the difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from brainseg.evaluation.bootstrap import mean_interval
from brainseg.evaluation.paired import SIGNIFICANT, holm
from brainseg.evaluation.segmentation import scores
from brainseg.evaluation.segmentation.counts import Counts
from brainseg.evaluation.segmentation.patients import patient_codes, summed
from brainseg.evaluation.sign_flip import sign_flip
from brainseg.evaluation.undefined import where_defined


@dataclass(frozen=True)
class MaskPair:
    """The comparison of two models on the same patients.

    Attributes:
        first: Name of one model.
        second: Name of the other.
        patients: Number of patients with a tumour, or of slices with a tumour if no patient is known.
        first_ahead: Number of these for which `first` has the higher Dice.
        second_ahead: Number of these for which `second` has the higher Dice.
        difference: Mean over these of the Dice of `first` minus that of `second`; NaN without any.
        interval: 95 % interval of the difference by bootstrap over patients; None with fewer than two.
        p: Two-sided p-value of the sign-flip permutation test.
        adjusted: `p` with Holm's adjustment for all pairs that were tested together.
    """

    first: str
    second: str
    patients: int
    first_ahead: int
    second_ahead: int
    difference: float
    interval: tuple[float, float] | None
    p: float
    adjusted: float

    @property
    def better(self) -> str | None:
        """The model with the higher Dice if the adjusted test finds a difference, else None."""
        if self.adjusted >= SIGNIFICANT:
            return None
        return self.first if self.difference > 0 else self.second


def compare_mask_pairs(tables: Mapping[str, pd.DataFrame], seed: int = 0) -> list[MaskPair]:
    """Test every two models against each other by the Dice of each patient's whole volume.

    Only patients with a tumour count: without one, Dice shows only whether anything was marked.

    Args:
        tables: Name of a model -> its table from `slice_table`, with the same slices in the same order.
        seed: Seed of bootstrap and permutations.

    Returns:
        One `MaskPair` for every two models, with p-values adjusted for their number.
    """
    dice = {name: _volume_dice(table) for name, table in tables.items()}
    raw = [_pair(first, second, dice[first] - dice[second], seed) for first, second in combinations(dice, 2)]
    adjusted = holm([pair.p for pair in raw])
    return [replace(pair, adjusted=value) for pair, value in zip(raw, adjusted, strict=True)]


def _volume_dice(table: pd.DataFrame) -> np.ndarray:
    """Return the Dice of each patient with a tumour, in order of appearance; float64 (patients,)."""
    counted = Counts(*summed(table[["tp", "fp", "fn", "tn"]].to_numpy(dtype=np.int64), patient_codes(table)).T)
    known: np.ndarray = scores.dice(counted)[counted.tp + counted.fn > 0]
    return known


def _pair(first: str, second: str, differences: np.ndarray, seed: int) -> MaskPair:
    """Compare two models by the (patients,) differences of their Dice; the p-value is not yet adjusted."""
    count = len(differences)
    p = sign_flip(differences, seed)
    return MaskPair(
        first=first,
        second=second,
        patients=count,
        first_ahead=int((differences > 0).sum()),
        second_ahead=int((differences < 0).sum()),
        difference=where_defined(count > 0, differences.mean),
        interval=mean_interval(differences, np.arange(count), seed),
        p=p,
        adjusted=p,
    )
