import math

import numpy as np
import pytest
from scipy.stats import binomtest

from brainseg.evaluation.intervals import wilson


def test_the_textbook_case():
    assert wilson(44, 50) == pytest.approx((0.762, 0.944), abs=5e-4)


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.95, 0.999])
def test_agrees_with_scipy(confidence):
    for total in (1, 2, 7, 50, 1000, 10**6):
        for successes in {0, 1, total // 3, total // 2, total - 1, total}:
            reference = binomtest(successes, total).proportion_ci(confidence, method="wilson")
            assert wilson(successes, total, confidence) == pytest.approx((reference.low, reference.high), abs=1e-12)


@pytest.mark.slow
def test_stays_within_0_to_1_holds_the_proportion_and_mirrors():
    for total in range(1, 60):
        for successes in range(total + 1):
            low, high = wilson(successes, total)
            assert 0 <= low <= successes / total <= high <= 1
            assert low < high
            mirrored = wilson(total - successes, total)
            assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-12)


def test_bounds_are_exact_at_none_and_all():
    assert wilson(0, 25)[0] == 0.0
    assert wilson(25, 25)[1] == 1.0


def test_narrows_with_more_trials_and_widens_with_confidence():
    widths = [np.diff(wilson(n // 2, n))[0] for n in (2, 10, 100, 10_000)]
    assert widths == sorted(widths, reverse=True)
    widths = [np.diff(wilson(5, 10, c))[0] for c in (0.5, 0.9, 0.95, 0.99)]
    assert widths == sorted(widths)


def test_no_trials_means_not_defined():
    assert all(math.isnan(bound) for bound in wilson(0, 0))


def test_takes_numpy_integers():
    assert wilson(np.int64(44), np.int32(50)) == wilson(44, 50)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((-1, 5), "-1"),
        ((1, -5), "-5"),
        ((6, 5), "6 of 5"),
        ((1, 0), "1 of 0"),
        ((1.5, 5), r"1\.5"),
        ((float("nan"), 5), "nan"),
        ((1, "5"), "'5'"),
        ((1, 5, 0), "0"),
        ((1, 5, 1.0), r"1\.0"),
        ((1, 5, 95), "95"),
        ((1, 5, float("nan")), "nan"),
    ],
)
def test_refuses_bad_input_and_repeats_it(arguments, named):
    with pytest.raises(ValueError, match=named):
        wilson(*arguments)
