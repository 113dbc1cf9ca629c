"""What differs by task in results and commands: each task has its entries, and draws its plots."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from brainseg.cli.by_task import COMMANDS
from brainseg.errors import RunError
from brainseg.results import run_plots
from brainseg.results.by_task import RESULTS, results_of
from brainseg.runs import RunStore
from brainseg.tasks import TASKS


def test_every_task_has_its_results_and_commands_in_the_tasks_order():
    assert list(RESULTS) == list(COMMANDS) == list(TASKS)


@pytest.mark.parametrize("task", TASKS)
def test_plots_of_a_task_are_none_before_their_files_exist(task, home: Path, config):
    store = RunStore()
    run = store.create(config({"task": task}), "new")
    results = results_of(task)
    assert {"learning_rate", "training_curves"} < set(results.plots())
    assert all(run_plots.draw(name, store, run) is None for name in results.plots())
    assert all(read(store, run) is None for read in results.sheets().values())
    with pytest.raises(RunError, match="has nothing to draw yet"):
        run_plots.check_drawable(store, run)


@pytest.fixture
def evaluated(home: Path, config, tmp_path: Path):
    store = RunStore()
    run = store.create(config(), "one", "FINISHED")
    report = {"count": 3, "classes": ["a", "b"], "positive": "b", "matrix": [[1, 0, 5]], "per_class": {}}
    (tmp_path / "evaluation.json").write_text(json.dumps(report))
    store.log_file(run.id, tmp_path / "evaluation.json")
    return store, run


def test_data_that_no_training_writes_are_one_sentence_and_logged(evaluated, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("brainseg"), "propagate", True)
    with pytest.raises(RunError, match="The data of run 'one' for the plot confusion_matrix are damaged"):
        run_plots.draw("confusion_matrix", *evaluated)
    assert "matrix must have shape" in caplog.text


def test_a_fault_of_our_own_is_not_taken_for_a_damaged_file(evaluated, monkeypatch):
    def faulty(*_: object, dark: bool) -> None:
        raise KeyError("colour")

    results = results_of("classify")
    monkeypatch.setitem(results.plots(), "confusion_matrix", lambda store, run: faulty)
    with pytest.raises(KeyError, match="colour"):
        run_plots.draw("confusion_matrix", *evaluated)


def test_an_old_evaluation_is_shown_with_its_present_names(evaluated, tmp_path: Path):
    from brainseg.results.run_details import run_details

    store, run = evaluated
    report = json.loads(store.path(run.id, "evaluation.json").read_text("utf-8"))
    (tmp_path / "evaluation.json").write_text(json.dumps({**report, "judged_on": "test"}))
    store.log_file(run.id, tmp_path / "evaluation.json")
    assert run_details(store, run)["evaluation"]["evaluated_on"] == "test"
