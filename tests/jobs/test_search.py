"""Searches in the queue: trials follow each other, are pruned, interrupted and resumed, and the winner is confirmed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from brainseg.config import RunConfig
from brainseg.errors import ConfigError, DataError, RunError
from brainseg.jobs import actions, launcher, lost_runs, queue, search
from brainseg.jobs.search_steps import DATABASE
from brainseg.jobs.trainer_process import CANCELLED
from brainseg.jobs.trainer_process import main as train_run
from brainseg.jobs.workspace import Workspace
from brainseg.results.search.reading import search_result
from brainseg.results.search.wording import result_sentences
from brainseg.results.stored_results import split
from brainseg.runs import FINAL, EndKind, Run, RunStore
from brainseg.runs.crossval import nested
from brainseg.runs.search import trials_of
from brainseg.search.plan import SearchPlan
from brainseg.search.ranges import parse_ranges
from brainseg.search.trials import point_key
from tests.app.conftest import train_queued
from tests.cli.test_cli import TINY, assert_refused, here
from tests.conftest import write_set

RANGE = "model.dropout=0:0.9"


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "ensure_worker", lambda device: False)


Submit = Callable[..., Run]


@pytest.fixture
def submitted(store: RunStore, config) -> Submit:
    def submit(*ranges: str, settings: dict[str, object] | None = None, **values) -> Run:
        basis: RunConfig = config(settings)
        plan = SearchPlan(parse_ranges(ranges or [RANGE], basis), **{"trials": 3, **values})
        return search.submit_search(store, search.search_config(basis, plan), "s", plan)

    return submit


def finish(store: RunStore, run: Run, accuracy: float) -> None:
    """End a waiting run, as a training would."""
    store.log_metrics(run.id, {FINAL + "accuracy": accuracy})
    store.set_status(run.id, "FINISHED", "", EndKind.FINISHED)
    queue.reconcile(store)


def waiting(store: RunStore) -> Run:
    [run] = queue.queued(store, "cpu")
    return run


def test_trials_follow_each_other_and_the_winner_is_confirmed_on_the_test_set(store: RunStore, submitted) -> None:
    parent = submitted()
    assert (parent.status, parent.trials.words()) == ("RUNNING", "0 of up to 3 trials finished, 1 waits")
    for accuracy in (0.5, 0.9, 0.7):
        run = waiting(store)
        assert (run.parent, run.config.data.test_fraction, run.config.data.test_use) == (parent.id, 0.2, "leave-out")
        finish(store, run, accuracy)
    confirmation = waiting(store)
    winner = store.get("s-trial1")
    assert confirmation.trial.confirms == winner.id
    changed = {name for name, value in confirmation.config.flat().items() if value != winner.config.flat()[name]}
    assert changed == {"data.test_use"}
    assert store.get("s").trials.words().endswith("3 of up to 3 trials finished, the winner is being confirmed")
    finish(store, confirmation, 0.6)
    assert store.get("s").status == "FINISHED"
    result = search_result(store, store.get("s"))
    assert result.confirmation.optimism == pytest.approx(0.3)
    assert "best of 3 trials on the same images" in result_sentences(result)[0]
    assert [run.name for run in nested(store.entries())][:2] == ["s", "s-confirmed1"]
    assert not winner.has_model or winner.is_part
    assert not confirmation.is_part


def test_failed_trials_count_and_a_search_of_failures_ends(store: RunStore, submitted) -> None:
    submitted(trials=20, confirm="none")
    for number in range(5):
        run = waiting(store)
        assert run.trial.number == number
        store.set_status(run.id, "FAILED", "The training diverged.", EndKind.REFUSED)
        queue.reconcile(store)
    ended = store.get("s")
    assert (ended.status, ended.end.kind) == ("FAILED", EndKind.INCOMPLETE)
    assert ended.reason.startswith("The first 5 trials failed, the last one with this message: The training diverged:")


def test_a_trial_without_a_value_has_failed(store: RunStore, submitted) -> None:
    submitted(trials=2, confirm="none")
    store.set_status(waiting(store).id, "FINISHED", "", EndKind.FINISHED)  # its metric was NaN, which is not stored
    queue.reconcile(store)
    finish(store, waiting(store), 0.4)
    result = search_result(store, store.get("s"))
    assert [trial.state for trial in result.trials] == ["failed", "complete"]
    assert "was not confirmed" in result_sentences(result)[-1]


def test_an_interrupted_search_waits_and_resumes_without_repeating_trials(store: RunStore, submitted) -> None:
    submitted("model.dropout=0,0.25,0.5,0.75", trials=4, confirm="none")
    finish(store, waiting(store), 0.5)
    lost = queue.claim_next(store, "cpu")
    Workspace(lost.id)._owners.write_text("[]")  # as after a power cut: its processes are gone
    queue.reconcile(store)
    ended = store.get("s")
    assert ended.reason == "The search was interrupted: 1 of up to 4 trials finished, 1 failed."
    assert queue.queued(store, "cpu") == []
    (store.home / DATABASE).unlink()  # Optuna's database is made again from the run store
    actions.resubmit(store, "s")
    assert waiting(store).id == lost.id
    while queue.queued(store, "cpu"):
        finish(store, waiting(store), 0.5)
    done = store.get("s")
    trials = trials_of(done, store.all_children(done))
    assert (done.status, len(trials)) == ("FINISHED", 4)
    assert len({point_key(run.trial.point) for run in trials}) == 4
    assert (store.home / DATABASE).exists()
    with pytest.raises(RunError, match="unless you raise a budget"):
        actions.resubmit(store, "s")
    larger = SearchPlan.from_json(done.search.to_json().replace('"trials": 4', '"trials": 9'))
    again = search.resume_search(store, done, larger)
    assert again.reason == "All 4 possible combinations were tried."


def test_a_search_whose_next_step_was_not_taken_goes_on(store: RunStore, submitted) -> None:
    submitted()
    run = waiting(store)
    store.log_metrics(run.id, {FINAL + "accuracy": 0.5})
    store.set_status(run.id, "FINISHED", "", EndKind.FINISHED)  # and the process died
    assert lost_runs.is_lost(store, store.get("s"))
    queue.reconcile(store)
    queue.reconcile(store)
    assert waiting(store).trial.number == 1


def test_cancel_stops_all_that_would_follow_and_delete_removes_it(store: RunStore, submitted) -> None:
    submitted(parallel=2)
    assert len(queue.queued(store, "cpu")) == 2
    stopped = actions.cancel(store, "s")
    assert (stopped.status, stopped.trials.cancelled) == ("KILLED", 2)
    queue.reconcile(store)
    assert queue.queued(store, "cpu") == []
    with pytest.raises(RunError, match="already KILLED"):
        actions.cancel(store, "s")
    assert "trial 0 of the search 's'" in actions.breaks(store, store.get("s-trial0"))
    actions.resubmit(store, "s")
    assert store.get("s").trials.waiting == 2
    actions.cancel(store, "s")
    actions.delete(store, "s")
    assert store.entries() == []


def test_budgets_in_hours_and_epochs_end_a_search(store: RunStore, submitted, monkeypatch) -> None:
    submitted(trials=20, epochs=7, confirm="none")  # each trial has 3 epochs
    for _ in range(2):
        run = waiting(store)
        for epoch in (1, 2, 3):
            store.log_metrics(run.id, {"valid_loss": 0.5}, epoch)
        finish(store, run, 0.5)
    ended = store.get("s")
    assert (ended.status, ended.trials.finished) == ("FINISHED", 2)
    assert ended.reason == "The budget of 7 epochs does not suffice for another trial."
    larger = SearchPlan.from_json(ended.search.to_json().replace('"epochs": 7', '"epochs": 0'))
    search.resume_search(store, ended, larger)
    monkeypatch.setattr("brainseg.jobs.search_steps.hours_used", lambda trials: 3.0)
    store.set_tags(ended.id, {"brainseg.search": larger.to_json().replace('"hours": 0.0', '"hours": 2.5')})
    finish(store, waiting(store), 0.5)
    assert store.get("s").reason == "The budget of 2.5 hours is used up."


def test_folds_confirm_where_there_is_no_test_set(store: RunStore, submitted) -> None:
    submitted("model.dropout=0,0.5", trials=2, confirm="folds", settings={"model.head": "logistic"})
    assert waiting(store).config.data.test_fraction == 0
    finish(store, waiting(store), 0.5)
    finish(store, waiting(store), 0.7)
    found = store.get("s").confirmed_by
    crossval = store.get(found["run"])
    assert (crossval.kind, crossval.counts.waiting) == ("crossval", 5)
    assert crossval.config.data.seed == store.get("s").config.data.seed + 1
    assert crossval.config.model.dropout == store.get(found["trial"]).config.model.dropout
    stopped = actions.cancel(store, "s")
    assert (stopped.status, store.get(crossval.id).status) == ("KILLED", "KILLED")


def test_what_cannot_work_is_refused_before_anything_is_queued(store: RunStore, submitted, config, tmp_path) -> None:
    with pytest.raises(ConfigError, match="The budget of 2 epochs does not suffice for another trial: choose"):
        submitted(epochs=2)
    assert store.list() == []
    few = config({"data.path": str(write_set(tmp_path / "few", ("no", "yes"), 2))})
    plan = SearchPlan(parse_ranges([RANGE], few))
    with pytest.raises(DataError, match="No test set can be split off: class 'no' has 2 independent"):
        search.check_dataset(search.search_config(few, plan), plan, lambda done, total: None)
    given = config({"data.split": "given"})
    with pytest.raises(DataError, match="no given split"):
        search.check_dataset(search.search_config(given, plan), plan, lambda done, total: None)


def test_a_trial_below_the_median_ends_early(store: RunStore, submitted, monkeypatch: pytest.MonkeyPatch) -> None:
    submitted(trials=6, confirm="none", settings={"compute.nice": 0})
    for _ in range(5):
        run = waiting(store)
        for epoch in (1, 2, 3):
            store.log_metrics(run.id, {"accuracy": 2.0}, epoch)  # better than any network
        finish(store, run, 1.0)
    run = queue.claim_next(store, "cpu")
    assert train_run(run.id) == CANCELLED
    ended = store.get(run.id)
    assert (ended.status, ended.pruned) == ("KILLED", True)
    assert ended.reason.startswith("Pruned after epoch 2 of 3: its best accuracy so far")
    queue.reconcile(store)
    assert store.get("s").trials.words() == "5 of up to 6 trials finished, 1 was pruned"
    assert search_result(store, store.get("s")).trials[-1].state == "pruned"


@pytest.fixture
def trains(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train queued runs in this process; not again for those that follow while it does so."""
    busy: list[bool] = []

    def train(_device: str) -> bool:
        if not busy:
            busy.append(True)
            train_queued()
            busy.clear()
        return True

    monkeypatch.setattr(launcher, "ensure_worker", train)


