"""Evaluations as files hold them, of this version and of earlier ones."""

from __future__ import annotations

import json
from math import nan
from typing import Any

import numpy as np
import pytest

from brainseg.evaluation.classification import evaluate
from brainseg.evaluation.segmentation import evaluate_masks
from brainseg.evaluation.stored import (
    ClassificationEvaluation,
    SegmentationEvaluation,
    as_validation,
    metric,
    read_evaluation,
    score,
)
from tests.evaluation.segmentation.masks import evaluated, pairs
from tests.evaluation.tables import random_table


@pytest.fixture
def stored() -> dict[str, Any]:
    """The evaluation of a classifier, as its file holds it."""
    table, classes = random_table(np.random.default_rng(0), 2, 30, "plain")
    return json.loads(json.dumps(evaluate(table, classes, classes[0]).to_dict(), allow_nan=False))


def test_an_evaluation_is_read_back_as_it_was(stored) -> None:
    found = read_evaluation(stored, ClassificationEvaluation)
    assert json.loads(json.dumps(found)) == stored
    assert metric(found, "accuracy") == stored["accuracy"]
    masks = json.loads(json.dumps(evaluate_masks(evaluated(pairs(12)), ("background", "tumour")).to_dict()))
    again = read_evaluation(masks, SegmentationEvaluation)
    assert json.loads(json.dumps(again)) == masks
    assert score(again, "detection_sensitivity") == masks["detection"]["sensitivity"]
    assert score(again, "dice") == masks["dice"]


def test_files_of_earlier_versions_are_read(stored) -> None:
    stored["judged_on"] = "test"
    stored["intervals"]["precision"] = [None, None]
    del stored["pr_auc"]
    found = read_evaluation(stored, ClassificationEvaluation)
    assert found["evaluated_on"] == "test"
    assert found["intervals"]["precision"] is None
    assert metric(found, "pr_auc") is None


@pytest.mark.parametrize("change", [{"matrix": [["x"]]}, {"count": None}, {"accuracy": "high"}, {"intervals": [1]}])
def test_a_value_of_another_type_is_refused(stored, change) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        read_evaluation({**stored, **change}, ClassificationEvaluation)


def test_an_interval_that_is_not_defined_is_stored_as_null() -> None:
    table, classes = random_table(np.random.default_rng(1), 2, 20, "never predicted")
    report = evaluate(table, classes, classes[0])
    undefined = [name for name, (low, _) in report.intervals.items() if low != low]
    values = report.to_dict()
    assert all(values["intervals"][name] is None for name in undefined)
    assert nan not in values["intervals"].values()


def test_the_headline_of_an_evaluation_is_that_of_its_bundle(stored) -> None:
    found = read_evaluation({**stored, "split": "grouped", "evaluated_on": "valid"}, ClassificationEvaluation)
    headline = as_validation(found)
    assert headline == {
        "split": "grouped",
        "evaluated_on": "valid",
        "count": found["count"],
        "accuracy": found["accuracy"],
        "accuracy_interval": found["intervals"]["accuracy"],
    }
    assert as_validation(headline) == headline
