"""A paired permutation test: whether chance explains that one of two models does better on the same patients."""

from __future__ import annotations

import numpy as np
import scipy

DRAWS = 9999


def sign_flip(differences: np.ndarray, seed: int = 0) -> float:
    """Return the two-sided p-value of a paired permutation test of the mean.

    If two models are equally good, either could do better on a patient, so the signs are flipped at random; if there
    are fewer than 10,000 combinations, all are tried. 1 if nothing differs or there is only one patient. The patients
    are treated as independent.

    Args:
        differences: (patients,) float64.
        seed: Seed of the random flips.

    References:
        E. J. G. Pitman (1937), "Significance tests which may be applied to samples from any populations", J. R. Stat.
        Soc. Suppl. 4, 119-130.
    """
    if len(differences) < 2 or not np.any(differences):
        return 1.0
    # Given a single paired sample, scipy flips signs.
    result = scipy.stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=DRAWS, rng=np.random.default_rng(seed)
    )
    return float(result.pvalue)
