"""Cross-validations in the queue: one parent, ordinary runs for its folds, and what happens if something goes wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from brainseg.errors import BrainsegError, ConfigError, DataError, RunError
from brainseg.jobs import actions, crossval, launcher, lost_runs, queue
from brainseg.jobs.workspace import child_environment
from brainseg.runs import EndKind, Run, RunStore, UnreadableRun
from brainseg.runs.crossval import PARENT, nested
from brainseg.runs.run import default_run
from brainseg.runs.run_plan import Plan

THREE = Plan(3)


@pytest.fixture
def queued(store: RunStore, config, monkeypatch: pytest.MonkeyPatch):
    """Queue a cross-validation without a worker; settings of its configuration as a dict."""
    monkeypatch.setattr(launcher, "ensure_worker", lambda device: False)

    def submitted(name: str = "cv", plan: Plan = THREE, settings: dict | None = None) -> Run:
        return crossval.submit_crossval(store, config({"data.seed": 7, **(settings or {})}), name, plan)

    return submitted


def end(store: RunStore, run: Run, status: str) -> None:
    store.set_status(run.id, status, "", EndKind.FINISHED if status == "FINISHED" else EndKind.CRASHED)


def test_each_fold_is_an_ordinary_run_and_nobody_trains_the_parent(store: RunStore, queued) -> None:
    parent = queued(plan=Plan(2, 2))
    children = store.children(parent)
    assert list(children) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    for (repeat, fold), run in children.items():
        data = run.config.data
        assert (data.split, data.folds, data.fold, data.seed) == ("k-fold", 2, fold, 7 + repeat)
        assert (run.kind, run.parent, run.status) == ("train", parent.id, "SCHEDULED")
        assert store.client.get_run(run.id).data.tags["mlflow.parentRunId"] == parent.id  # as MLflow's pages nest runs
    assert PARENT == "mlflow.parentRunId"
    assert (parent.kind, parent.status, parent.has_model) == ("crossval", "SCHEDULED", False)
    assert store.client.get_run(parent.id).info.status == "RUNNING"
    claimed = [queue.claim_next(store, "cpu") for _ in range(5)]
    assert [run and run.id for run in claimed] == [*(run.id for run in children.values()), None]
    assert store.get(parent.id).status == "RUNNING"
    assert parent.id not in {run.id for run in queue.reconcile(store)}


def test_the_status_follows_from_the_folds(store: RunStore, queued) -> None:
    parent = queued()
    first, second, third = store.children(parent).values()
    end(store, first, "FINISHED")
    assert store.get("cv").status == "RUNNING"
    end(store, second, "FAILED")
    end(store, third, "KILLED")
    queue.reconcile(store)
    found = store.get("cv")
    assert (found.status, found.end.kind) == ("FAILED", EndKind.INCOMPLETE)
    assert found.reason == "The cross-validation is incomplete: 1 of 3 folds finished, 1 failed, 1 was cancelled."
    assert store.client.get_run(parent.id).info.status == "FAILED"
    again = actions.resubmit(store, "cv")
    assert (again.status, again.counts.finished, again.counts.waiting) == ("RUNNING", 1, 2)
    for run in (second, third):
        end(store, run, "FINISHED")
    queue.reconcile(store)
    assert store.get("cv").status == store.client.get_run(parent.id).info.status == "FINISHED"
    with pytest.raises(RunError, match=r"is FINISHED: none of its folds failed"):
        actions.resubmit(store, "cv")
    with pytest.raises(RunError, match="already FINISHED"):
        actions.cancel(store, "cv")


def test_the_queue_must_have_room_for_all_folds(store: RunStore, queued, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINSEG_MAX_QUEUE", "5")
    queued()
    with pytest.raises(RunError, match=r"no room for 3 more runs: 3 runs wait, and the limit is 5"):
        queued("more")
    assert len(store.list()) == 4


KILLED = """
import os, sys
from brainseg.config import RunConfig
from brainseg.jobs import crossval
from brainseg.runs import RunStore
store, made = RunStore(), []
create = store.create
def create_until_killed(*arguments, **options):
    made.append(1)
    if len(made) == 3:
        os.kill(os.getpid(), 9)
    return create(*arguments, **options)
