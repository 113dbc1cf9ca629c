"""Cross-validations on the pages: launched on Train, listed and shown on Runs, compared, and explained on Diagnose."""

from __future__ import annotations

from pathlib import Path

import pytest

from brainseg.app.compare.choice import RUNS
from brainseg.jobs import launcher
from brainseg.results.crossval.reading import crossval_result
from brainseg.results.crossval.wording import JUDGES
from brainseg.runs import RunStore
from brainseg.runs.run_plan import Plan
from tests.app.run_pages import charts, open_panel, texts
from tests.app.train_pages import click, estimates, fill

on_crossvals = pytest.mark.parametrize("finished_home", ["crossval_template"], indirect=True)


def test_a_cross_validation_is_launched_from_the_train_page(
    working_home: Path, tiny_set: Path, open_page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "ensure_worker", lambda device: False)
    monkeypatch.setattr("brainseg.app.train.queue.ensure_worker", lambda device: False)
    app = fill(open_page("train"), tiny_set)
    single = estimates(app)[0]
    app.toggle(key="train:crossval").set_value(True).run()
    app.number_input(key="train:folds").set_value(3)
    app.number_input(key="train:repeats").set_value(2).run()
    assert app.button(key="train:train").label == "Train 6 folds"
    assert estimates(app)[0].startswith("Cross-validation (6 trainings) of resnet18")
    assert estimates(app)[0] != single
    click(app, "train:train")
    parent = RunStore().get("resnet18-quick-crossval")
    assert (parent.kind, parent.plan, parent.counts.waiting) == ("crossval", Plan(3, 2), 6)
    click(app, "train:train")  # a double click
    assert len(RunStore().list()) == 7
    app.number_input(key="train:folds").set_value(20).run()
    app.number_input(key="train:repeats").set_value(20).run()
    click(app, "train:train")
    assert "The queue has no room for 400 more runs" in texts(app)


@on_crossvals
def test_the_table_lists_folds_below_their_cross_validation(finished_home: Path, open_page) -> None:
    app = open_page("runs")
    table = app.dataframe[0].value
    names = table["Name"].tolist()
    place = names.index("first")
    assert names[place + 1 : place + 3] == ["↳ first-repeat0-fold0", "↳ first-repeat0-fold1"]
    assert table["Task"].iloc[place] == "classification, cross-validated"
    assert table["n"].iloc[place] == 16


@on_crossvals
def test_a_complete_cross_validation_is_shown_with_its_basis(finished_home: Path, open_page) -> None:
    store = RunStore()
    parent = store.get("first")
    app = open_page("runs", run=parent.id)
    assert charts(app) == 1
    assert JUDGES in texts(app)
    assert "cross-validation with 2 folds, 2 times" in texts(app)
    result = crossval_result(store, parent)
    assert "Nadeau and Bengio" in texts(app)
    tables = [frame.value for frame in app.dataframe]
    assert tables[0]["Mean of folds"].iloc[0] == pytest.approx(result.summaries["accuracy"].mean)
    assert tables[1]["Run"].tolist()[0] == "first-repeat0-fold0"
    for panel in ("Metrics", "Hardest cases", "Predictions", "Subsets", "Labels", "Settings", "Data and split"):
        open_panel(app, panel)
        assert not app.exception, panel
        assert not app.error, panel
    open_panel(app, "Metrics")
    assert "by the model of one of 2 folds that had not trained on it" in texts(app)
    assert "the first of 2 repeats" in texts(app)


@on_crossvals
def test_cross_validated_masks_and_incomplete_folds_are_shown(finished_home: Path, open_page) -> None:
    store = RunStore()
    parent = store.get("marks")
    app = open_page("runs", run=parent.id)
    for panel in ("Scores", "Dice", "Worst slices", "Pixels", "Slices"):
        open_panel(app, panel)
        assert not app.exception, panel
        assert not app.error, panel
    store.delete(store.children(parent)[0, 1].id)
    app = open_page("runs", run=parent.id)
    assert "The result is incomplete: 1 of 2 folds finished, 1 has no run." in texts(app)
    assert charts(app) == 0


@on_crossvals
def test_compare_and_diagnose_explain_a_cross_validation(finished_home: Path, open_page) -> None:
    store = RunStore()
    first, second = store.get("first"), store.get("second")
    child = store.children(first)[0, 0]
    app = open_page("compare", **{RUNS: f"{first.id},{second.id}"})
    assert app.multiselect(key="compare_runs").value == [first.id, second.id]
    assert not app.error
    assert "16 images" in texts(app)
    app = open_page("compare", **{RUNS: f"{first.id},{child.id}"})
    assert "compare cross-validations with each other" in texts(app)
    app = open_page("diagnose", run=first.id)
    assert "first is a cross-validation: it judges settings and is no model itself." in texts(app)
    assert "first-repeat1-fold1" in texts(app)
