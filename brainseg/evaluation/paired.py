"""Two models on the same images: how their accuracies differ, and how far their answers agree."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

CONFIDENCE = 0.95
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Pair:
    """Two models on the same images.

    Attributes:
        first: Name of one model.
        second: Name of the other.
        count: Images that both judged.
        only_first: Images that only `first` got right.
        only_second: Images that only `second` got right.
        difference: Accuracy of `first` minus that of `second`.
        interval: 95 % interval of the difference, as (low, high).
        p: Two-sided p-value of the exact McNemar test.
        adjusted: `p` adjusted by Holm for all pairs that were tested together.
        agreement: Share of images on which both name the same class, right or wrong.
        kappa: Cohen's kappa of the two models' answers; NaN if both name one and the same class throughout.
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

    @property
    def better(self) -> str | None:
        """The model with the higher accuracy if the adjusted test separates the two, else None."""
        if self.adjusted >= SIGNIFICANT:
            return None
        return self.first if self.difference > 0 else self.second


def compare_pairs(aligned: pd.DataFrame, names: Sequence[str]) -> list[Pair]:
    """Test every two models against each other on the same images.

    Args:
        aligned: From `comparison.align`.
        names: The models.

    Returns:
        One `Pair` for every two models. The p-values are adjusted for their number, since among the fifteen pairs of
        six equal models one would otherwise easily look different by chance.
    """
    raw = [_raw_pair(aligned, *pair) for pair in combinations(names, 2)]
    adjusted = holm([values["p"] for values in raw])
    return [Pair(**values, adjusted=value) for values, value in zip(raw, adjusted, strict=True)]


def _raw_pair(aligned: pd.DataFrame, first: str, second: str) -> dict[str, Any]:
    label = aligned["label"].to_numpy(dtype=object)
    answers = [aligned[f"prediction {name}"].to_numpy(dtype=object) for name in (first, second)]
    right = [answer == label for answer in answers]
    only_first, only_second = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    count = len(aligned)
    return {
        "first": first,
        "second": second,
        "count": count,
        "only_first": only_first,
        "only_second": only_second,
        "difference": (only_first - only_second) / count if count else math.nan,
        "interval": paired_interval(only_first, only_second, count),
        "p": mcnemar(only_first, only_second),
        "agreement": float((answers[0] == answers[1]).mean()) if count else math.nan,
        "kappa": cohen_kappa(*answers),
    }


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the two-sided p-value of McNemar's exact test.

    Of the images that just one of two equally good models gets right, each model has half, as with a fair coin; images
    that both get right or wrong say nothing. 1 if there is no such image. The images are taken as independent.

    Args:
        only_first: Images that only the first model got right.
        only_second: Images that only the second model got right.

    References:
        Q. McNemar (1947), Psychometrika 12, 153-157, in its exact binomial form.
    """
    tried, fewer = only_first + only_second, min(only_first, only_second)
    # Whole numbers up to the one division: binomial coefficients of many images do not fit a float.
    tail = sum(math.comb(tried, images) for images in range(fewer + 1))
    return min(1.0, 2 * tail / 2**tried)


def paired_interval(only_first: int, only_second: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of the difference of two proportions on the same images.

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
    """Return how far two models agree beyond chance: 1 wholly, 0 as by chance.

    NaN without images, and if both name one and the same class throughout: chance then explains it all.

    References:
        J. Cohen (1960), Educ. Psychol. Meas. 20, 37-46.
    """
    if not len(first):
        return math.nan
    names = np.unique(np.concatenate([first, second]).astype(str))
    shares = [np.array([(answers.astype(str) == name).mean() for name in names]) for answers in (first, second)]
    chance = float(shares[0] @ shares[1])
    if len(names) == 1:
        return math.nan
    return (float((first == second).mean()) - chance) / (1 - chance)


def holm(values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number, so that the chance of any false finding stays at 5 %.

    References:
        S. Holm (1979), "A simple sequentially rejective multiple test procedure", Scand. J. Stat. 6, 65-70.
    """
    adjusted, largest = [0.0] * len(values), 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=lambda place: values[place])):
        largest = max(largest, min(1.0, (len(values) - rank) * values[place]))
        adjusted[place] = largest
    return adjusted
