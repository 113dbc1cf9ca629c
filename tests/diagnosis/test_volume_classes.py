"""A classifier on a volume: each slice as it is answered alone, and the volume by the stated rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brainseg.diagnosis.volume_classes import NO_RULE, SliceAnswer, classify_volume, volume_value
from brainseg.monitoring import record_of
from brainseg.scans.volumes.slices import PLANES, slice_scans
from tests.diagnosis.test_volume_mask import head
from tests.models.conftest import make_classifier


def answers(values, unlike=()):
    return [
        SliceAnswer(place, {"no": 1 - value, "yes": value}, "", place not in unlike) for place, value in values.items()
    ]


@pytest.mark.parametrize("plane", PLANES)
def test_each_slice_is_answered_as_it_is_alone(predictor, plane):
    volume = head()

    answer = classify_volume(predictor, volume, plane)

    alone = {index: scan for index, scan in enumerate(slice_scans(volume, plane)) if scan.pixels.any()}
    assert [each.index for each in answer.slices] == list(alone)
    for each in answer.slices:
        expected = predictor.diagnose(alone[each.index])
        assert each.probabilities == pytest.approx(expected.probabilities)
        assert (each.outcome, each.in_domain) == (expected.outcome, expected.in_domain)
    values = [each.probabilities["yes"] for each in answer.slices]
    assert answer.value == pytest.approx(max(min(values[i : i + 3]) for i in range(len(values) - 2)))
    assert answer.outcome in ("yes", "no yes", "not certain")
    assert record_of(answer, "command").outcome == answer.outcome
    assert f"slices {answer.best[0] + 1} to {answer.best[0] + 3}" in answer.finding


def test_one_high_slice_is_no_finding_and_three_are():
    values = {place: 0.1 for place in range(10)}
    assert volume_value(answers({**values, 4: 0.9}), "yes")[0] == 0.1
    assert volume_value(answers({**values, 4: 0.9, 5: 0.8, 6: 0.7}), "yes") == (0.7, (4, 5, 6))


def test_slices_that_are_empty_or_unlike_part_a_row():
    high = dict.fromkeys(range(5), 0.9)
    assert volume_value(answers(high, unlike={2}), "yes") == (None, ())
    assert volume_value(answers({place: 0.9 for place in (0, 1, 3, 4)}), "yes") == (None, ())
    assert volume_value([], "yes") == (None, ())
    assert volume_value(answers(high), None) == (None, ())


def test_a_model_without_a_finding_has_no_answer_for_the_volume(make_predictor):
    model = make_predictor(make_classifier(classes=3, stages=(3, 4)), ("a", "b", "c"), positive=None)
    answer = classify_volume(model, head())
    assert (answer.value, answer.outcome, answer.finding) == (None, None, NO_RULE)
    assert len(answer.slices) == 5


def test_most_slices_unlike_the_training_images_leave_no_class(predictor):
    answer = classify_volume(predictor, head())
    assert replace(answer, in_domain=False).outcome == "not like the training images"


def test_progress_may_cancel(predictor):
    told = []

    def cancel(done, count):
        told.append((done, count))
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        classify_volume(predictor, head(array=np.ones((8, 8, 5), np.float32)), progress=cancel)
    assert told == [(1, 5), (2, 5)]
