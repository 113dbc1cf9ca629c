"""`crossval` and the commands that take a cross-validation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from brainseg.jobs import launcher
from brainseg.results.crossval.reading import crossval_result
from brainseg.results.crossval.wording import basis_sentences
from brainseg.results.stored_results import split
from brainseg.runs import Run, RunStore
from brainseg.runs.crossval import inner_of
from tests.app.conftest import train_queued
from tests.cli.test_cli import TINY, assert_refused, here
from tests.conftest import write_set

LOGISTIC = [*TINY, "--set", "model.head=logistic", "--set", "compute.nice=0"]


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "ensure_worker", lambda device: False)


def test_a_nested_cross_validation_is_waited_for_and_names_the_winner_of_each_fold(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "ensure_worker", lambda device: train_queued())
    data = write_set(tmp_path / "few", ("no", "yes"), 8)
    choose = ["--choose", "model.regularisation=0.0001,1.0", "--inner-folds", 2]
    done = here("crossval", "--data", data, "--folds", 2, *choose, "--wait", "--json", *LOGISTIC, home=home)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["kind"], answer["name"], answer["status"]) == ("crossval", "resnet18-logistic-crossval", "FINISHED")
    assert (answer["complete"], answer["problem"]) == (True, None)
    assert [(fold["repeat"], fold["fold"], fold["status"]) for fold in answer["folds"]] == [
        (0, 0, "FINISHED"),
        (0, 1, "FINISHED"),
    ]
    assert answer["pooled"]["count"] == 16
    assert set(answer["mean"]) == set(answer["sd"]) == set(answer["interval"]) >= {"accuracy", "roc_auc"}
    store = RunStore()
    parent = store.get(answer["run_id"])
    inner = inner_of(parent, store.all_children(parent))
    for fold, made in zip(answer["folds"], answer["choices"], strict=True):
        value = made["winner"]["model.regularisation"]
        assert made["means"][f"model.regularisation={value}"] == max(made["means"].values())
        run = store.get(fold["run_id"])
        assert run.config.model.regularisation == value
        held_out = sides(store, run, "valid")
        assert all(sides(store, each, "outer") == held_out for each in inner[0, fold["fold"]].values())
    result = crossval_result(store, parent)
    assert any("no fold took part in its own choice" in sentence for sentence in basis_sentences(result))
    assert "chosen on its inner folds" in here("show", parent.id, home=home).stdout
    file = store.path(inner[0, 0][0, 0].id, "split.csv")
    file.write_text(file.read_text().replace(",outer", ",train"))
    assert "did not leave out exactly the images" in crossval_result(store, parent).problem


def sides(store: RunStore, run: Run, side: str) -> set[str]:
    table = split(store, run)
    return set(table.loc[table["split"] == side, "path"])


@pytest.mark.usefixtures("no_worker")
def test_wrong_requests_end_in_one_sentence_and_queue_nothing(home: Path, tiny_set: Path) -> None:
    for options, words in (
        (("--folds", 1), "1 folds are not allowed: choose 2 to 20."),
        (("--folds", 21), "21 folds are not allowed"),
        (("--repeats", 0), "0 repeats are not allowed: choose 1 to 20."),
        (("--set", "data.split=random"), "data.split: crossval chooses it for each fold"),
        (("--set", "data.fold=1"), "data.fold: crossval chooses it"),
        (("--choose", "model.arch=resnet18"), "at least two values"),
        (("--data", home / "none"), "does not exist"),
    ):
        assert_refused(here("crossval", "--data", tiny_set, *LOGISTIC, *options, home=home), words)
    assert RunStore().list() == []


@pytest.mark.parametrize("finished_home", ["crossval_template"], indirect=True)
def test_the_commands_take_parents(finished_home: Path) -> None:
    home = finished_home
    shown = json.loads(here("show", "first", "--json", home=home).stdout)
    assert (shown["complete"], len(shown["folds"]), shown["pooled"]["repeats"]) == (True, 4, 2)
    assert "mean of folds" in here("show", "first", home=home).stdout
    listed = {run["name"]: run for run in json.loads(here("runs", "--json", home=home).stdout)}
    assert listed["first"]["kind"] == "crossval"
    assert listed["first"]["parent"] is None
    assert listed["first"]["metrics"]["final_count"] == 16
    assert listed["first-repeat1-fold0"]["parent"] == listed["first"]["run_id"]
    compared = json.loads(here("compare", "first", "second", "--json", home=home).stdout)
    assert (compared["comparable"], len(compared["sets"][0]["pairs"])) == (True, 1)
    assert_refused(here("compare", "first", "first-repeat0-fold0", home=home), "compare cross-validations with each")
    assert_refused(here("promote", "first", home=home), "it is a cross-validation, which judges settings")
    assert_refused(here("resume", "first", home=home), "there is nothing to resume")
    assert_refused(here("cancel", "first", home=home), "already FINISHED")
    table = home / "first.csv"
    assert here("export", "first", "--predictions", table, home=home).returncode == 0
    assert len(table.read_text().splitlines()) == 33


@pytest.mark.parametrize("finished_home", ["crossval_template"], indirect=True)
@pytest.mark.usefixtures("no_worker")
def test_a_deleted_fold_is_announced_and_resumed(finished_home: Path) -> None:
    home = finished_home
    gone = here("delete", "marks-fold1", "--yes", home=home)
    assert "It is fold 1 of the cross-validation 'marks', whose result is incomplete without it." in gone.stderr
    shown = here("show", "marks", home=home).stdout
    assert "The result is incomplete: 1 of 2 folds finished, 1 has no run." in shown
    assert_refused(here("show", "marks", "--figures", home / "plots", home=home), "has no result")
    assert_refused(here("export", "marks", "--predictions", home / "x.csv", home=home), "has no result")
    again = here("resume", "marks", home=home)
    assert "Queued cross-validation marks" in again.stdout
    assert "1 of 2 folds finished, 1 waits" in again.stdout
    assert RunStore().get("marks").counts.waiting == 1
    assert "KILLED" in here("cancel", "marks", home=home).stdout
    assert here("delete", "marks", "--yes", home=home).returncode == 0
    assert {run.name.partition("-")[0] for run in RunStore().list()} == {"first", "second"}
