"""Words, tables, matrix cells and exports of the Runs page."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from brainseg import DISCLAIMER
from brainseg.app.messages import end_reason
from brainseg.plots import confusion_matrix_figure
from brainseg.plots.clickable_matrix import clickable, clicked_cell
from brainseg.results.csv_text import csv_bytes
from brainseg.results.markdown import escape
from brainseg.results.prediction_choice import filter_predictions, first_cell, images_in_cell
from brainseg.runs import RunStore

TABLE = pd.DataFrame(
    {
        "path": ["a/1.png", "a/2.png", "b/1.png", "b/B[2].png"],
        "group": ["p1", "p1", "p2", ""],
        "label": ["a", "a", "b", "b"],
        "prediction": ["a", "b", "b", "b"],
        "loss": [0.1, 2.0, 0.3, 0.5],
    }
)


def test_filters_keep_what_passes_all_of_them() -> None:
    assert filter_predictions(TABLE).equals(TABLE)
    assert filter_predictions(TABLE, ["a"])["path"].tolist() == ["a/1.png", "a/2.png"]
    assert filter_predictions(TABLE, ["a"], ["b"])["path"].tolist() == ["a/2.png"]
    assert filter_predictions(TABLE, wrong_only=True)["path"].tolist() == ["a/2.png"]
    assert filter_predictions(TABLE, text=" b[2] ")["path"].tolist() == ["b/B[2].png"]
    assert filter_predictions(TABLE, text="P1")["path"].tolist() == ["a/1.png", "a/2.png"]
    assert filter_predictions(TABLE, ["b"], wrong_only=True).empty
    assert filter_predictions(TABLE.assign(group=None), text="p1").empty


def test_predictions_as_csv_carry_the_disclaimer() -> None:
    found = pd.read_csv(io.BytesIO(csv_bytes(TABLE)), keep_default_na=False)
    assert set(found["disclaimer"]) == {DISCLAIMER}
    assert found.drop(columns="disclaimer").equals(TABLE)


def test_a_cell_holds_its_images_highest_loss_first() -> None:
    assert images_in_cell(TABLE, "b", "b")["path"].tolist() == ["b/B[2].png", "b/1.png"]
    assert images_in_cell(TABLE, "b", "a").empty


def test_the_first_cell_is_the_most_frequent_mistake() -> None:
    classes = ["a", "b", "c"]
    assert first_cell([[9, 1, 0], [0, 9, 3], [2, 0, 9]], classes) == ("b", "c")
    assert first_cell([[1, 0, 0], [0, 1, 0], [0, 0, 1]], classes) == ("a", "a")


def test_a_click_names_actual_and_predicted_class() -> None:
    classes = ["a", "b", "c"]
    assert clicked_cell({"points": [{"x": 2, "y": 0}]}, classes) == ("a", "c")
    assert clicked_cell({"points": []}, classes) is None
    assert clicked_cell({}, classes) is None


@pytest.mark.parametrize("dark", [True, False])
def test_every_cell_takes_clicks_and_the_chosen_one_has_a_frame(dark: bool) -> None:
    classes = ["a", "b", "c"]
    figure = clickable(
        confusion_matrix_figure([[1, 2, 3], [4, 5, 6], [7, 8, 9]], classes, dark=dark), classes, ("a", "c"), dark=dark
    )
    points = figure.data[-1]
    cells = {clicked_cell({"points": [{"x": x, "y": y}]}, classes) for x, y in zip(points.x, points.y, strict=True)}
    assert cells == {(actual, predicted) for actual in classes for predicted in classes}
    texts = dict(zip(zip(points.y, points.x, strict=True), points.customdata, strict=True))
    assert "Actual: b" in texts[1, 2]
    assert "6 of 15 images" in texts[1, 2]
    frame = figure.layout.shapes[0]
    assert (frame.x0, frame.x1, frame.y0, frame.y1) == (1.52, 2.48, -0.48, 0.48)


def test_markdown_in_names_is_taken_apart() -> None:
    assert escape("a*b_[c](d) $x$ :red[y] <b>\nnew") == r"a\*b\_\[c\]\(d\) \$x\$ \:red\[y\] \<b\> new"
    assert escape("escape words 12") == "escape words 12"


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("The run was cancelled.", "The run was cancelled."),
        ("The trainer process ended with exit code 1.", "The trainer process ended with exit code 1."),
        ("", "No reason was recorded: check the log."),
    ],
)
def test_a_reason_is_one_sentence(home, config, reason: str, sentence: str) -> None:
    store = RunStore()
    run = store.create(config(), "one")
    store.set_status(run.id, "FAILED", reason)
    assert end_reason(store.get(run.id)) == sentence