@pytest.mark.usefixtures("trains")
def test_the_command_runs_a_search_and_shows_its_optimism(home: Path, tiny_set: Path, tmp_path: Path) -> None:
    wanted = ["--trials", 3, "--set-range", "model.regularisation=1e-4:1:log", "--name", "s", "--json", "--wait"]
    logistic = [*TINY, "--set", "model.head=logistic", "--set", "compute.nice=0"]
    done = here("search", "--data", tiny_set, *wanted, *logistic, home=home)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["kind"], answer["status"], answer["method"], answer["metric"]) == (
        "search",
        "FINISHED",
        "tpe",
        "accuracy",
    )
    assert len({trial["settings"]["model.regularisation"] for trial in answer["trials"]}) == 3
    found = answer["confirmation"]
    best = next(trial["value"] for trial in answer["trials"] if trial["run_id"] == answer["best"])
    assert found["optimism"] == pytest.approx(best - found["value"])
    assert found["optimism_interval"][0] < found["optimism"] < found["optimism_interval"][1]
    store = RunStore()
    test = sides(store, found["run_id"], "test")
    assert len(test) == found["images"] == 8
    for trial in answer["trials"]:
        assert sides(store, trial["run_id"], "outer") == test
        assert sides(store, trial["run_id"], "test") == set()
        assert sides(store, trial["run_id"], "valid") == sides(store, found["run_id"], "valid")
    shown = here("search", "show", "s", "--csv", tmp_path / "s.csv", "--figures", tmp_path / "plots", home=home)
    assert "Optimism of the search:" in shown.stdout
    assert "8 images that no trial has seen" in shown.stdout
    assert len((tmp_path / "s.csv").read_text().splitlines()) == 4
    assert {file.stem for file in (tmp_path / "plots").glob("*.html")} == {"best_so_far", "parallel", "importance"}
    assert "Bayesian search (TPE)" in here("show", "s", home=home).stdout
    changed = here("search", "--resume", "s", "--set-range", "model.regularisation=1e-4:10:log", home=home)
    assert_refused(changed, "The range of model.regularisation differs")
    assert_refused(here("search", "--resume", "s", home=home), "there is nothing to resume")
    more = here("search", "--resume", "s", "--trials", 4, "--wait", "--json", home=home)
    assert [trial["state"] for trial in json.loads(more.stdout)["trials"]] == ["complete"] * 4


def sides(store: RunStore, run_id: str, side: str) -> set[str]:
    table = split(store, store.get(run_id))
    return set(table.loc[table["split"] == side, "path"])


def test_wrong_requests_end_in_one_sentence(home: Path, tiny_set: Path) -> None:
    for options, words in (
        ((), "Nothing to search"),
        (("--set-range", "data.seed=1,2"), "cannot be searched"),
        (("--set-range", RANGE, "--method", "grid"), "A grid needs values or steps"),
        (("--set-range", RANGE, "--trials", 0), "0 trials are not allowed"),
        (("--set-range", RANGE, "--metric", "beauty"), "choose accuracy"),
        (("--set-range", "model.weights=none,missing.pth"), "missing.pth does not exist"),
    ):
        assert_refused(here("search", "--data", tiny_set, *TINY, *options, home=home), words)
    assert_refused(here("search", "show", "nothing", home=home), "There is no run 'nothing'")
    assert RunStore().list() == []
