from __future__ import annotations

import numpy as np
import pytest

from brainseg.evaluation.collapse import collapse_sentence, is_collapsed


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ([[5, 0], [3, 0]], True),
        ([[0, 5, 0], [0, 3, 0], [0, 1, 0]], True),
        ([[5, 0], [2, 1]], False),
        ([[5, 0], [0, 0]], False),  # there was only one class
        ([[0, 0], [0, 0]], False),
    ],
)
def test_one_class_for_everything_is_a_collapse_only_where_there_were_several(matrix, expected: bool) -> None:
    assert is_collapsed(np.array(matrix)) is expected


def test_the_sentence_fits_the_task_and_is_for_collapsed_models_alone() -> None:
    assert "one class for every image" in collapse_sentence({"collapsed": True, "accuracy": 0.9})
    assert "one class for every pixel" in collapse_sentence({"collapsed": True, "dice": 0.0})
    assert collapse_sentence({"collapsed": False}) == collapse_sentence({}) == ""
