"""How well uncertainty detects errors, against scikit-learn and plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from brainseg.evaluation import bootstrap
from brainseg.evaluation.error_detection import error_detection


def test_the_area_is_that_of_scikit_learn_in_every_draw(monkeypatch):
    monkeypatch.setattr(bootstrap, "DRAWS", 200)
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(25), 2)
    wrong = random.random(50) < 0.3
    values = np.round(random.random(50) + 0.4 * wrong, 1)
    found = error_detection(values, wrong, groups)
    assert found["auc"] == pytest.approx(roc_auc_score(wrong, values))
    assert found["mean_wrong"] == pytest.approx(values[wrong].mean())
    assert found["mean_right"] == pytest.approx(values[~wrong].mean())
    areas = [roc_auc_score(wrong, values, sample_weight=times[groups]) for times in bootstrap.drawn(25, 0)]
    assert len(areas) == 200
    assert found["interval"] == pytest.approx(tuple(np.percentile(areas, (2.5, 97.5))))


@pytest.mark.parametrize("wrong", [np.zeros(5, bool), np.ones(5, bool)])
def test_without_both_kinds_of_answer_it_is_not_defined(wrong):
    found = error_detection(np.linspace(0, 1, 5), wrong, np.arange(5))
    assert (found["auc"], found["interval"]) == (None, None)
    assert (found["mean_right"] is None) == wrong.all()


def test_one_patient_has_no_interval():
    assert error_detection(np.arange(4.0), np.arange(4) > 1, np.zeros(4, int))["interval"] is None
