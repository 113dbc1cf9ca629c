"""What the answers of one reader, or of several together, show: against the truth, and one condition against another.

A block is a part of `table.answer_table`. With several readers, all readings of one case belong to its group: intervals
draw whole groups, and treat the readers as fixed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainseg.evaluation.paired import Pair, cohen_kappa, compare_pairs
from brainseg.evaluation.proportions import proportion
from brainseg.evaluation.ranking import Ranking, roc_points
from brainseg.evaluation.readers import area_difference_interval, area_interval, areas, kappa_interval
from brainseg.models.proportion import Proportion
from brainseg.reading.table import BOTH, FINDINGS, MODEL, READER

Interval = tuple[float, float] | None
AGREEMENT, SENSITIVITY, SPECIFICITY = "agreement with the truth", "sensitivity", "specificity"
PAIRS = ((BOTH, READER), (READER, MODEL), (BOTH, MODEL))
"""The conditions that are compared, the most important pair first."""


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval.

    Attributes:
        value: The value; NaN if it is not defined.
        interval: None if it has none.
    """

    value: float
    interval: Interval


@dataclass(frozen=True)
class Condition:
    """How well one condition agrees with the truth.

    Attributes:
        agreement: Cases whose class is the true one.
        sensitivity: Of the positive class; None without one.
        specificity: Of the positive class; None without one.
        area: Area under the ROC curve of its scores, over readers the mean; None without a positive class.
    """

    agreement: Proportion
    sensitivity: Proportion | None
    specificity: Proportion | None
    area: Estimate | None


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa of two sets of answers to the same cases."""

    first: str
    second: str
    count: int
    estimate: Estimate


def condition_names(block: pd.DataFrame) -> tuple[str, ...]:
    """Return the conditions that a block has answers of."""
    return (READER, MODEL, BOTH) if block["model_finding"].notna().any() else (READER,)


def measure_conditions(block: pd.DataFrame, positive: str | None) -> dict[str, Condition]:
    """Return how well each condition agrees with the truth.

    The model answers a case once, however many readers saw its answer. Scores of several readers have no area together,
    since each reader uses the scale in another way.

    Args:
        block: The answers.
        positive: The positive class; None without one.
    """
    found = {}
    for name in condition_names(block):
        rows = block.drop_duplicates("case") if name == MODEL else block
        right = (rows[FINDINGS[name]] == rows["truth"]).to_numpy()
        groups, ill = rows["group"].to_numpy(), (rows["truth"] == positive).to_numpy()
        everything = np.ones(len(rows), dtype=bool)
        called = (rows[FINDINGS[name]] == positive).to_numpy()
        found[name] = Condition(
            agreement=proportion(right, everything, groups),
            sensitivity=proportion(called, ill, groups) if positive else None,
            specificity=proportion(~called, ~ill, groups) if positive else None,
            area=_area(rows, name, positive) if positive and not rows["case"].duplicated().any() else None,
        )
    return found


def _area(rows: pd.DataFrame, name: str, positive: str | None) -> Estimate:
    """Return the area of one condition, for rows of one reader."""
    ill, scores = (rows["truth"] == positive).to_numpy(), rows[f"score {name}"].to_numpy(dtype=np.float64)
    return Estimate(float(areas(ill, [scores])[0]), area_interval(ill, scores, rows["group"].to_numpy()))


def roc_curves(block: pd.DataFrame, positive: str) -> dict[str, pd.DataFrame]:
    """Return the ROC curve of each condition of one reader; see `ranking.roc_points`."""
    ill = (block["truth"] == positive).to_numpy()
    return {
        name: roc_points(Ranking(ill, block[f"score {name}"].to_numpy(dtype=np.float64)))
        for name in condition_names(block)
    }


def paired_tests(block: pd.DataFrame, positive: str | None) -> dict[str, list[Pair]]:
    """Test every two conditions against each other: their agreement with the truth, sensitivity and specificity.

    McNemar's exact test where all cases are independent, and otherwise a test that flips whole groups. The p-values of
    one measure are adjusted for its pairs (Holm).

    Args:
        block: The answers.
        positive: The positive class; None without one, and then only agreement is tested.

    Returns:
        Measure -> the pairs `PAIRS`; empty with a single condition, and for a measure without cases.
    """
    names = condition_names(block)
    if len(names) < 2:
        return {}
    found = {AGREEMENT: _tested(block, {name: block[FINDINGS[name]] for name in names}, block["truth"])}
    for measure, ill in ((SENSITIVITY, True), (SPECIFICITY, False)) if positive else ():
        part = block[(block["truth"] == positive) == ill]
        called = {name: (part[FINDINGS[name]] == positive).astype(str) for name in names}
        if len(part):
            found[measure] = _tested(part, called, pd.Series(str(ill), index=part.index))
    return found


def _tested(rows: pd.DataFrame, answers: Mapping[str, pd.Series], truth: pd.Series) -> list[Pair]:
    columns = {f"prediction {name}": column for name, column in answers.items()}
    aligned = pd.DataFrame({"label": truth, "unit": rows["group"], **columns}).reset_index(drop=True)
    return compare_pairs(aligned, [BOTH, READER, MODEL])


def area_differences(block: pd.DataFrame, positive: str) -> dict[tuple[str, str], Estimate]:
    """Return the area of the first condition minus that of the second, for each of `PAIRS`, of one reader."""
    if len(condition_names(block)) < 2:
        return {}
    ill, groups = (block["truth"] == positive).to_numpy(), block["group"].to_numpy()
    scores = {name: block[f"score {name}"].to_numpy(dtype=np.float64) for name in (READER, MODEL, BOTH)}
    found = {}
    for first, second in PAIRS:
        one, other = areas(ill, [scores[first], scores[second]])
        interval = area_difference_interval(ill, scores[first], scores[second], groups)
        found[first, second] = Estimate(float(one - other), interval)
    return found


def kappa(first: str, second: str, answers: Sequence[pd.Series], groups: pd.Series) -> Kappa:
    """Return Cohen's kappa of two sets of answers to the same cases.

    Args:
        first: Who gave the first answers.
        second: Who gave the second ones.
        answers: The two columns of classes, in the same order of cases.
        groups: The group of each case.
    """
    one, other = (each.to_numpy(dtype=object) for each in answers)
    interval = kappa_interval(one, other, groups.to_numpy())
    return Kappa(first, second, len(one), Estimate(cohen_kappa(one, other), interval))
