"""Learning-rate finders in the queue: real processes, which write no model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from brainseg.errors import ConfigError, RunError
from brainseg.jobs import cancelling, queue
from brainseg.jobs.submission import free_name, run_name, validate
from brainseg.jobs.supervisor import supervise
from brainseg.jobs.workspace import Workspace
from brainseg.results.run_details import run_details
from brainseg.runs import RunStore
from tests.conftest import fresh_home, opened_home
from tests.jobs.helpers import end_processes, wait_for


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, store_template: Path) -> Iterator[RunStore]:
    """The run store of a home that all tests share, so that one worker serves them."""
    folder = fresh_home(tmp_path_factory.mktemp("finders") / "home", store_template)
    with opened_home(folder):
        yield RunStore()
        end_processes(folder)


def test_a_queued_finder_leaves_a_rate_and_no_model(store, config) -> None:
    run = queue.submit(store, config({"training.finder_steps": 20}), "rate", "find-lr")
    wait_for(lambda: store.get(run.id).ended, "the finder to end")
    found = store.get(run.id)
    assert (found.status, found.kind, found.reason) == ("FINISHED", "find-lr", "")
    curve = json.loads(store.path(run.id, "learning_rate.json").read_text())
    assert found.metrics["final_learning_rate"] == pytest.approx(curve["suggestion"])
    assert len(curve["loss"]) == len(curve["learning_rate"]) > 10
    assert "training.finder_steps" in found.config.flat()
    assert "finder_steps: 20" in store.path(run.id, "config.yaml").read_text()
    assert not found.has_model
    with pytest.raises(RunError, match="only looked for a learning rate"):
        store.bundle(found)
    assert run_details(store, found)["learning_rate"]["suggestion"] == curve["suggestion"]
    with pytest.raises(RunError, match="only looked for a learning rate"):
        queue.submit(store, config({"model.weights": f"run:{run.id}"}), "warm")


def test_a_running_finder_is_cancelled(store, config) -> None:
    settings = config({"training.finder_steps": 1000, "preparation.size": 160})
    run = queue.submit(store, settings, "rate", "find-lr")
    wait_for(lambda: Workspace(run.id).read_progress().get("phase") == "finding", "the search to begin")
    assert cancelling.cancel(store, run.id).status == "KILLED"


def test_a_finder_that_cannot_work_fails_with_its_sentence(store, config, tmp_path) -> None:
    run = queue.create_claimed(store, config({"data.path": str(tmp_path / "gone")}), "rate", "find-lr")
    ended = supervise(store, run)
    assert ended.status == "FAILED"
    assert ended.reason.endswith("does not exist: choose a folder of class folders or a CSV manifest.")


def test_an_instant_baseline_has_no_rate_to_find(config) -> None:
    with pytest.raises(ConfigError, match="no learning rate to find, choose concat-pool"):
        validate(config({"model.head": "svm"}), "find-lr")


def test_names_say_what_a_run_is_and_are_free(config) -> None:
    assert run_name(None, config()) == "resnet18-quick"
    assert run_name(None, config({"model.head": "svm"})) == "resnet18-svm"
    assert run_name(None, config(), "find-lr") == "resnet18-quick-rate"
    assert free_name("first", {"second"}) == "first"
    assert free_name("first", {"first", "first-2"}) == "first-3"
    assert free_name("first-2", {"first", "first-2"}) == "first-3"
    assert free_name("seed-2", {"seed-2"}) == "seed-2-2"


def test_a_cancel_request_answers_at_once_and_the_supervisor_does_the_rest(store, config) -> None:
    run = queue.submit(store, config({"training.epochs": 400}), "endless")
    waiting = queue.submit(store, config(), "waiting")
    wait_for(lambda: Workspace(run.id).read_progress().get("phase") == "unfrozen", "the training to begin")
    assert cancelling.request_cancel(store, waiting.id).status == "KILLED"
    assert cancelling.request_cancel(store, run.id).status == "RUNNING"
    wait_for(lambda: store.get(run.id).status == "KILLED", "the run to end")
    with pytest.raises(RunError, match="nothing to cancel"):
        cancelling.request_cancel(store, run.id)


def test_a_retry_is_a_new_run_with_the_same_configuration(store, config, tmp_path) -> None:
    gone = queue.create_claimed(store, config({"data.path": str(tmp_path / "gone")}), "again")
    store.set_status(gone.id, "FAILED", "lost")
    again = queue.retry(store, gone.id)
    assert (again.name, again.config, again.kind) == ("again-2", gone.config, "train")
    assert again.id != gone.id
    wait_for(lambda: store.get(again.id).status == "FAILED", "the new run to fail for the same reason")
