"""Operating points against scikit-learn and plain loops: thresholds, margins, curves, and what is measured on them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.metrics import recall_score
from sklearn.model_selection import GroupKFold

from brainseg.errors import DataError
from brainseg.evaluation.intervals import wilson
from brainseg.evaluation.operating import (
    Goals,
    HeldOut,
    Scores,
    choose_margin,
    choose_threshold,
    coverage_curve,
    fit_operating_point,
    threshold_curve,
)
from brainseg.evaluation.proportions import proportion
from brainseg.models.operating_point import (
    DEFAULT,
    MARGIN,
    MarginGoal,
    OperatingPoint,
    ThresholdGoal,
    decide,
    decide_all,
    joint_point,
    uncertain_range,
)
from tests.evaluation.tables import as_table
from tests.models.conftest import one_sentence


def scores_of(count: int = 300, classes: int = 2, seed: int = 0, positive: int | None = 1) -> Scores:
    """Probabilities that come true as often as they say."""
    rng = np.random.default_rng(seed)
    probabilities = softmax(rng.normal(0, 1.5, (count, classes)), axis=1)
    labels = np.array([rng.choice(classes, p=row) for row in probabilities])
    return Scores(probabilities, labels, np.arange(count), positive)


def test_a_threshold_decides_by_the_positive_class_alone():
    scores = scores_of(classes=3).probabilities
    codes, margins = decide_all(scores, 1, 0.3)
    for row, code, margin in zip(scores, codes, margins, strict=True):
        expected = 1 if row[1] >= 0.3 else (0 if row[0] >= row[2] else 2)
        odds = row[1] / (1 - row[1]) / (0.3 / 0.7)
        moved = row * (1 - odds / (1 + odds)) / (1 - row[1])
        moved[1] = odds / (1 + odds)
        assert code == expected
        assert margin == pytest.approx(moved[code] - np.delete(moved, code).max())
    assert (decide_all(scores, 1, None)[0] == scores.argmax(axis=1)).all()


def test_a_threshold_of_one_half_changes_nothing_with_two_classes():
    scores = scores_of().probabilities
    for plain, moved in zip(decide_all(scores, 1, None), decide_all(scores, 1, 0.5), strict=True):
        np.testing.assert_allclose(plain, moved, atol=1e-12)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_probability_of_0_or_1_can_be_decided(value):
    codes, margins = decide_all(np.array([[1 - value, value]]), 1, 0.2)
    assert codes[0] == value
    assert margins[0] == pytest.approx(1)


@pytest.mark.parametrize(("threshold", "margin"), [(None, 0.2), (0.2, 0.2), (0.7, 0.5), (0.5, 0.0)])
def test_the_uncertain_range_is_where_answers_are_not_certain(threshold, margin):
    point = OperatingPoint(threshold=threshold, margin=margin)
    low, high = uncertain_range(point)
    for value in np.linspace(0.005, 0.995, 199):
        if min(abs(value - low), abs(value - high)) > 1e-6:
            found = decide({"no": 1 - value, "yes": value}, "yes", point)
            assert found.certain == (value < low or value > high)


@pytest.mark.parametrize("of", ["sensitivity", "specificity"])
@pytest.mark.parametrize("value", [0.8, 0.9, 0.95, 1.0])
def test_no_threshold_reaches_the_goal_at_less_expense(of, value):
    scores = scores_of()
    chosen = choose_threshold(scores.positive_probabilities, scores.actual, ThresholdGoal(of=of, value=value))
    order = np.unique(scores.positive_probabilities)
    others = [0.0, *((order[1:] + order[:-1]) / 2), 1.0]

    def rates(threshold):
        called = scores.positive_probabilities >= threshold
        return called[scores.actual].mean(), (~called)[~scores.actual].mean()

    called = scores.positive_probabilities >= chosen
    assert rates(chosen) == (recall_score(scores.actual, called), recall_score(~scores.actual, ~called))
    place = ("sensitivity", "specificity").index(of)
    assert rates(chosen)[place] >= value
    enough = [each for each in others if rates(each)[place] >= value]
    best = max(rates(each)[1 - place] for each in enough)
    assert rates(chosen)[1 - place] == pytest.approx(best)


@pytest.mark.parametrize("cost", [0.2, 1.0, 10.0])
def test_no_threshold_costs_less(cost):
    scores = scores_of()

    def expense(threshold):
        called = scores.positive_probabilities >= threshold
        return cost * (scores.actual & ~called).sum() + (called & ~scores.actual).sum()

    goal = ThresholdGoal(of="cost", value=cost)
    chosen = choose_threshold(scores.positive_probabilities, scores.actual, goal)
    assert expense(chosen) == pytest.approx(min(expense(each) for each in np.linspace(0, 1, 2001)))
    # For probabilities that come true, 1 / (1 + cost) is the best threshold (Elkan 2001).
    assert chosen == pytest.approx(1 / (1 + cost), abs=0.15)


def test_a_threshold_needs_both_sides():
    with pytest.raises(ValueError, match="both sides"):
        choose_threshold(np.full(30, 0.5), np.ones(30, dtype=bool), ThresholdGoal(of="sensitivity", value=0.9))


@pytest.mark.parametrize("value", [0.75, 0.85, 0.9])
def test_the_margin_keeps_as_many_answers_as_the_accuracy_allows(value):
    scores = scores_of()
    codes, margins = decide_all(scores.probabilities, 1, None)
    correct = codes == scores.labels
    chosen = choose_margin(margins, correct, MarginGoal(of="accuracy", value=value))
    kept = margins >= chosen
    assert correct[kept].mean() >= value
    for margin in margins[margins < chosen]:
        assert correct[margins >= margin].mean() < value


@pytest.mark.parametrize("value", [0.0, 0.5, 0.9, 1.0])
def test_the_margin_leaves_the_coverage(value):
    margins = np.random.default_rng(0).random(97)
    chosen = choose_margin(margins, margins > 0, MarginGoal(of="coverage", value=value))
    kept = int((margins >= chosen).sum())
    assert kept == max(1, math.ceil(value * 97))


def test_an_accuracy_out_of_reach_is_none():
    margins = np.linspace(0, 1, 60)
    assert choose_margin(margins, np.arange(60) % 2 == 0, MarginGoal(of="accuracy", value=0.9)) is None


def test_answers_with_the_same_margin_stay_together():
    margins, correct = np.repeat([0.9, 0.5], 30), np.repeat([True, False], 30)
    chosen = choose_margin(margins, correct, MarginGoal(of="coverage", value=0.6))
    assert (margins >= chosen).sum() == 60


def test_the_curves_are_those_of_plain_loops():
    scores = scores_of(80)
    for row in threshold_curve(scores).itertuples():
        called = scores.positive_probabilities >= row.threshold
        assert row.sensitivity == pytest.approx(called[scores.actual].mean())
        assert row.specificity == pytest.approx((~called)[~scores.actual].mean())
        expected = wilson(int(called[scores.actual].sum()), int(scores.actual.sum()))
        assert (row.sensitivity_low, row.sensitivity_high) == expected
    codes, margins = decide_all(scores.probabilities, 1, 0.3)
    curve = coverage_curve(scores, 0.3)
    assert len(curve) == 80
    for row in curve.itertuples():
        kept = margins >= row.margin
        assert row.count == kept.sum()
        assert row.coverage == pytest.approx(kept.mean())
        assert row.accuracy == pytest.approx((codes == scores.labels)[kept].mean())
        assert (row.low, row.high) == wilson(int((codes == scores.labels)[kept].sum()), row.count)
    assert len(coverage_curve(scores_of(500), None)) == len(threshold_curve(scores_of(500))) == 100
    assert coverage_curve(scores.part(np.zeros(80, dtype=bool)), None).empty


def test_what_is_measured_comes_from_images_outside_the_choice():
    scores = scores_of(120)
    goals = Goals(ThresholdGoal(of="sensitivity", value=0.9), MarginGoal(of="accuracy", value=0.8))
    found = fit_operating_point(scores, goals)
    codes, certain = np.zeros(120, int), np.zeros(120, bool)
    for fitted, held in GroupKFold(5, shuffle=True, random_state=0).split(scores.labels, groups=scores.groups):
        part = scores.part(fitted)
        threshold = choose_threshold(part.positive_probabilities, part.actual, goals.threshold)
        own, margins = decide_all(part.probabilities, 1, threshold)
        margin = choose_margin(margins, own == part.labels, goals.margin, 16)
        codes[held], margins = decide_all(scores.probabilities[held], 1, threshold)
        certain[held] = margins >= margin
    assert found.measured_on == "outside"
    assert (found.sensitivity.hits, found.sensitivity.count) == (codes[scores.actual].sum(), scores.actual.sum())
    assert found.specificity.hits == (codes[~scores.actual] == 0).sum()
    assert (found.answered.hits, found.correct.count) == (certain.sum(), certain.sum())
    assert found.correct.hits == (codes == scores.labels)[certain].sum()
    assert found.sensitivity.interval == wilson(found.sensitivity.hits, found.sensitivity.count)
    whole = choose_threshold(scores.positive_probabilities, scores.actual, goals.threshold)
    assert (found.threshold, found.count) == (whole, 120)


def test_the_sensitivity_outside_the_choice_is_about_the_wanted_one():
    hits = count = 0
    for seed in range(10):
        found = fit_operating_point(scores_of(200, seed=seed), Goals(ThresholdGoal(of="sensitivity", value=0.9)))
        hits, count = hits + found.sensitivity.hits, count + found.sensitivity.count
    assert hits / count == pytest.approx(0.9, abs=0.03)


def test_a_test_set_is_measured_instead():
    scores, test = scores_of(120), scores_of(60, seed=1)
    found = fit_operating_point(scores, Goals(ThresholdGoal(of="sensitivity", value=0.9)), test=test)
    called = test.positive_probabilities >= found.threshold
    assert (found.measured_on, found.count) == ("test", 120)
    assert (found.sensitivity.hits, found.sensitivity.count) == (called[test.actual].sum(), test.actual.sum())


def test_a_given_threshold_is_measured_on_all_images():
    scores = scores_of(15)
    goals = Goals(ThresholdGoal(of="threshold", value=0.3), MarginGoal(of="margin", value=0.1))
    found = fit_operating_point(scores, goals)
    assert (found.measured_on, found.threshold, found.margin) == ("same", 0.3, 0.1)
    assert found.sensitivity.hits == (scores.positive_probabilities >= 0.3)[scores.actual].sum()
    assert fit_operating_point(scores, Goals(margin=MarginGoal(of="margin", value=0.1))).threshold is None
    assert fit_operating_point(scores, Goals(goals.threshold)).margin == MARGIN


def test_slices_of_one_patient_widen_the_intervals():
    rng = np.random.default_rng(0)
    hit = np.repeat(rng.random(30) < 0.7, 6)
    everyone = np.ones(180, dtype=bool)
    alone = proportion(hit, everyone, np.arange(180)).interval
    together = proportion(hit, everyone, np.repeat(np.arange(30), 6)).interval
    assert together[1] - together[0] > 1.5 * (alone[1] - alone[0])
    assert proportion(everyone, everyone, np.repeat(np.arange(30), 6)).interval == wilson(30, 30)
    assert proportion(~everyone, everyone, np.repeat(np.arange(30), 6)).interval == wilson(0, 30)
    assert proportion(hit, ~everyone, np.arange(180)).interval is None


FEW = Goals(ThresholdGoal(of="sensitivity", value=0.95))


@pytest.mark.parametrize(
    ("scores", "goals", "text"),
    [
        (scores_of(30), FEW, "sensitivity of 0.95 needs 20"),
        (scores_of(300), Goals(ThresholdGoal(of="specificity", value=0.999)), "specificity of 0.999 needs 1000"),
        (scores_of(300, 3, positive=None), FEW, "no positive class"),
        (scores_of(30), Goals(margin=MarginGoal(of="accuracy", value=0.98)), "needs 50"),
        (scores_of(300), Goals(margin=MarginGoal(of="accuracy", value=1.0)), "No margin reaches"),
        (Scores(*[getattr(scores_of(60), name) for name in ("probabilities", "labels")], np.arange(60) // 20, 1),
         Goals(margin=MarginGoal(of="coverage", value=0.9)), "3 patients"),
        (Scores(np.tile([0.4, 0.6], (60, 1)), np.ones(60, int), np.arange(60), 1), FEW, "one class"),
    ],
)  # fmt: skip
def test_what_cannot_be_chosen_is_refused_in_one_sentence(scores, goals, text):
    with pytest.raises(DataError, match=text) as caught:
        fit_operating_point(scores, goals)
    one_sentence(caught.value)


def test_an_accuracy_that_parts_of_the_images_do_not_reach_is_refused():
    """One error among 101 sure answers: 0.99 is reached on all of them, but not on the folds that hold the error."""
    probabilities = np.repeat([[0.02, 0.98]], 110, axis=0)
    probabilities[101:] = [0.45, 0.55]
    labels = np.ones(110, int)
    labels[[50, *range(101, 110)]] = 0
    goals = Goals(margin=MarginGoal(of="accuracy", value=0.99))
    with pytest.raises(DataError, match="each four fifths") as caught:
        fit_operating_point(Scores(probabilities, labels, np.arange(110), 1), goals)
    one_sentence(caught.value)


def test_copies_are_left_out_and_probabilities_are_calibrated():
    probabilities = scores_of(40).probabilities
    table = as_table(scores_of(40).labels, probabilities.argmax(axis=1), probabilities, ["no", "yes"])
    copies = np.arange(40) < 5
    held = HeldOut(table, ["no", "yes"], "yes", np.arange(40), copies)
    found = held.without_copies(2.0)
    np.testing.assert_allclose(found.probabilities, softmax(np.log(probabilities[5:]) / 2, axis=1))
    assert found.labels.tolist() == scores_of(40).labels[5:].tolist()
    assert isinstance(held.table, pd.DataFrame)


def test_models_decide_together_by_the_mean_of_their_thresholds():
    points = [OperatingPoint(threshold=0.2, margin=0.1), OperatingPoint(margin=0.3)]
    assert joint_point(points, 2).threshold == pytest.approx(0.35)
    assert joint_point(points, 2).margin == 0.3
    assert joint_point(points, 3).threshold is None
    assert joint_point([DEFAULT, DEFAULT], 2) == DEFAULT
    assert joint_point([points[0], points[0]], 3).threshold == pytest.approx(0.2)


@pytest.mark.parametrize(("of", "value"), [("threshold", 1.0), ("sensitivity", 1.1), ("cost", 0.0), ("cost", math.nan)])
def test_goals_that_mean_nothing_are_refused(of, value):
    with pytest.raises(ValueError, match="ThresholdGoal"):
        ThresholdGoal(of=of, value=value)