store.create = create_until_killed
crossval.submit_crossval(store, RunConfig.from_yaml(sys.stdin.read()), "cv", crossval.Plan(3))
"""


def test_a_process_killed_between_two_folds_leaves_a_cross_validation_to_resume(home: Path, config, queued) -> None:
    store = RunStore()
    done = subprocess.run([sys.executable, "-c", KILLED], input=config().to_yaml(), text=True, env=child_environment())
    assert done.returncode == -9
    parent = store.get("cv")
    assert (parent.status, parent.counts.waiting, parent.counts.missing) == ("SCHEDULED", 1, 2)
    assert lost_runs.is_lost(store, parent)
    queue.reconcile(store)
    assert store.get("cv").counts.words() == "0 of 3 folds finished, 1 waits, 2 have no run"
    resumed = actions.resubmit(store, "cv")
    assert (resumed.status, resumed.counts.waiting) == ("SCHEDULED", 3)
    assert [run.config.data.fold for run in store.children(resumed).values()] == [0, 1, 2]
    stopped = actions.cancel(store, "cv")
    assert (stopped.status, stopped.end.kind, stopped.counts.cancelled) == ("KILLED", EndKind.CANCELLED, 3)


def test_a_parent_without_any_fold_can_be_resumed_or_deleted(store: RunStore, queued, config) -> None:
    parent = queued()
    for run in store.children(parent).values():
        actions.request_cancel(store, run.id)
        actions.delete(store, run.id)
    found = store.get("cv")
    assert (found.status, found.counts.missing) == ("FAILED", 3)
    assert actions.resubmit(store, "cv").counts.waiting == 3
    actions.request_cancel(store, "cv")
    assert actions.delete(store, "cv").id == parent.id
    assert store.entries() == []


def test_deleting_takes_all_folds_but_not_while_one_waits(store: RunStore, queued) -> None:
    parent = queued()
    with pytest.raises(RunError, match="stop it before you delete it"):
        actions.delete(store, "cv")
    assert len(store.list()) == 4
    child = store.children(parent)[0, 1]
    assert actions.breaks(store, child).startswith("It is fold 1 of the cross-validation 'cv'")
    assert actions.breaks(store, parent) == ""


def test_retry_makes_a_new_cross_validation(store: RunStore, queued) -> None:
    queued(plan=Plan(2, 2))
    again = actions.retry(store, "cv")
    assert (again.name, again.plan) == ("cv-2", Plan(2, 2))
    assert len(store.children(again)) == 4


@pytest.mark.parametrize(
    ("folds", "repeats", "words"),
    [(1, 1, "1 folds are not allowed"), (21, 1, "21 folds"), (5, 0, "0 repeats"), (5, 21, "21 repeats")],
)
def test_wrong_numbers_end_in_one_sentence(config, folds: int, repeats: int, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        crossval.plan_of(folds, repeats, config())
    assert str(caught.value).count(".") == 1


def test_the_last_seed_must_be_allowed(config) -> None:
    with pytest.raises(ConfigError, match=r"data\.seed: 4294967295 leaves no seeds for 2 repeats"):
        crossval.plan_of(2, 2, config({"data.seed": 2**32 - 1}))


def test_more_folds_than_patients_are_refused_before_anything_is_queued(mask_config) -> None:
    config = mask_config()
    crossval.check_dataset(config, Plan(5, 2), lambda done, total: None)
    with pytest.raises(DataError, match="fewer independent images or patients than 11 folds"):
        crossval.check_dataset(config, Plan(11), lambda done, total: None)
    by_image = mask_config({"data.grouped_folds": False})
    crossval.check_dataset(by_image, Plan(11), lambda done, total: None)


def test_weights_that_have_seen_every_fold_are_refused(finished_home: Path) -> None:
    config = RunStore().get("tuned").config
    warm = config.model_copy(update={"model": config.model.model_copy(update={"weights": "run:tuned"})})
    with pytest.raises(BrainsegError, match="was trained on the same dataset"):
        crossval.submit_crossval(RunStore(), warm, "cv", Plan(2))


def test_lists_show_folds_below_their_parent(store: RunStore, queued, config) -> None:
    parent = queued()
    other = store.create(config(), "newest")
    order = [run.name for run in nested(store.entries())]
    assert order == ["newest", "cv", "cv-fold0", "cv-fold1", "cv-fold2"]
    queued_runs = queue.queued(store, "cpu")
    assert [run.name for run in queued_runs] == ["cv-fold0", "cv-fold1", "cv-fold2", "newest"]
    assert parent.id not in {run.id for run in store.list(["SCHEDULED", "RUNNING"])}
    assert other.parent == ""


def test_a_fold_is_offered_only_if_there_is_no_other_model(store: RunStore, queued, config) -> None:
    single = store.create(config(), "single")
    end(store, single, "FINISHED")
    parent = queued()
    for run in store.children(parent).values():
        end(store, run, "FINISHED")
    assert default_run(store.list()).name == "single"
    store.set_tags(store.get("cv-fold1").id, {"brainseg.promoted": "5"})
    assert default_run(store.list()).name == "cv-fold1"


def test_a_kind_of_a_newer_version_is_not_taken_for_a_training(store: RunStore, config) -> None:
    run = store.create(config(), "new")
    store.set_tags(run.id, {"brainseg.kind": "federated"})
    [found] = store.entries()
    assert isinstance(found, UnreadableRun)
    assert "kind that this version does not know" in found.why
    assert queue.claim_next(store, "cpu") is None


def test_a_damaged_plan_is_listed_with_the_reason(store: RunStore, queued) -> None:
    parent = queued()
    store.set_tags(parent.id, {"brainseg.crossval": "{}"})
    assert "brainseg.crossval is damaged" in store.unreadable()[0].why
    assert len(store.list()) == 3
