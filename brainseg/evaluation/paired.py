"""Compares two models on the same images: the difference of their accuracies, and their agreement."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import NormalDist

import numpy as np
import pandas as pd
import scipy

from brainseg.evaluation.bootstrap import mean_interval
from brainseg.evaluation.power import images_needed, smallest_difference
from brainseg.evaluation.sign_flip import sign_flip
from brainseg.evaluation.undefined import ratio, where_defined

CONFIDENCE = 0.95
SIGNIFICANT = 0.05
SEED = 0
"""Seed of the bootstrap."""


@dataclass(frozen=True)
class Pair:
    """The comparison of two models on the same images.

    Attributes:
        first: Name of one model.
        second: Name of the other.
        count: Number of images.
        only_first: Number of images that only `first` predicted correctly.
        only_second: Number of images that only `second` predicted correctly.
        difference: Accuracy of `first` minus that of `second`.
        interval: 95 % interval of the difference, as (low, high).
        p: Two-sided p-value of the exact McNemar test, or of a sign-flip test over groups.
        adjusted: `p` with Holm's adjustment for all pairs that were tested together.
        agreement: Proportion of images for which both predict the same class, correct or not.
        kappa: Cohen's kappa of the two models' predictions; NaN if both predict the same single class for all images.
        smallest: The smallest difference that this many images are likely (80 %) to show, if the models disagree this
            often; None if there is none.
        needed: Number of images that would be likely to show the difference that was found; None if there is none.
        groups: Number of groups (patients with their copies) that were tested as wholes; None if all images are
            independent.
        design_effect: How many times larger the variance of the difference is than for independent images.
    """

    first: str
    second: str
    count: int
    only_first: int
    only_second: int
    difference: float
    interval: tuple[float, float]
    p: float
    adjusted: float
    agreement: float
    kappa: float
    smallest: float | None = None
    needed: int | None = None
    groups: int | None = None
    design_effect: float = 1.0

    @property
    def better(self) -> str | None:
        """The model with the higher accuracy if the adjusted test finds a difference, else None."""
        if self.adjusted >= SIGNIFICANT:
            return None
        return self.first if self.difference > 0 else self.second


def compare_pairs(aligned: pd.DataFrame, names: Sequence[str]) -> list[Pair]:
    """Test every two models against each other on the same images.

    If the table has a column `unit` (images with the same number belong together) and some images do, whole groups are
    tested and drawn: the sign of all differences of a group is flipped together, and the interval is a bootstrap over
    groups.

    Args:
        aligned: A table from `comparison.align`.
        names: The models.

    Returns:
        One `Pair` for every two models. The p-values are adjusted for their number: without that, one of the fifteen
        pairs of six equal models would easily look different by chance.
    """
    raw = [_raw_pair(aligned, *pair) for pair in combinations(names, 2)]
    adjusted, alpha = holm([pair.p for pair in raw]), SIGNIFICANT / max(1, len(raw))
    return [_with_power(replace(pair, adjusted=value), alpha) for pair, value in zip(raw, adjusted, strict=True)]


def _with_power(pair: Pair, alpha: float) -> Pair:
    """Add what the images can show, at the level of the strictest of Holm's tests.

    n images with a design effect d count as n / d independent ones (Kish 1965, "Survey Sampling").
    """
    discordant = float(ratio(pair.only_first + pair.only_second, pair.count))
    if not discordant > 0:
        return pair
    effect = pair.design_effect
    needed = images_needed(pair.difference, discordant, alpha)
    return replace(
        pair,
        smallest=smallest_difference(int(pair.count / effect), discordant, alpha),
        needed=None if needed is None else math.ceil(needed * effect),
    )


def _raw_pair(aligned: pd.DataFrame, first: str, second: str) -> Pair:
    """Compare two models; the p-value is not yet adjusted."""
    label = aligned["label"].to_numpy(dtype=object)
    answers = [aligned[f"prediction {name}"].to_numpy(dtype=object) for name in (first, second)]
    right = [answer == label for answer in answers]
    only_first, only_second = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    count, p = len(aligned), mcnemar(only_first, only_second)
    interval, groups, effect = paired_interval(only_first, only_second, count), None, 1.0
    units = units_of(aligned)
    if units is not None:
        differences = right[0].astype(np.int64) - right[1]
        sums = np.bincount(units, differences)
        p, groups, effect = sign_flip(sums), len(sums), design_effect(differences, units)
        interval = grouped_interval(differences, units) or interval
    return Pair(
        first=first,
        second=second,
        count=count,
        only_first=only_first,
        only_second=only_second,
        difference=float(ratio(only_first - only_second, count)),
        interval=interval,
        p=p,
        adjusted=p,
        agreement=where_defined(count > 0, (answers[0] == answers[1]).mean),
        kappa=cohen_kappa(*answers),
        groups=groups,
        design_effect=effect,
    )


def units_of(aligned: pd.DataFrame) -> np.ndarray | None:
    """Return the group of each image, (N,) int64 from 0; None if no two images belong together."""
    if "unit" not in aligned or aligned["unit"].nunique() == len(aligned):
        return None
    codes: np.ndarray = np.unique(aligned["unit"], return_inverse=True)[1]
    return codes


def grouped_interval(differences: np.ndarray, units: np.ndarray) -> tuple[float, float] | None:
    """Return the 95 % interval of a mean difference by bootstrap over groups; None with fewer than two, or no variance.

    Args:
        differences: (N,) number, first minus second, per image.
        units: (N,) int, the group of each image, from 0.
    """
    found = mean_interval(differences, units, SEED)
    return found if found and found[0] < found[1] else None


def design_effect(differences: np.ndarray, units: np.ndarray) -> float:
    """Return how many times larger the variance of a mean is than if all images were independent; at least 1.

    Args:
        differences: (N,) number per image.
        units: (N,) int, the group of each image, from 0.
    """
    centred = differences - differences.mean()
    alone = float((centred**2).sum())
    return max(1.0, float((np.bincount(units, centred) ** 2).sum()) / alone) if alone else 1.0


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the two-sided p-value of McNemar's exact test.

    If two models are equally good, each image that only one of them predicts correctly is like the toss of a fair coin.
    Images that both predict correctly or both predict wrongly do not count. The p-value is 1 without any image that
    counts. The images are treated as independent.

    Args:
        only_first: Number of images that only the first model predicted correctly.
        only_second: Number of images that only the second model predicted correctly.

    References:
        Q. McNemar (1947), Psychometrika 12, 153-157, in its exact binomial form.

    Examples:
        >>> round(mcnemar(1, 8), 3)
        0.039
    """
    tried = only_first + only_second
    return float(scipy.stats.binomtest(min(only_first, only_second), tried).pvalue) if tried else 1.0


