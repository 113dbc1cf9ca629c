"""The plot of a cross-validation's folds."""

from __future__ import annotations

import pytest

from brainseg.plots.fold_metrics import folds_figure


def test_every_fold_is_a_dot_and_undefined_ones_are_left_out() -> None:
    figure = folds_figure(
        {"Accuracy": [0.8, 0.9, 1.0], "AUC": [0.7, None, 0.9]},
        {"Accuracy": (0.9, (0.7, 1.0)), "AUC": (None, None)},
        {"Accuracy": (0.88, (0.8, 0.95)), "AUC": (0.85, None)},
        ["fold 0", "fold 1", "fold 2"],
    )
    dots, means, pooled = figure.data
    assert list(dots.x) == [0.8, 0.9, 1.0, 0.7, 0.9]
    assert [row for row, _ in zip(dots.y, dots.x, strict=True)] == [0, 0, 0, 1, 1]
    assert list(means.x) == [0.9]
    assert means.error_x.array[0] == pytest.approx(0.1)
    assert list(pooled.x) == [0.88, 0.85]
    assert pooled.error_x.array[1] == 0
    assert pooled.customdata[1][1] == "no interval"
    assert "not defined" in " ".join(note.text for note in figure.layout.annotations)


def test_each_metric_needs_a_value_per_fold() -> None:
    with pytest.raises(ValueError, match="needs 2 values"):
        folds_figure({"Accuracy": [0.8]}, {}, {}, ["fold 0", "fold 1"])
