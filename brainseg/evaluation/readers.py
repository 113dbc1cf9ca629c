"""Statistics of people who read the same images: areas under their ROC curves, their mean, and agreement."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from brainseg.evaluation.bootstrap import drawn, patient_intervals
from brainseg.evaluation.class_bootstrap import drawn_metrics, sound_percentiles
from brainseg.evaluation.ranking import Ranking, roc_auc
from brainseg.evaluation.undefined import ratio

CASE_SEED, READER_SEED = 0, 1
"""Seeds of the draws of cases and of readers."""
_OTHER, _POSITIVE = "other", "positive"


def areas(positive: np.ndarray, scores: Sequence[np.ndarray]) -> np.ndarray:
    """Return the area under the ROC curve of each reader, (readers,) float64; NaN without positives or negatives.

    Args:
        positive: (N,) bool, the truth of each case.
        scores: For each reader (N,) float in 0..1; higher means more positive.
    """
    return np.array([roc_auc(Ranking(positive, each)) for each in scores])


def drawn_areas(positive: np.ndarray, scores: Sequence[np.ndarray], groups: np.ndarray) -> np.ndarray:
    """Return the area of each reader in each draw of cases, (draws, readers) float64.

    All readers get the same draws, so differences of their areas are paired.

    Args:
        positive: (N,) bool, the truth of each case.
        scores: For each reader (N,) float in 0..1.
        groups: (N,) int, cases with the same number are not independent and are drawn together.
    """
    codes = np.unique(groups, return_inverse=True)[1]
    times = drawn(int(codes.max(initial=-1)) + 1, CASE_SEED)
    columns = []
    for each in scores:
        table = _table(positive, each)
        columns.append(drawn_metrics(table, (_OTHER, _POSITIVE), _POSITIVE, codes, times)["roc_auc"])
    return np.column_stack(columns)


def area_interval(positive: np.ndarray, score: np.ndarray, groups: np.ndarray) -> tuple[float, float] | None:
    """Return the 95 % interval of one reader's area by bootstrap over groups of cases.

    None with fewer than two groups, if the area is undefined in over 5 % of the draws, and if it is the same in all.
    """
    return _interval(lambda: drawn_areas(positive, [score], groups)[:, 0], groups)


def area_difference_interval(
    positive: np.ndarray, first: np.ndarray, second: np.ndarray, groups: np.ndarray
) -> tuple[float, float] | None:
    """Return the 95 % interval of the area of `first` minus that of `second`, on the same draws of cases."""

    def differences() -> np.ndarray:
        both = drawn_areas(positive, [first, second], groups)
        paired: np.ndarray = both[:, 0] - both[:, 1]
        return paired

    return _interval(differences, groups)


def mean_area_interval(
    positive: np.ndarray,
    scores: Sequence[np.ndarray],
    groups: np.ndarray,
    minus: Sequence[np.ndarray] | None = None,
) -> tuple[float, float] | None:
    """Return the 95 % interval of the readers' mean area by bootstrap over readers and cases.

    Each draw takes readers and, independently, groups of cases with replacement: a multi-reader multi-case bootstrap.
    Gallas et al. (2009), "A framework for random-effects ROC analysis", Commun. Stat. Theory Methods 38, 2586-2603,
    show that the variance of such a bootstrap is biased. With few readers it says little about other readers: two
    readers allow only three different draws of readers.

    Args:
        positive: (N,) bool, the truth of each case.
        scores: For each reader (N,) float in 0..1, on the same cases.
        groups: (N,) int, cases with the same number are drawn together.
        minus: Scores of the same readers under another condition, whose areas are subtracted; None for none.

    Returns:
        (low, high); None with one reader, and as for `area_interval`.
    """

    def means() -> np.ndarray:
        values = drawn_areas(positive, scores, groups)
        if minus is not None:
            values = values - drawn_areas(positive, minus, groups)
        chosen = drawn(len(scores), READER_SEED)
        drawn_means: np.ndarray = (values * chosen).sum(axis=1) / len(scores)
        return drawn_means

    return _interval(means, groups) if len(scores) > 1 else None


def kappa_interval(first: np.ndarray, second: np.ndarray, groups: np.ndarray) -> tuple[float, float] | None:
    """Return the 95 % interval of Cohen's kappa by bootstrap over groups of cases.

    None with fewer than two groups, if kappa is undefined in over 5 % of the draws, and if it is the same in all.

    Args:
        first: (N,) str, one answer per case.
        second: (N,) str, the other answer.
        groups: (N,) int, cases with the same number are drawn together.
    """
    names, codes = np.unique(np.concatenate([first, second]).astype(str), return_inverse=True)
    places = np.unique(groups, return_inverse=True)[1]
    count = len(names)
    if not count or int(places.max(initial=-1)) < 1:
        return None
    cells = np.zeros((int(places.max()) + 1, count, count))
    np.add.at(cells, (places, codes[: len(first)], codes[len(first) :]), 1)

    def derive(totals: np.ndarray) -> dict[str, np.ndarray]:
        matrices = totals.reshape(-1, count, count)
        total, same = matrices.sum(axis=(1, 2)), np.trace(matrices, axis1=1, axis2=2)
        chance = (matrices.sum(axis=1) * matrices.sum(axis=2)).sum(axis=1)
        return {"kappa": ratio(total * same - chance, total**2 - chance)}

    found = patient_intervals(cells.reshape(len(cells), -1), derive, CASE_SEED)["kappa"]
    return found if found and found[0] < found[1] else None


def _interval(values: Callable[[], np.ndarray], groups: np.ndarray) -> tuple[float, float] | None:
    return sound_percentiles(values()) if len(np.unique(groups)) > 1 else None


def _table(positive: np.ndarray, score: np.ndarray) -> pd.DataFrame:
    """Return one reader's answers as a table of predictions, of which only the ranking counts here."""
    label = np.where(positive, _POSITIVE, _OTHER).astype(object)
    return pd.DataFrame({"label": label, "prediction": label, "loss": 0.0, "p_other": 1 - score, "p_positive": score})
