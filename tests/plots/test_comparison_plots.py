from __future__ import annotations

import math

import pandas as pd
import pytest

from brainseg import DISCLAIMER
from brainseg.plots.accuracy_cost import COSTS, cost_figure
from brainseg.plots.comparison_curves import comparison_curves
from brainseg.plots.theme import palette
from brainseg.results.paper import SOURCE, paper_epochs
from tests.app.compare_runs import epochs_table

HOSTILE = "<b>x</b><a href='http://h'>y</a>"


def costs_table(count: int = 6, sets: str = "AAAAAA") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "run": [f"run {number}" for number in range(count)],
            "images": list(sets[:count]),
            "count": 50,
            "accuracy": [0.8 + 0.02 * number for number in range(count)],
            "accuracy_low": 0.7,
            "accuracy_high": 0.95,
            "parameters": [1e6 * (number + 1) for number in range(count)],
            "seconds_per_epoch": 3.0,
            "diagnosis_ms": [math.nan, *[20.0] * (count - 1)],
            "bundle_mb": 40.0,
        }
    )


def annotations(figure) -> str:
    return " ".join(str(note.text) for note in figure.layout.annotations)


def test_the_paper_s_numbers_are_those_that_it_published() -> None:
    """The tables of the paper: three networks (none is given for ResNet152), 1 frozen and 15 unfrozen epochs each."""
    paper = paper_epochs()
    assert list(paper) == ["paper, ResNet34", "paper, ResNet50", "paper, ResNet101"]
    for table in paper.values():
        assert table["epoch"].tolist() == list(range(1, 17))
        assert table["phase"].tolist() == ["frozen"] + ["unfrozen"] * 15
        assert (table["accuracy"] * 50).round(9).mod(1).eq(0).all()  # every accuracy is a count of 50 images
    last = {name: table.iloc[-1] for name, table in paper.items()}
    assert [row["accuracy"] for row in last.values()] == [0.84, 0.86, 0.86]
    assert [row["valid_loss"] for row in last.values()] == [0.640882, 0.264518, 0.291582]
    assert max(table["accuracy"].max() for table in paper.values()) == 0.88
    assert paper["paper, ResNet34"]["train_loss"].iloc[0] == 1.148863
    assert paper["paper, ResNet34"]["seconds"].median() == 81
    assert "10.47750/pnr.2024.14.01.03" in SOURCE


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("loss", ["valid_loss", "train_loss"])
def test_every_run_has_its_two_lines_in_one_colour(loss: str, dark: bool) -> None:
    runs = {f"run {number}": epochs_table(5 + number, number) for number in range(6)}
    figure = comparison_curves({**runs, "baseline": None}, paper_epochs(), loss=loss, dark=dark)
    assert len(figure.data) == 2 * (6 + 3)
    for name, epochs in runs.items():
        left, right = (trace for trace in figure.data if trace.legendgroup == name)
        assert list(left.y) == epochs[loss].tolist()
        assert list(right.y) == epochs["accuracy"].tolist()
        assert left.line.color == right.line.color
        assert (left.showlegend, right.showlegend) == (True, False)
    mine = {trace.line.color for trace in figure.data if trace.legendgroup in runs}
    assert len(mine) == 6
    paper = [trace for trace in figure.data if trace.legendgroup.startswith("paper")]
    assert {trace.line.color for trace in paper} == {palette(dark).muted}
    assert all(trace.line.dash != "solid" for trace in paper)
    assert len({trace.line.dash for trace in paper}) == 3
    assert DISCLAIMER in annotations(figure)


def test_a_run_without_epochs_keeps_its_colour_for_itself() -> None:
    alone = comparison_curves({"baseline": None, "tuned": epochs_table(4, 0)})
    both = comparison_curves({"other": epochs_table(4, 1), "tuned": epochs_table(4, 0)})
    colour = {trace.legendgroup: trace.line.color for trace in both.data}["tuned"]
    assert alone.data[0].line.color == colour


def test_no_epochs_at_all_is_said() -> None:
    figure = comparison_curves({"baseline": None, "empty": epochs_table(3, 0).head(0)})
    assert not figure.data
    assert "None of these runs has epochs." in annotations(figure)


def test_one_huge_loss_does_not_flatten_the_others() -> None:
    calm, wild = epochs_table(5, 0), epochs_table(5, 1)
    wild.loc[0, "valid_loss"] = 7784.0
    axes = [comparison_curves(runs).layout.yaxis for runs in ({"calm": calm}, {"calm": calm, "wild": wild})]
    assert [axis.type for axis in axes] == [None, "log"]
    assert axes[1].title.text == "Validation loss (nats), log scale"


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match=r"epochs of 'a' lacks 'valid_loss'"):
        comparison_curves({"a": epochs_table(3, 0).drop(columns="valid_loss")})


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("cost", COSTS)
def test_points_stand_at_their_cost_with_their_interval(cost: str, dark: bool) -> None:
    table = costs_table()
    figure = cost_figure(table, cost, dark=dark)
    known = table[table[cost].notna()]
    assert [trace.x[0] for trace in figure.data] == pytest.approx(known[cost] / (1e6 if cost == "parameters" else 1))
    for trace, row in zip(figure.data, known.itertuples(), strict=True):
        assert trace.y[0] + trace.error_y.array[0] == pytest.approx(row.accuracy_high)
        assert trace.y[0] - trace.error_y.arrayminus[0] == pytest.approx(row.accuracy_low)
    assert len({trace.marker.color for trace in figure.data}) == len(known)
    missing = "not known for run 0" in figure.layout.title.subtitle.text
    assert missing == (cost == "diagnosis_ms")
    assert figure.layout.xaxis.title.text == COSTS[cost]


@pytest.mark.parametrize("dark", [False, True])
def test_the_dice_of_masks_stands_against_its_cost_too(dark: bool) -> None:
    table = costs_table(2).rename(columns=lambda name: name.replace("accuracy", "dice"))
    table.loc[1, ["dice_low", "dice_high"]] = math.nan  # one patient gives no interval
    figure = cost_figure(table, "parameters", "dice", dark=dark)
    assert [trace.y[0] for trace in figure.data] == table["dice"].tolist()
    assert figure.layout.yaxis.title.text == "Dice of all pixels (0–1)"
    assert "bootstrap over patients" in figure.layout.title.subtitle.text
    assert "Wilson" not in figure.layout.title.subtitle.text


def test_runs_on_other_images_have_another_symbol_and_the_figure_says_so() -> None:
    figure = cost_figure(costs_table(sets="AABAAA"), "parameters")
    assert [trace.marker.symbol for trace in figure.data].count("circle") == 5
    assert "evaluated on set B" in figure.data[2].name
    assert "only between equal symbols" in figure.layout.title.subtitle.text


def test_a_cost_that_nobody_measured_is_said() -> None:
    figure = cost_figure(costs_table().assign(diagnosis_ms=math.nan), "diagnosis_ms")
    assert not figure.data
    assert "not measured for any of these runs" in annotations(figure)


def test_names_are_shown_as_they_are() -> None:
    curves = comparison_curves({HOSTILE: epochs_table(3, 0)})
    costs = cost_figure(costs_table(1).assign(run=HOSTILE), "parameters")
    for figure in (curves, costs):
        assert "<a " not in figure.data[0].name
        assert "<b>" not in figure.data[0].name


def test_a_wrong_cost_is_named() -> None:
    with pytest.raises(ValueError, match="cost must be one of"):
        cost_figure(costs_table(), "price")
