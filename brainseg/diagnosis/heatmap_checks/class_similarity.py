"""Whether the heatmaps of one class resemble each other more than those of other classes.

Two maps are compared by Spearman's correlation over all pixels of the prepared square, as in the check with random
weights: maps are scaled to 0..1 one by one, so only the order of their values means anything, and SSIM would also
depend on the choice of a window and on contrast. The position of a tumour varies, so a low similarity within a class is
no fault. A high similarity between classes is one: the map then shows the same place whatever the image contains.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from brainseg.diagnosis.heatmap_checks.means import SEED
from brainseg.diagnosis.heatmap_checks.stored import ClassSimilarity, Measured
from brainseg.evaluation.bootstrap import drawn, percentiles
from brainseg.evaluation.undefined import ratio


def class_similarity(maps: Sequence[np.ndarray], labels: Sequence[str], groups: np.ndarray) -> ClassSimilarity:
    """Compare the maps of correctly classified images within and between classes.

    Pairs within a patient or within a group of copies are left out: neighbouring slices resemble each other for reasons
    that have nothing to do with the class. Empty maps are left out, too.

    Args:
        maps: N maps, (S, S) float.
        labels: The class of each image.
        groups: (N,) int, the patient or group of copies of each image.

    Returns:
        Means over pairs, with intervals by bootstrap over groups; n is the number of images in such pairs.
    """
    kept = [number for number, values in enumerate(maps) if np.ptp(values) > 0]
    names, codes = np.array([labels[number] for number in kept], dtype=str), groups[kept]
    correlations = rank_correlations([maps[number] for number in kept])
    apart, same = codes[:, None] != codes[None, :], names[:, None] == names[None, :]
    within, between = _Pairs(correlations, apart & same, codes), _Pairs(correlations, apart & ~same, codes)
    return {
        "within": within.measured(),
        "between": between.measured(),
        "difference": _difference(within, between),
        "per_class": {
            str(name): _Pairs(correlations, apart & same & (names == name)[:, None], codes).measured()
            for name in sorted(set(labels))
        },
    }


def rank_correlations(maps: Sequence[np.ndarray]) -> np.ndarray:
    """Return Spearman's correlation of every two maps, (N, N) float64; no map is the same everywhere."""
    if not maps:
        return np.zeros((0, 0))
    ranks = np.stack([rankdata(values) for values in maps]).astype(np.float64)
    ranks -= ranks.mean(axis=1, keepdims=True)
    ranks /= np.linalg.norm(ranks, axis=1, keepdims=True)
    products: np.ndarray = ranks @ ranks.T
    return products


class _Pairs:
    """The mean correlation of some pairs of images, as they are and in each draw of the bootstrap."""

    def __init__(self, correlations: np.ndarray, chosen: np.ndarray, groups: np.ndarray) -> None:
        codes = np.unique(groups, return_inverse=True)[1]
        self.count = int(chosen.any(axis=1).sum())
        self.value = float(ratio((correlations * chosen).sum(), chosen.sum()))
        self.draws = np.full(1, np.nan)
        if codes.max(initial=0) >= 1:
            times = drawn(int(codes.max()) + 1, SEED)[:, codes].astype(np.float64)
            # A pair occurs in a draw as often as its first image times as often as its second.
            sums, pairs = (
                ((times @ each) * times).sum(axis=1) for each in (correlations * chosen, chosen.astype(float))
            )
            self.draws = ratio(sums, pairs)

    def measured(self) -> Measured:
        return _measured(self.value, self.draws, self.count)


def _difference(within: _Pairs, between: _Pairs) -> Measured:
    value, draws = within.value - between.value, within.draws - between.draws
    return _measured(value, draws, min(within.count, between.count))


def _measured(value: float, draws: np.ndarray, count: int) -> Measured:
    known = bool(np.isfinite(value))
    return {"value": value if known else None, "interval": percentiles(draws) if known else None, "n": count}
