"""A classifier on a volume: each slice as it is answered alone, and the volume by the stated rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brainseg.diagnosis.volume_classes import NO_RULE, classify_volume, volume_value
from brainseg.scans.volumes.slices import PLANES, slice_scans
from tests.diagnosis.test_volume_mask import head
from tests.models.conftest import make_classifier


def classify(predictor, volume, plane="axial", progress=None):
    return classify_volume(predictor.diagnose, predictor.description.classes, [volume], plane, progress)


@pytest.mark.parametrize("plane", PLANES)
def test_each_slice_is_answered_as_it_is_alone(predictor, plane):
    volume = head()

    answer = classify(predictor, volume, plane)

    values = []
    for index, scan in enumerate(slice_scans(volume, plane)):
        if not scan.pixels.any():
            assert np.isnan(answer.probabilities[index]).all()
            assert (answer.labels[index], answer.outcomes[index]) == ("", "")
            values.append(np.nan)
            continue
        alone = predictor.diagnose(scan)
        assert answer.probabilities[index].tolist() == pytest.approx(list(alone.probabilities.values()))
        assert (answer.labels[index], answer.outcomes[index]) == (alone.label, alone.outcome)
        assert (index in answer.unlike) == (alone.in_domain is False)
        values.append(alone.probabilities["yes"])
    rows = [min(values[i : i + 3]) for i in range(len(values) - 2) if not np.isnan(values[i : i + 3]).any()]
    assert answer.value == pytest.approx(max(rows))
    assert answer.outcome in ("yes", "no yes", "not certain")
    assert f"slices {answer.best[0] + 1} to {answer.best[0] + 3}" in answer.finding
    assert f"Of {sum(map(bool, answer.labels))} slices" in answer.counts


def test_one_high_slice_is_no_finding_and_three_are():
    values = np.full(10, 0.1)
    values[4] = 0.9
    assert volume_value(values)[0] == 0.1
    values[5:7] = 0.8, 0.7
    assert volume_value(values) == (0.7, (4, 5, 6))


def test_slices_that_are_empty_or_unlike_part_a_row():
    high = np.full(5, 0.9)
    assert volume_value(high, unlike=[2]) == (None, ())
    assert volume_value(np.where([1, 1, 0, 1, 1], 0.9, np.nan)) == (None, ())
    assert volume_value(high[:2]) == (None, ())
    assert volume_value(high) == (0.9, (0, 1, 2))


def test_a_model_without_a_finding_has_no_answer_for_the_volume(make_predictor):
    model = make_predictor(make_classifier(classes=3, stages=(3, 4)), ("a", "b", "c"), positive=None)
    answer = classify(model, head())
    assert (answer.value, answer.outcome, answer.finding) == (None, None, NO_RULE)
    assert sum(map(bool, answer.labels)) == 5


def test_an_empty_volume_has_no_answer(predictor):
    answer = classify(predictor, head(array=np.zeros((20, 24, 6), np.float32)))
    assert (answer.outcome, answer.counts) == (None, "Every slice is empty.")


def test_most_slices_unlike_the_training_images_leave_no_class(predictor):
    answer = classify(predictor, head())
    assert replace(answer, in_domain=False).outcome == "not like the training images"


def test_progress_may_cancel(predictor):
    told = []

    def cancel(done, count):
        told.append((done, count))
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        classify(predictor, head(array=np.ones((8, 8, 5), np.float32)), progress=cancel)
    assert told == [(1, 5), (2, 5)]
