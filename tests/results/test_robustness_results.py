"""What a robustness check says and draws."""

from __future__ import annotations

import pytest

from brainseg.plots.narrow_layout import fit
from brainseg.plots.robustness_curve import robustness_figure
from brainseg.plots.robustness_overview import robustness_overview
from brainseg.results.robustness import measures_of, robustness_table, sentences
from tests.robustness.reports import report

BEGIN = "Noise (% of brightness): "


@pytest.mark.parametrize(
    ("accuracies", "sentence"),
    [
        (
            (0.88, 0.85, 0.6),
            "up to 4, the interval of the accuracy still holds 0.900, the value of the untouched images",
        ),
        ((0.9, 0.9, 0.89), "at every strength up to 8, the interval of the accuracy still holds 0.900"),
        ((0.7, 0.9, 0.9), "already at 2, the accuracy is 0.700 (0.604 to 0.781), and the interval does not hold 0.900"),
    ],
)
def test_a_sentence_says_how_far_the_accuracy_holds(accuracies, sentence) -> None:
    (found,) = sentences(report(*accuracies))
    assert found.startswith(BEGIN + sentence)
    assert "(7 of 100 answers changed)" in found


def test_the_strength_at_which_it_breaks_is_named_with_its_interval() -> None:
    (found,) = sentences(report(0.88, 0.85, 0.6))
    assert found.endswith("; at 8, the accuracy is 0.600 (0.502 to 0.691).")


def test_without_an_interval_no_strength_is_said_to_hold() -> None:
    made = report(0.9, 0.9, 0.5)
    made["curves"][0]["points"][1]["metric"]["interval"] = None
    assert sentences(made) == [BEGIN + "the accuracy has no interval; it is 0.500 at 8 and 0.900 on untouched images."]


def test_the_table_has_a_row_for_each_strength() -> None:
    table = robustness_table(report(0.88, 0.85, 0.6))
    assert table["strength"].tolist() == [0, 2, 4, 8]
    assert table["Accuracy"].tolist() == [0.9, 0.88, 0.85, 0.6]
    assert list(measures_of(report(0.9, 0.9, 0.9))) == ["metric", "changed", "stability", "ece", "nll"]


@pytest.mark.parametrize("dark", [False, True])
def test_a_curve_begins_with_the_untouched_images(dark) -> None:
    made = report(0.88, 0.85, 0.6)
    (curve,) = made["curves"]
    values = [point["metric"] for point in (made["reference"], *curve["points"])]
    figure = fit(robustness_figure(curve, values, "Accuracy", dark=dark))
    (line,) = figure.data
    assert list(line.y) == [0.9, 0.88, 0.85, 0.6]
    assert list(figure.layout.xaxis.ticktext) == ["none", "2", "4", "8"]
    assert line.error_y.array[3] == pytest.approx(0.691 - 0.6, abs=1e-3)
    changed = robustness_figure(curve, [None, *(point["changed"] for point in curve["points"])], "Answers changed")
    assert list(changed.data[0].x) == [1, 2, 3]
    with pytest.raises(ValueError, match="3 strengths"):
        robustness_figure(curve, values[:2], "Accuracy")
    assert len(robustness_overview(made, dark=dark).data) == 1
