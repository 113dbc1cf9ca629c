"""Calibration against scikit-learn and plain loops: measures, the fitted temperature, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import brier_score_loss, log_loss

from brainseg.evaluation.calibration import calibrate, fit_temperature, reliability, scaled
from brainseg.evaluation.calibration.fit import LEAST_EACH, LEAST_GROUPS, LEAST_IMAGES
from brainseg.evaluation.calibration.reliability import BINS
from brainseg.models.calibration import Calibration, NotCalibrated, Obstacle
from tests.evaluation.tables import as_table

NAMES = ["glioma", "meningioma", "none"]


def overconfident(count: int, classes: int = 2, temperature: float = 3.0, seed: int = 0):
    """Labels drawn from calibrated probabilities, and the logits of a network that exaggerates them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (count, classes))
    labels = np.array([rng.choice(classes, p=row) for row in softmax(logits, axis=1)])
    return labels, logits * temperature


def table_of(labels, logits) -> pd.DataFrame:
    scores = softmax(logits, axis=1)
    names = ["no", "yes"] if scores.shape[1] == 2 else NAMES
    return as_table(labels, scores.argmax(axis=1), scores, names)


class Logits(ClassifierMixin, BaseEstimator):
    """A classifier of scikit-learn whose decision function returns its inputs."""

    def fit(self, inputs, labels):
        self.classes_ = np.unique(labels)
        return self

    def decision_function(self, inputs):
        return inputs[:, 1] - inputs[:, 0] if len(self.classes_) == 2 else inputs

    def predict(self, inputs):
        return self.classes_[inputs.argmax(axis=1)]


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_is_that_of_scikit_learn(classes, temperature):
    labels, logits = overconfident(300, classes, temperature)
    reference = CalibratedClassifierCV(FrozenEstimator(Logits().fit(logits, labels)), method="temperature")
    fitted = fit_temperature(softmax(logits, axis=1), labels)
    expected = reference.fit(logits, labels).predict_proba(logits)
    np.testing.assert_allclose(scaled(softmax(logits, axis=1), fitted), expected, rtol=0, atol=1e-4)
    assert fitted == pytest.approx(temperature, rel=0.35)


@pytest.mark.parametrize("classes", [2, 3])
def test_no_other_temperature_has_a_lower_loss(classes):
    labels, logits = overconfident(200, classes)
    fitted = fit_temperature(softmax(logits, axis=1), labels)

    def loss(temperature):
        return -log_softmax(logits / temperature, axis=1)[np.arange(len(labels)), labels].mean()

    assert all(loss(fitted) <= loss(fitted * factor) for factor in (0.8, 0.95, 0.99, 1.01, 1.05, 1.2))


@pytest.mark.parametrize("temperature", [0.3, 1.0, 7.0])
def test_scaling_is_that_of_the_logits_and_keeps_the_class(temperature):
    _, logits = overconfident(200, 3)
    result = scaled(softmax(logits, axis=1), temperature)
    np.testing.assert_allclose(result, softmax(logits / temperature, axis=1), rtol=1e-9)
    assert (result.argmax(axis=1) == logits.argmax(axis=1)).all()


def test_a_probability_of_exactly_0_can_be_scaled():
    result = scaled(np.array([[1.0, 0.0]]), 2.0)
    assert np.isfinite(result).all()
    assert result.sum() == pytest.approx(1)


def test_measures_of_two_classes_are_those_of_scikit_learn():
    labels, logits = overconfident(400)
    table = table_of(labels, logits)
    found = reliability(table, ["no", "yes"], "yes", np.arange(len(table)))
    assert found["brier"] == pytest.approx(brier_score_loss(labels, table["p_yes"]))
    assert found["nll"] == pytest.approx(log_loss(labels, table[["p_no", "p_yes"]]))
    observed, mean = calibration_curve(labels, table["p_yes"], n_bins=BINS)
    filled = [each for each in found["bins"] if each["count"]]
    np.testing.assert_allclose([each["observed"] for each in filled], observed)
    np.testing.assert_allclose([each["probability"] for each in filled], mean)
    assert sum(each["count"] for each in found["bins"]) == found["count"] == 400


@pytest.mark.parametrize(("classes", "positive"), [(2, "yes"), (2, None), (3, None)])
def test_calibration_errors_are_those_of_a_plain_loop(classes, positive):
    labels, logits = overconfident(150, classes, seed=1)
    table = table_of(labels, logits)
    scores = softmax(logits, axis=1)
    judged, right = (scores[:, 1], labels == 1) if positive else (scores.max(axis=1), scores.argmax(axis=1) == labels)
    gaps, counts = [], []
    for low in np.arange(BINS) / BINS:
        inside = (judged >= low) & ((judged < low + 1 / BINS) | (low + 1 / BINS > 0.99))
        if inside.any():
            gaps.append(abs(right[inside].mean() - judged[inside].mean()))
            counts.append(inside.sum())
    names = NAMES if classes == 3 else ["no", "yes"]
    found = reliability(table, names, positive, np.arange(len(table)))
    assert found["ece"] == pytest.approx(np.average(gaps, weights=counts))
    assert found["ace"] == pytest.approx(np.mean(gaps))
    assert found["mce"] == pytest.approx(max(gaps))
    brier = ((scores - np.eye(classes)[labels]) ** 2).sum(axis=1).mean()
    assert found["brier"] == pytest.approx(brier / (2 if classes == 2 else 1))
    for name in ("nll", "brier"):
        low, high = found["intervals"][name]
        assert low < found[name] < high


