"""Real trainings and finders that are started, cancelled and resumed from the Train page."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from brainseg.app.train.ended import outcome
from brainseg.app.train.launch import launch
from brainseg.app.train.queue import kind_words, position_words
from brainseg.app.train.weights import FINISHED
from brainseg.evaluation.collapse import collapse_sentence
from brainseg.jobs import cancelling
from brainseg.results.run_wording import STATES
from brainseg.runs import Run, RunStore
from tests.app.run_pages import texts
from tests.app.train_pages import QUICK, click, fill, widget_key
from tests.conftest import tiny_config
from tests.jobs.helpers import epochs_done, wait_for


def waiting(position: int) -> str:
    """Return the badge of a waiting run."""
    word, _, icon = STATES["SCHEDULED"]
    return f"{icon} {word}, {position_words(position)}]"


def ended(run_id: str) -> Run:
    return wait_for(lambda: (run := RunStore().get(run_id)).ended and run, "the run to end")


def test_a_training_is_started_and_finishes(working_home: Path, tiny_set: Path, open_page) -> None:
    app = fill(open_page("train"), tiny_set)
    app.text_input(key="train:name").set_value("mine").run()
    click(app, "train:train")
    click(app, "train:train")  # a double click
    [run] = RunStore().list()
    assert run.name == "mine"
    assert "mine" in texts(app)
    flat = run.config.flat()
    assert {name: flat[name] for name in QUICK} == QUICK
    done = ended(run.id)
    assert done.status == "FINISHED"
    assert done.reason in ("", collapse_sentence({"collapsed": True})), "one epoch may teach nothing"
    assert outcome(done) in texts(app.run())
    assert " of 12 " in outcome(done)


def test_a_rate_is_found_and_taken_over(working_home: Path, tiny_set: Path, open_page) -> None:
    app = fill(open_page("train"), tiny_set)
    click(app, "train:find")
    [run] = RunStore().list()
    assert (run.kind, run.name) == ("find-lr", "resnet18-quick-rate")
    assert f" · {kind_words(run)} · " in texts(app)
    found = ended(run.id)
    assert found.status == "FINISHED", found.reason
    app.run()
    assert len(app.get("plotly_chart")) == 1
    rate = found.metrics["final_learning_rate"]
    assert app.button(key="train:take-rate").label == f"Use {rate:.2e} as learning rate"
    click(app, "train:take-rate")
    assert app.number_input(key=widget_key(app, "training.learning_rate:number")).value == pytest.approx(rate, rel=0.01)
    assert FINISHED not in app.selectbox(key=widget_key(app, "model.weights")).options
    click(app, "train:instant")
    baseline = RunStore().list()[0]
    assert baseline.config.model.head == "logistic"
    assert baseline.config.training.learning_rate == pytest.approx(rate, rel=0.01)
    assert ended(baseline.id).status == "FINISHED"


def test_two_networks_are_two_runs_which_are_cancelled_and_resumed(
    working_home: Path, tiny_set: Path, open_page
) -> None:
    app = fill(open_page("train"), tiny_set, **{"training.epochs": 300})
    app.pills(key=widget_key(app, "model.arch")).set_value(["resnet18", "resnet34"]).run()
    assert app.button(key="train:train").label == "Train 2 networks"
    click(app, "train:train")
    second, first = RunStore().list()
    assert [first.config.model.arch, second.config.model.arch] == ["resnet18", "resnet34"]
    wait_for(lambda: epochs_done(first, 1), "the first epoch")
    assert waiting(1) in texts(app.run())
    click(app, f"train:cancel:{second.id}")
    click(app, f"train:cancel:{first.id}")
    assert ended(first.id).status == "KILLED"
    app.run()
    assert not [button for button in app.button if button.key == f"train:resume:{second.id}"], "it has no epoch yet"
    done = len(RunStore().history(first.id, "valid_loss"))
    click(app, f"train:resume:{first.id}")
    wait_for(lambda: epochs_done(first, done + 1), "an epoch after those before")
    assert RunStore().get(first.id).status == "RUNNING"
    cancelling.cancel(RunStore(), first.id)


def test_of_two_visitors_one_trains_and_the_other_waits(
    working_home: Path, tiny_set: Path, open_page, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [tiny_config(tiny_set, **{"training.epochs": 300, "training.seed": seed}) for seed in (1, 2)]
    RunStore()  # both visitors find an open store, as on a server
    threads = [threading.Thread(target=launch, args=([order],)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    running = wait_for(lambda: RunStore().list(["RUNNING"]), "one of them to run")
    wait_for(lambda: epochs_done(running[0], 2), "its second epoch")
    assert sorted(run.status for run in RunStore().list()) == ["RUNNING", "SCHEDULED"]
    shown = texts(open_page("train"))
    assert waiting(1) in shown
    assert waiting(2) not in shown
