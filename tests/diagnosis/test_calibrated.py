"""Probabilities are written only as far as a calibration supports them, and answers say on what they stand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from brainseg.diagnosis.calibrated import Certainty, calibration_sentence, write_value
from brainseg.diagnosis.doubts import UNCERTAIN, UNLIKE_OUTCOME
from brainseg.diagnosis.joint import diagnose_jointly
from brainseg.models.calibration import Calibration, NotCalibrated, Obstacle
from tests.models.conftest import make_classifier

FITTED = Calibration(temperature=4.0, count=128, wrong=12)


@pytest.mark.parametrize(
    ("probability", "count", "text"),
    [
        (0.73, None, "73.0 %"),
        (0.9999998, None, "over 99 %"),
        (1e-9, None, "under 1 %"),
        (0.9999998, 128, "over 99.2 %"),
        (0.0001, 128, "under 0.8 %"),
        (0.99, 128, "99.0 %"),
        (1.0, 10**6, "over 99.9 %"),
    ],
)
def test_no_value_is_closer_to_certainty_than_its_calibration(probability, count, text):
    assert write_value(probability, count) == text


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (FITTED, "calibrated on 128 images of the validation set (temperature 4.00)"),
        (FITTED.model_copy(update={"source": "out-of-fold"}), "calibrated on 128 images of a cross-validation"),
        (NotCalibrated(obstacle=Obstacle.IMAGES, found=50, needed=100, count=50), "needs 100 held-out images"),
        (NotCalibrated(obstacle=Obstacle.GROUPS, found=4, needed=10, count=240), "of 10 patients"),
        (NotCalibrated(obstacle=Obstacle.WRONG, found=2, needed=5, count=128), "5 wrong answers, and 2 of 128"),
        (NotCalibrated(obstacle=Obstacle.RIGHT, found=0, needed=5, count=128), "5 correct answers, and 0 of 128"),
        (None, "of an earlier version of brainseg"),
    ],
)
def test_every_state_has_a_sentence(state, words):
    assert words in calibration_sentence(state)


def test_a_calibrated_bundle_scales_its_answers(make_predictor, scans):
    model = make_classifier(stages=(3, 4))
    plain, calibrated = make_predictor(model), make_predictor(model, calibration=FITTED)
    raw, answer = plain.diagnose(scans[0]), calibrated.diagnose(scans[0])
    expected = softmax(np.log(list(raw.probabilities.values())) / 4)
    assert list(answer.probabilities.values()) == pytest.approx(expected.tolist(), abs=1e-6)
    assert answer.label == raw.label
    np.testing.assert_allclose(answer.cam, raw.cam, atol=1e-6)
    assert answer.certainty == Certainty((FITTED,))
    assert "(calibrated on 128 images)" in answer.sentence
    assert "a probability of" in answer.sentence
    assert "a score of" in raw.sentence
    assert "(not calibrated)" in raw.sentence
    assert plain.bundle.version != calibrated.bundle.version


def test_the_mean_of_calibrated_models_is_not_calibrated(make_predictor, scans):
    members = [make_predictor(make_classifier(stages=(1,), seed=seed), calibration=FITTED) for seed in (1, 2)]
    answer = diagnose_jointly(members, scans[0])
    assert not answer.certainty.calibrated
    assert answer.certainty.count is None
    assert answer.certainty.sentences == [
        "The mean of 2 models is a score, not a calibrated probability; 2 of the models are calibrated on their own."
    ]
    means = np.mean([list(member.probabilities.values()) for member in answer.members], axis=0)
    assert list(answer.probabilities.values()) == pytest.approx(means.tolist())


def test_the_outcome_is_what_a_reader_may_take_from_an_answer(make_predictor, scans):
    from dataclasses import replace

    answer = make_predictor(make_classifier(stages=(1,))).diagnose(scans[0])
    sure = replace(answer, label="yes", probabilities={"no": 0.1, "yes": 0.9})
    assert sure.outcome == "yes"
    assert replace(sure, probabilities={"no": 0.45, "yes": 0.55}).outcome == UNCERTAIN
    assert replace(sure, in_domain=False).outcome == UNLIKE_OUTCOME
