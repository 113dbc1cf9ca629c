"""The study: seeds that do not repeat, distinct trials, and what is recorded of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest

from brainseg.search.importance import importances
from brainseg.search.plan import SearchPlan
from brainseg.search.pruning import prune_sentence
from brainseg.search.ranges import parse_ranges
from brainseg.search.study import open_study, propose
from brainseg.search.trials import Trial, point_key
from tests.conftest import tiny_config

CONFIG = tiny_config(Path("somewhere"))
RATE, DROPOUT, ARCH = "training.learning_rate", "model.dropout", "model.arch"


def plan_of(*texts: str, **values: Any) -> SearchPlan:
    return SearchPlan(parse_ranges(texts, CONFIG), **values)


def anything(_point: Mapping[str, Any]) -> bool:
    return True


def searched(plan: SearchPlan, count: int, trials: tuple[Trial, ...] = ()) -> list[Trial]:
    """Add trials, each of which is better with a higher dropout; a new study is opened for each, as after a crash."""
    found = list(trials)
    for number in range(len(found), len(found) + count):
        point = propose(open_study(None, "search", plan, found), plan, found, anything)
        if point is None:
            break
        found.append(Trial(f"run{number}", number, point, "complete", float(point.get(DROPOUT, 0.0))))
    return found


@pytest.mark.parametrize("method", ["tpe", "random"])
def test_a_resumed_search_goes_on_as_if_it_had_not_been_interrupted(method: str) -> None:
    plan = plan_of(f"{RATE}=1e-5:1e-2:log", f"{DROPOUT}=0:0.9", method=method, trials=8)
    whole = searched(plan, 8)
    parts = searched(plan, 4, tuple(searched(plan, 4)))
    assert [trial.point for trial in parts] == [trial.point for trial in whole]
    assert len({point_key(trial.point) for trial in whole}) == 8
    other = searched(plan_of(f"{RATE}=1e-5:1e-2:log", f"{DROPOUT}=0:0.9", method=method, trials=8, seed=1), 2)
    assert other[0].point != whole[0].point


@pytest.mark.parametrize("method", ["tpe", "random", "grid"])
def test_the_trials_of_a_finite_space_are_distinct_until_it_is_exhausted(method: str) -> None:
    plan = plan_of(f"{ARCH}=resnet18,resnet34", f"{DROPOUT}=0,0.25,0.5", method=method)
    trials = searched(plan, 20)
    assert len(trials) == plan.size == 6
    assert len({point_key(trial.point) for trial in trials}) == 6


def test_combinations_that_are_not_allowed_are_left_out() -> None:
    plan = plan_of(f"{ARCH}=resnet18,resnet34", f"{DROPOUT}=0,0.5", method="grid")
    first = propose(open_study(None, "search", plan, []), plan, [], lambda point: point[ARCH] == "resnet34")
    assert first is not None
    assert first[ARCH] == "resnet34"
    assert propose(open_study(None, "search", plan, []), plan, [], lambda point: False) is None


def test_values_are_within_their_ranges_and_as_the_settings_hold_them() -> None:
    plan = plan_of(f"{RATE}=1e-5:1e-2:log", "model.stages=[2],[1,2]", "training.batch_size=8:32:step=8", trials=12)
    for trial in searched(plan, 12):
        assert 1e-5 <= trial.point[RATE] <= 1e-2
        flat = CONFIG.with_settings(trial.point).flat()
        assert {name: flat[name] for name in trial.point} == trial.point


def test_the_study_on_disk_repeats_what_the_run_store_knows(tmp_path: Path) -> None:
    plan = plan_of(f"{DROPOUT}=0:0.9")
    storage = f"sqlite:///{tmp_path / 'optuna.db'}"
    failed = Trial("a", 0, {DROPOUT: 0.1}, "failed")
    pruned = Trial("b", 1, {DROPOUT: 0.2}, "pruned", None, lambda: {1: 0.5, 2: 0.4})
    live = Trial("c", 2, {DROPOUT: 0.3}, "live")
    open_study(optuna.storages.RDBStorage(storage), "search", plan, [failed, pruned, live])
    resumed = Trial("a", 0, {DROPOUT: 0.1}, "complete", 0.7)
    study = open_study(optuna.storages.RDBStorage(storage), "search", plan, [resumed, pruned, live])
    again = open_study(optuna.storages.RDBStorage(storage), "search", plan, [resumed, pruned, live])
    assert [(each.state.name, each.user_attrs["run"]) for each in again.trials] == [
        ("FAIL", "a"),
        ("PRUNED", "b"),
        ("COMPLETE", "a"),
    ]
    assert again.trials[1].intermediate_values == {1: 0.5, 2: 0.4}
    assert study.best_value == 0.7


def test_a_trial_is_pruned_below_the_median_after_the_warm_up() -> None:
    others = [dict.fromkeys(range(1, 9), 0.7)] * 5
    assert prune_sentence({1: 0.1}, others, 8, "accuracy") == ""  # the first fourth of the epochs
    assert prune_sentence({1: 0.1, 2: 0.6, 3: 0.5}, others[:4], 8, "accuracy") == ""  # too few trials
    assert prune_sentence({1: 0.1, 2: 0.8, 3: 0.5}, others, 8, "accuracy") == ""  # its best value counts
    assert prune_sentence(dict.fromkeys(range(1, 9), 0.1), others, 8, "accuracy") == ""  # nothing is left to save
    sentence = prune_sentence({1: 0.1, 2: 0.6, 3: 0.5}, others, 8, "Dice")
    assert sentence.startswith("Pruned after epoch 3 of 8: its best Dice so far, 0.600, is below the median")


def test_the_setting_that_matters_is_the_most_important() -> None:
    plan = plan_of(f"{DROPOUT}=0:0.9", f"{RATE}=1e-5:1e-2:log", method="random")
    found = importances(plan, searched(plan, 20))
    assert next(iter(found)) == DROPOUT
    assert sum(found.values()) == pytest.approx(1)
    assert importances(plan, searched(plan, 2)) == {}
