"""Compare with segmentation runs."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from brainseg.app.segmentation.comparison import INTERVALS
from brainseg.app.segmentation.differing_slices import SAME_DICE
from brainseg.cli.app import app as command_line
from brainseg.evaluation.segmentation import load_masks, save_masks
from brainseg.results.comparison import check_comparable, compare
from brainseg.results.evaluated_runs import read_evaluated_run
from brainseg.results.segmentation.comparison import NOT_COMPARABLE, paired_tests, verdicts
from brainseg.results.segmentation.tables import fit_words
from brainseg.runs import Run, RunStore
from tests.app.compare_runs import copy_of, forget_a_mask
from tests.app.page_text import message, plain
from tests.app.run_pages import charts, texts


@pytest.fixture
def pair(segment_home: Path, tmp_path: Path) -> tuple[Run, Run]:
    """`marks`, and a run that left the same files."""
    store = RunStore()
    marks = store.get("marks")
    return marks, copy_of(store, marks, "again", tmp_path / "copy")


def test_runs_on_the_same_slices_are_one_set(pair, open_page) -> None:
    app = open_page("compare", runs=",".join(run.id for run in pair))
    assert not app.error
    assert not app.warning
    report = json.loads(RunStore().path(pair[0].id, "evaluation.json").read_text())
    low, high = report["intervals"]["dice"]
    table = app.dataframe[0].value
    assert table["Dice, all pixels"].tolist() == [f"{report['dice']:.3f} ({low:.3f}–{high:.3f})"] * 2
    assert table["Slices"].tolist() == [report["slices"]] * 2
    assert "Set" not in table
    assert table["Parameters (M)"][0] > 1
    assert table["Seconds per epoch"][0] > 0
    assert charts(app) == 3  # Dice, epochs, costs
    assert INTERVALS in texts(app)
    assert SAME_DICE.format(report["slices"]) in texts(app)
    (tested,) = (frame.value for frame in app.dataframe if "Test" in frame.value)
    assert tested["Test"].tolist() == ["not separated"]
    comparison = compare([read_evaluated_run(RunStore(), run) for run in pair])
    (verdict,) = verdicts(comparison, paired_tests(comparison, "A"))
    assert f"- {verdict}".replace("\\", "") in plain(app.markdown)


def test_where_masks_differ_is_shown_with_outlines(pair, open_page) -> None:
    lost, count = forget_a_mask(pair[1])
    app = open_page("compare", runs=",".join(run.id for run in pair))
    assert not app.error
    assert f"1 of {count}" in texts(app)
    (option,) = app.selectbox(key="slice-A").options
    assert option.startswith(f"{lost['path']}: ")
    assert option.endswith(f"{lost['dice']:.2f}")
    tables = [frame.value for frame in app.dataframe]
    (shown,) = (table for table in tables if "True pixels" in table)
    fit = fit_words(lost["dice"], lost["predicted_pixels"], lost["true_pixels"]), fit_words(0.0, 0, lost["true_pixels"])
    assert shown[["marks", "again"]].iloc[0].tolist() == list(fit)
    assert f"{lost['dice']:.2f}" in fit[0]
    (tested,) = (table for table in tables if "Difference in mean Dice" in table)
    assert tested["Test"].tolist() == ["not separated"]
    assert tested["First ahead"][0] == 1
    assert tested["Patients"][0] > 1
    assert charts(app) == 4


def test_lost_masks_are_one_sentence(pair, open_page) -> None:
    forget_a_mask(pair[1])
    RunStore().path(pair[0].id, "masks.npz").unlink()
    app = open_page("compare", runs=",".join(run.id for run in pair))
    (error,) = plain(app.error)
    assert "masks.npz" in error
    assert "'marks'" in error


def test_other_masks_are_another_set(pair, open_page) -> None:
    store = RunStore()
    other = pair[1]
    file = store.path(other.id, "truth.npz")
    masks = [mask.copy() for mask in (load_masks(file)[row] for row in range(len(load_masks(file))))]
    masks[0][0, 0] = 1 - masks[0][0, 0]
    save_masks(file, masks)
    comparison = compare([read_evaluated_run(store, run) for run in pair])
    assert list(comparison.groups.values()) == [["marks"], ["again"]]
    app = open_page("compare", runs=",".join(run.id for run in pair))
    assert plain(app.warning) == [NOT_COMPARABLE]
    assert app.dataframe[0].value["Set"].tolist() == ["A", "B"]


def test_tasks_are_refused_together_in_one_sentence(segment_home: Path, open_page) -> None:
    store = RunStore()
    app = open_page("compare", runs=f"{store.get('tuned').id},{store.get('marks').id}")
    assert plain(app.error) == [message(check_comparable, [store.get("tuned"), store.get("marks")])]
    assert charts(app) == 0


def test_what_is_lost_is_one_sentence(pair, open_page) -> None:
    RunStore().path(pair[1].id, "truth.npz").unlink()
    app = open_page("compare", runs=",".join(run.id for run in pair))
    assert plain(app.warning) == [message(read_evaluated_run, RunStore(), pair[1])]
    assert "'again'" in app.warning[0].value
    assert not app.error
    assert len(app.dataframe[0].value) == 1


def test_the_command_prints_and_writes_them(pair) -> None:
    shown = CliRunner().invoke(command_line, ["compare", *(run.id for run in pair)], catch_exceptions=False)
    assert "Dice, all pixels" in shown.stdout
    answer = CliRunner().invoke(command_line, ["compare", *(run.id for run in pair), "--json"], catch_exceptions=False)
    found = json.loads(answer.stdout)
    assert found["comparable"] is True
    (tested,) = found["sets"][0]["pairs"]
    assert (tested["difference"], tested["p"], tested["better"]) == (0.0, 1.0, None)
    assert found["sets"][0]["disagreements"] == []
    assert " 0 of " in shown.stdout
    table = pd.DataFrame(found["runs"])
    assert (table["dice_low"] <= table["dice"]).all()
