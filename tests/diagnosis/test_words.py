from __future__ import annotations

import pytest

from brainseg.diagnosis.words import evaluation_sentence, percent


@pytest.mark.parametrize(
    ("probability", "text"),
    [
        (0.5, "50.0 %"),
        (0.8944, "89.4 %"),
        (0.9999998, "over 99.9 %"),
        (1.0, "over 99.9 %"),
        (0.9994, "99.9 %"),
        (0.0005, "0.1 %"),
        (1e-9, "under 0.1 %"),
    ],
)
def test_no_probability_is_written_as_certainty(probability: float, text: str) -> None:
    assert percent(probability) == text


VALIDATION = {"count": 50, "accuracy": 0.9, "accuracy_interval": [0.7864, 0.9565], "split": "grouped"}


def test_how_good_a_model_is_comes_with_count_and_interval() -> None:
    assert evaluation_sentence(VALIDATION) == "Correct on 45 of 50 held-out images: 90 % (95 % CI 79 to 96 %)."


def test_an_evaluation_says_the_same_as_the_bundle() -> None:
    evaluation = {"count": 50, "accuracy": 0.9, "intervals": {"accuracy": [0.7864, 0.9565]}, "split": "grouped"}
    assert evaluation_sentence(evaluation) == evaluation_sentence(VALIDATION)


@pytest.mark.parametrize(
    ("caveat", "words"),
    [
        ({"selected_on_these_images": True}, "the best epoch was chosen on these same images"),
        ({"copies_in_training": 1}, "1 of them is a copy of training images"),
        ({"copies_in_training": 7}, "7 of them are copies"),
        ({"split": "random"}, "slices of one patient may be on both sides"),
    ],
)
def test_what_flatters_a_figure_is_said_beside_it(caveat: dict, words: str) -> None:
    assert words in evaluation_sentence({**VALIDATION, **caveat})


@pytest.mark.parametrize("validation", [{}, {"accuracy": 0.5}, {"count": 0, "accuracy": None}])
def test_what_is_not_known_is_not_claimed(validation: dict) -> None:
    assert evaluation_sentence(validation) == "It is not known how often this model is correct."


def test_masks_are_judged_by_their_overlap() -> None:
    evaluation = {"slices": 232, "dice": 0.8123, "intervals": {"dice": [0.71, 0.879]}, "split": "grouped"}
    stored = {"count": 232, "dice": 0.8123, "dice_interval": [0.71, 0.879], "split": "grouped"}
    expected = "Dice 0.81 (95 % CI 0.71 to 0.88) against the reference masks of 232 held-out slices."
    assert evaluation_sentence(evaluation) == evaluation_sentence(stored) == expected
    counted = evaluation_sentence({**evaluation, "patients": 12, "unit": "patient"})
    assert counted == expected.replace("slices.", "slices of 12 patients.")
    assert evaluation_sentence({**evaluation, "patients": 232, "unit": "slice"}) == expected
    assert "chosen on these same" in evaluation_sentence({**stored, "selected_on_these_images": True})
    assert "CI" not in evaluation_sentence({**stored, "dice_interval": None})


def test_unknown_patients_are_said_and_nothing_is_claimed_of_older_runs():
    validation = {"count": 10, "accuracy": 0.9, "split": "grouped"}
    unknown = "patients unknown: slices of one patient may be on both sides"
    assert unknown in evaluation_sentence({**validation, "patients_known": {"source": "none", "count": 0}})
    assert unknown not in evaluation_sentence({**validation, "patients_known": {"source": "folder", "count": 5}})
    assert unknown not in evaluation_sentence(validation)