def test_slices_of_one_patient_widen_the_intervals():
    labels, logits = overconfident(60)
    table = pd.concat([table_of(labels, logits)] * 5, ignore_index=True)
    alone = reliability(table, ["no", "yes"], "yes", np.arange(len(table)))["intervals"]["brier"]
    together = reliability(table, ["no", "yes"], "yes", np.tile(np.arange(60), 5))["intervals"]["brier"]
    assert together[1] - together[0] > 1.5 * (alone[1] - alone[0])


def test_one_group_has_no_interval():
    table = table_of(*overconfident(20))
    found = reliability(table, ["no", "yes"], "yes", np.zeros(20, dtype=int))
    assert set(found["intervals"].values()) == {None}


def fitted(table, positive="yes", groups=None, copies=None):
    count = len(table)
    groups = np.arange(count) if groups is None else groups
    names = ["no", "yes"] if positive else NAMES
    return calibrate(table, names, positive, groups, np.zeros(count, dtype=bool) if copies is None else copies)


@pytest.mark.parametrize(("classes", "positive"), [(2, "yes"), (3, None)])
def test_an_overconfident_network_becomes_calibrated(classes, positive):
    report = fitted(table_of(*overconfident(400, classes)), positive)
    state = report["state"]
    assert isinstance(state, Calibration)
    assert state.temperature == pytest.approx(3.0, rel=0.25)
    assert (state.count, state.source) == (400, "validation")
    assert report["after"]["nll"] < 0.8 * report["before"]["nll"]
    assert report["after"]["ece"] < 0.6 * report["before"]["ece"]
    assert report["after"]["count"] == 400


def test_what_is_measured_after_the_fit_comes_from_other_groups():
    """Were images of one group in the fit that scales them, labels that follow the group would look calibrated."""
    rng = np.random.default_rng(0)
    table = table_of(*overconfident(200))
    groups = rng.permutation(np.repeat(np.arange(20), 10))
    report = fitted(table, groups=groups)
    honest = report["after"]["nll"]
    state = report["state"]
    scores = scaled(table[["p_no", "p_yes"]].to_numpy(), state.temperature)
    labels = (table["label"] == "yes").to_numpy().astype(int)
    on_its_own = -np.log(scores[np.arange(200), labels]).mean()
    assert honest > on_its_own


def test_calibrated_scores_stay_as_they_are():
    report = fitted(table_of(*overconfident(300, temperature=1.0, seed=3)))
    state = report["state"]
    assert isinstance(state, Calibration)
    assert state.temperature == 1 or report["after"]["nll"] < report["before"]["nll"]
    assert state.temperature == pytest.approx(1.0, abs=0.3)


def test_copies_of_training_images_are_left_out():
    labels, logits = overconfident(300)
    known = np.zeros(300, dtype=bool)
    known[:100] = True
    logits[:100] = np.eye(2)[labels[:100]] * 50  # learnt by heart
    report = fitted(table_of(labels, logits), copies=known)
    assert report["copies"] == 100
    assert report["state"].count == report["before"]["count"] == 200
    assert report["state"] == fitted(table_of(labels[100:], logits[100:]))["state"]


def perfect(count: int, wrong: int = 0) -> pd.DataFrame:
    labels = np.arange(count) % 2
    logits = np.eye(2)[labels] * 4
    logits[:wrong] = logits[:wrong, ::-1]
    return table_of(labels, logits)


@pytest.mark.parametrize(
    ("table", "groups", "obstacle", "found", "needed"),
    [
        (perfect(LEAST_IMAGES - 1, 20), None, Obstacle.IMAGES, LEAST_IMAGES - 1, LEAST_IMAGES),
        (perfect(LEAST_IMAGES, 20), np.arange(LEAST_IMAGES) % 9, Obstacle.GROUPS, 9, LEAST_GROUPS),
        (perfect(LEAST_IMAGES, LEAST_EACH - 1), None, Obstacle.WRONG, LEAST_EACH - 1, LEAST_EACH),
        (perfect(LEAST_IMAGES, LEAST_IMAGES), None, Obstacle.RIGHT, 0, LEAST_EACH),
        (perfect(0), None, Obstacle.IMAGES, 0, LEAST_IMAGES),
    ],
)
def test_too_little_to_fit_on_is_refused(table, groups, obstacle, found, needed):
    report = fitted(table, groups=groups)
    assert report["state"] == NotCalibrated(obstacle=obstacle, found=found, needed=needed, count=len(table))
    assert report["after"] is None
    assert (report["before"] is None) == table.empty


def test_just_enough_is_fitted():
    assert isinstance(fitted(perfect(LEAST_IMAGES, LEAST_EACH))["state"], Calibration)


def test_wrong_values_are_refused():
    with pytest.raises(ValueError, match="p_yes"):
        fitted(perfect(120, 10).assign(p_yes=2.0))
