"""What makes an answer doubtful."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydantic import TypeAdapter

from brainseg.diagnosis.agreement import agreement_sentence
from brainseg.diagnosis.doubts import UNLIKE, close_call, contradiction, joint_verdict, model_doubts
from brainseg.diagnosis.table import headline
from brainseg.models.trained_on import BundleData, TrainedOn, joint_training
from tests.models.conftest import one_sentence


@pytest.mark.parametrize(
    ("probabilities", "close"),
    [
        ({"no": 0.463, "yes": 0.537}, True),
        ({"no": 0.41, "yes": 0.59}, True),
        ({"no": 0.39, "yes": 0.61}, False),
        ({"a": 0.4, "b": 0.35, "c": 0.25}, True),
        ({"a": 0.5, "b": 0.25, "c": 0.25}, False),
    ],
)
def test_near_half_is_not_certain(predictor, scans, probabilities: dict, close: bool) -> None:
    answer = replace(predictor.diagnose(scans[0]), probabilities=probabilities)
    assert bool(close_call(answer)) is close


@pytest.mark.parametrize(
    ("validation", "doubt"),
    [
        ({"count": 50, "accuracy": 0.5, "accuracy_interval": [0.37, 0.63]}, "25 of 50"),
        ({"count": 50, "accuracy": 0.8, "accuracy_interval": [0.67, 0.89]}, ""),
        ({"count": 50, "accuracy": 0.8, "accuracy_interval": [0.67, 0.89], "chance": 0.8}, "40 of 50"),
        ({}, "not tested"),
        ({"count": 0, "accuracy": None}, "not tested"),
    ],
)
def test_a_model_no_better_than_chance_is_said_to_be(validation: dict, doubt: str) -> None:
    found = model_doubts(validation, 2)
    assert bool(found) == bool(doubt)
    assert doubt in " ".join(found)


def test_an_empty_heatmap_is_said_and_an_unlike_image_first(predictor, scans) -> None:
    answer = predictor.diagnose(scans[0])
    assert not any("empty" in sentence for sentence in answer.warnings)
    empty = replace(answer, heatmap=np.zeros_like(answer.heatmap), in_domain=False, reasons=("it has colours",))
    assert empty.warnings[0] == f"{UNLIKE}: it has colours."
    assert f"The heatmap is empty: no region raised the score of class {answer.label}." in empty.warnings
    (undrawn,) = predictor.diagnose_all(scans[:1], heatmaps=False)
    assert not [sentence for sentence in undrawn.warnings if "heatmap" in sentence], "none was asked for"
    assert headline(empty).startswith(f"{UNLIKE}. ")
    assert headline(empty).count(UNLIKE) == 1
    assert all(sentence in headline(empty) for sentence in empty.warnings[1:])


def test_classifier_and_mask_may_disagree_both_ways() -> None:
    assert "marks a tumour" in contradiction("no_tumour", "tumour", marks=True)
    assert "marks none" in contradiction("tumour", "tumour", marks=False)
    assert contradiction("tumour", "tumour", marks=True) == contradiction("no", "tumour", marks=False) == ""
    assert contradiction("a", None, marks=True) == ""
    assert agreement_sentence(None, marks=True).startswith("The heatmap is empty")
    assert agreement_sentence(None, marks=False).startswith("Nothing is marked")


def test_several_models_know_an_image_only_together() -> None:
    assert joint_verdict([True, True]) is True
    assert joint_verdict([True, None]) is None
    assert joint_verdict([None, False, True]) is False


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({}, "It is not recorded what this model was trained on."),
        ({"dataset": "kaggle253", "training_images": 203, "synthetic": False}, "Trained on kaggle253 (203 images)."),
        ({"synthetic": True}, "Trained on synthetic slices only: says nothing about patients."),
        (
            {"dataset": "mix", "training_images": 1203, "synthetic": False, "synthetic_images": 3},
            "Trained on mix (1,203 images, 3 of them synthetic).",
        ),
        (
            {"dataset": "a", "training_images": 9, "synthetic": False, "before": {"dataset": "b", "synthetic": True}},
            "Trained on a (9 images), starting from a model trained on b (synthetic).",
        ),
        ({"dataset": 3, "training_images": "x", "synthetic": 1}, "It is not recorded what this model was trained on."),
    ],
)
def test_what_a_model_is_in_one_sentence(data: dict, sentence: str) -> None:
    found = TrainedOn.of(TypeAdapter(BundleData).validate_python(data))
    assert found.sentence == sentence
    assert TrainedOn.of(found.to_data()) == found
    one_sentence(ValueError(found.sentence))


def test_what_members_of_an_ensemble_differ_in_is_not_claimed() -> None:
    one, other = TrainedOn("a", 9, synthetic=True), TrainedOn("b", 9, synthetic=False)
    assert joint_training([one, one]) == one
    assert joint_training([one, other]).to_dict() == {"dataset": "a, b", "images": None, "synthetic": None}
