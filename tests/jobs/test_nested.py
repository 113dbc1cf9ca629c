"""Nested cross-validations: inner folds choose the settings of each fold, which takes no part in its own choice."""

from __future__ import annotations

import numpy as np
import pytest

from brainseg.config import DataConfig
from brainseg.datasets.splits import fold_members, split_dataset
from brainseg.errors import ConfigError, RunError
from brainseg.jobs import actions, crossval, launcher, queue
from brainseg.jobs.candidates import parse_candidates
from brainseg.runs import EndKind, Run, RunStore
from brainseg.runs.crossval import inner_of, nested
from tests.datasets.conftest import make_dataset

CHOICES = ["model.regularisation=0.0001,1.0"]


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "ensure_worker", lambda device: False)


def submitted(store: RunStore, config, name: str = "cv") -> Run:
    plan = crossval.plan_of(2, 1, config, 2, parse_candidates(CHOICES, config))
    return crossval.submit_crossval(store, config, name, plan)


def finish(store: RunStore, run: Run, accuracy: float) -> None:
    store.log_metrics(run.id, {"final_accuracy": accuracy})
    store.set_status(run.id, "FINISHED", "", EndKind.FINISHED)


def test_inner_runs_see_nothing_of_the_outer_fold() -> None:
    groups = [f"p{number // 3}" for number in range(72)]
    dataset = make_dataset(["no", "yes"] * 36, groups, [f"{number:064x}" for number in range(72)])
    outer = fold_members(dataset, 4, seed=9)
    for number, left_out in enumerate(outer):
        evaluated = []
        for fold in range(3):
            settings = {"split": "k-fold", "folds": 3, "fold": fold, "seed": 9}
            sides = split_dataset(dataset, DataConfig(**settings, outer_folds=4, outer_fold=number))
            assert np.flatnonzero(sides == "outer").tolist() == sorted(left_out)
            evaluated += np.flatnonzero(sides == "valid").tolist()
            by_group = sides.groupby(dataset.table["group"].to_numpy()).nunique()
            assert (by_group == 1).all()
        assert sorted([*evaluated, *left_out]) == list(range(72))


def test_the_outer_fold_must_exist() -> None:
    for settings in ({"outer_folds": 3, "outer_fold": 3}, {"outer_folds": 1}, {"outer_fold": 1}):
        with pytest.raises(ValueError, match="outer_fold"):
            DataConfig(**settings)


def test_candidates_are_every_combination(config) -> None:
    found = parse_candidates(["model.arch=resnet18,resnet34", "model.stages=[2],[1,2]"], config())
    assert found == [
        {"model.arch": arch, "model.stages": stages} for arch in ("resnet18", "resnet34") for stages in ([2], [1, 2])
    ]
    assert parse_candidates([], config()) == []


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("model.arch=resnet18", "at least two values"),
        ("model.arch", "at least two values"),
        ("data.seed=1,2", "'data.seed' cannot be chosen"),
        ("model.arch=resnet18,vgg", "vgg"),
        ("model.dropout=0.1,0.1", "names a value twice"),
        ("model.nothing=1,2", "nothing"),
        ("training.epochs=" + ",".join(map(str, range(2, 30))), "28 combinations"),
    ],
)
def test_wrong_candidates_end_in_one_sentence(config, choice: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_candidates([choice], config())


@pytest.mark.usefixtures("no_worker")
def test_a_fold_is_queued_with_the_settings_that_won_on_its_inner_folds(store: RunStore, config) -> None:
    parent = submitted(store, config({"model.head": "logistic"}))
    assert (parent.counts.total, parent.counts.waiting, parent.counts.later) == (10, 8, 2)
    assert parent.status == "SCHEDULED"
    assert store.children(parent) == {}
    inner = inner_of(parent, store.all_children(parent))
    for place, accuracies in {(0, 0): (0.6, 0.9), (0, 1): (0.8, 0.7)}.items():
        for (candidate, _), run in inner[place].items():
            finish(store, run, accuracies[candidate])
        queue.reconcile(store)
    with queue.queue_lock():
        crossval.settle(store, parent.id)
    children = store.children(parent)
    assert {place: run.config.model.regularisation for place, run in children.items()} == {(0, 0): 1.0, (0, 1): 0.0001}
    assert all(run.config.data.outer_folds == 0 for run in children.values())
    assert store.get("cv").counts.words() == "8 of 10 trainings finished, 2 wait"
    order = [run.name for run in nested(store.entries())]
    assert order[:6] == ["cv", *(f"cv-fold0-choice{c}-inner{i}" for c in (0, 1) for i in (0, 1)), "cv-fold0"]


@pytest.mark.usefixtures("no_worker")
def test_a_failed_inner_run_holds_only_its_own_fold_back(store: RunStore, config) -> None:
    parent = submitted(store, config({"model.head": "logistic"}))
    inner = inner_of(parent, store.all_children(parent))
    for run in inner[0, 1].values():
        finish(store, run, 0.5)
    for run in list(inner[0, 0].values())[1:]:
        finish(store, run, 0.5)
    store.set_status(inner[0, 0][0, 0].id, "FAILED", "", EndKind.CRASHED)
    with queue.queue_lock():
        crossval.settle(store, parent.id)
    assert list(store.children(parent)) == [(0, 1)]
    finish(store, store.children(parent)[0, 1], 0.5)
    queue.reconcile(store)
    assert store.get("cv").reason.endswith("8 of 10 trainings finished, 1 failed, 1 has no run.")
    again = actions.resubmit(store, "cv")
    assert (again.status, again.counts.waiting, again.counts.later) == ("RUNNING", 1, 1)
    assert actions.cancel(store, "cv").status == "KILLED"
    actions.delete(store, "cv")
    assert store.entries() == []


@pytest.mark.usefixtures("no_worker")
def test_the_queue_must_have_room_for_the_inner_runs(store: RunStore, config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINSEG_MAX_QUEUE", "9")
    with pytest.raises(RunError, match="no room for 10 more runs"):
        submitted(store, config({"model.head": "logistic"}))
    with pytest.raises(ConfigError, match="1 inner folds are not allowed"):
        crossval.plan_of(2, 1, config(), 1, [{"model.arch": "resnet18"}, {"model.arch": "resnet34"}])
