"""Prediction sets: the limit is the order statistic of the theory, and the sets cover what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from brainseg.evaluation.calibration.fit import folds
from brainseg.evaluation.conformal import conformal_limit, fit_sets
from brainseg.models.conformal import prediction_set
from tests.evaluation.test_operating import scores_of


def test_a_new_score_is_covered_as_often_as_the_theory_says():
    """The coverage of a limit from n uniform scores has the distribution Beta(k, n + 1 - k)."""
    random = np.random.default_rng(0)
    count, coverage = 50, 0.9
    place = int(np.ceil((count + 1) * coverage))
    limits = [conformal_limit(random.random(count), coverage) for _ in range(2000)]
    expected = beta(place, count + 1 - place)
    assert np.mean(limits) == pytest.approx(expected.mean(), abs=4 * expected.std() / np.sqrt(2000))
    assert np.mean(limits) >= coverage
    assert np.quantile(limits, 0.1) == pytest.approx(expected.ppf(0.1), abs=0.01)


def test_too_few_scores_put_every_class_into_the_set():
    assert conformal_limit(np.array([0.1, 0.2]), 0.9) == 1.0


@pytest.mark.parametrize("classes", [2, 4])
def test_sets_contain_the_true_class_as_often_as_they_promise(classes):
    hits = count = 0
    for seed in range(8):
        scores = scores_of(150, classes, seed)
        sets = fit_sets(scores.probabilities, scores.labels, scores.groups, folds(scores.groups))
        fresh = scores_of(400, classes, seed + 100)
        names = [str(number) for number in range(classes)]
        for row, label in zip(fresh.probabilities, fresh.labels, strict=True):
            hits += str(label) in prediction_set(dict(zip(names, row, strict=True)), sets)
        count += 400
        assert sets.covered.count == sets.count == 150
        assert sets.covered.interval[0] < sets.covered.hits / 150 < sets.covered.interval[1]
        assert 1 <= sets.size <= classes
    assert 0.88 < hits / count < 0.94  # at least 0.9 on average; the most probable class is always in the set


def test_what_is_measured_comes_from_other_groups():
    scores = scores_of(60)
    own = 1 - scores.probabilities[np.arange(60), scores.labels]
    covered = np.zeros(60, dtype=bool)
    for fitted, held in folds(scores.groups):
        order = np.sort(own[fitted])
        first = scores.probabilities[held].argmax(axis=1) == scores.labels[held]
        covered[held] = first | (own[held] <= order[int(np.ceil((len(order) + 1) * 0.9)) - 1])
    assert (
        fit_sets(scores.probabilities, scores.labels, scores.groups, folds(scores.groups)).covered.hits == covered.sum()
    )


def test_a_set_is_never_empty():
    scores = scores_of(200)
    sure = np.where(scores.probabilities > 0.5, 0.99, 0.01)
    sets = fit_sets(sure, sure.argmax(axis=1), scores.groups, folds(scores.groups))
    assert sets.limit == pytest.approx(0.01)
    assert prediction_set({"no": 0.3, "yes": 0.7}, sets) == ("yes",)
    assert (sets.covered.hits, sets.size) == (200, 1.0)