def paired_interval(only_first: int, only_second: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of the difference of two proportions on the same images.

    Hand-written, since neither scipy nor scikit-learn has an interval for paired proportions.

    References:
        D. G. Bonett and R. M. Price (2012), "Adjusted Wald confidence interval for a difference of binomial proportions
        based on paired data", J. Educ. Behav. Stat. 37, 479-488.
    """
    if not count:
        return math.nan, math.nan
    first, second = (only_first + 1) / (count + 2), (only_second + 1) / (count + 2)
    half = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * math.sqrt(
        (first + second - (first - second) ** 2) / (count + 2)
    )
    return max(-1.0, first - second - half), min(1.0, first - second + half)


def cohen_kappa(first: np.ndarray, second: np.ndarray) -> float:
    """Return how much two models agree beyond chance: 1 for full agreement, 0 for agreement by chance.

    NaN without images, or if both predict the same single class for all images, since chance then explains everything.

    References:
        J. Cohen (1960), Educ. Psychol. Meas. 20, 37-46.

    Examples:
        >>> cohen_kappa(np.array(["no", "no", "yes", "yes"]), np.array(["no", "yes", "yes", "yes"]))
        0.5
    """
    from sklearn.metrics import cohen_kappa_score

    answers = first.astype(str), second.astype(str)
    return where_defined(len(np.unique(answers)) > 1, lambda: cohen_kappa_score(*answers))


def holm(values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number, so the probability of any false finding stays at 5 %.

    Hand-written, since scipy can only control the rate of false findings.

    References:
        S. Holm (1979), "A simple sequentially rejective multiple test procedure", Scand. J. Stat. 6, 65-70.

    Examples:
        >>> holm([0.01, 0.04])
        [0.02, 0.04]
    """
    adjusted, largest = [0.0] * len(values), 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=lambda place: values[place])):
        largest = max(largest, min(1.0, (len(values) - rank) * values[place]))
        adjusted[place] = largest
    return adjusted
