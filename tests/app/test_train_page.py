"""What the Train page shows for runs in every state, and what it refuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from brainseg.app.train.actions import CHOOSE_DATA
from brainseg.app.train.ended import epochs_kept, outcome, rivals
from brainseg.app.train.page import DEMO
from brainseg.app.train.queue import EMPTY, position_words
from brainseg.app.train.weights import FINISHED
from brainseg.app.widgets.epoch_times import epoch_words
from brainseg.app.widgets.time_estimate import basis
from brainseg.config import RunConfig
from brainseg.datasets.access import permitted
from brainseg.jobs import queue
from brainseg.jobs.workspace import Workspace, child_environment
from brainseg.results.run_wording import PHASES
from brainseg.runs import EndKind, Run, RunStore
from brainseg.training.log import EpochMetrics
from tests.app.links import links
from tests.app.page_text import message, plain
from tests.app.run_pages import texts
from tests.app.train_pages import click, estimates, fill, widget_key
from tests.conftest import PROJECT_ROOT, tiny_config


def pretend_running(data: Path, epochs: int = 2, name: str = "busy") -> Run:
    """A run in the middle of its third epoch; its trainer is this very process."""
    run = queue.create_claimed(RunStore(), tiny_config(data, **{"training.epochs": 4}), name)
    workspace = Workspace(run.id)
    (workspace.results / "checkpoint").mkdir(parents=True)
    values = {"train_loss": 0.5, "valid_loss": 0.4, "accuracy": 0.75, "sensitivity": 0.8, "specificity": 0.7}
    values |= {"learning_rate": 1e-3, "seconds": 10.0}
    figures = [EpochMetrics(phase="unfrozen", epoch=n + 1, **values) for n in range(epochs)]
    pd.DataFrame([each.to_dict() for each in figures]).to_csv(workspace.results / "epochs.csv", index=False)
    split = {"path": map(str, range(40)), "label": "yes", "group": "", "sha256": ""}
    pd.DataFrame({**split, "split": ["valid"] * 12 + ["train"] * 28}).to_csv(
        workspace.results / "split.csv", index=False
    )
    progress = {"phase": "unfrozen", "epoch": 3, "epochs": 5, "step": 2, "steps": 4, "time": time.time()}
    workspace.write_progress({**progress, "started": time.time() - 4})
    workspace.log.write_text("10:00:00  40 images of 2 classes.\n")
    return run


def test_an_empty_store_offers_a_form_and_nothing_to_start_yet(home: Path, open_page) -> None:
    app = open_page("train")
    assert not app.error
    assert EMPTY in plain(app.caption)
    assert plain(app.info) == [CHOOSE_DATA]
    assert all(app.button(key=f"train:{key}").disabled for key in ("train", "find", "instant"))


def test_finished_runs_are_listed_with_their_worth_and_offered_as_weights(finished_home: Path, open_page) -> None:
    app = open_page("train")
    assert not app.error
    assert not any(line.endswith(basis(1)) for line in estimates(app))  # another image size
    tuned, baseline = RunStore().get("tuned"), RunStore().get("baseline")
    assert all(outcome(run) in texts(app) for run in (tuned, baseline))
    assert " of 12 " in outcome(tuned)
    assert rivals(tuned, [tuned, baseline]) == [baseline]
    assert "compare" in links(app)
    app.selectbox(key="train:preset").select("quick").run()
    app.number_input(key=widget_key(app, "preparation.size")).set_value(40).run()
    assert "resnet18: " in estimates(app)[0]
    assert estimates(app)[0].endswith(basis(1))
    weights = app.selectbox(key=widget_key(app, "model.weights"))
    weights.select(FINISHED).run()
    models = app.selectbox(key=widget_key(app, "model.weights:run"))
    assert sorted(models.options) == sorted(models.options, key=str)
    assert {option.split(" · ")[0] for option in models.options} == {"tuned", "baseline"}


def test_a_running_run_shows_its_bars_its_figures_and_its_time(home: Path, tiny_set: Path, open_page) -> None:
    run = pretend_running(tiny_set)
    waiting = RunStore().create(tiny_config(tiny_set), "patient")
    app = open_page("train")
    assert not app.error
    epochs, batches = app.get("progress")
    assert (epochs.value, batches.value) == (50, 50)
    assert re.search(r" 3 of 5, .* 2\d s ", epochs.proto.text)
    assert batches.proto.text.startswith(PHASES["unfrozen"])
    assert batches.proto.text.endswith(" 2 of 4")
    assert epoch_words(run) in plain(app.caption)
    assert all(part in epoch_words(run) for part in (" 2: ", " 0.500", " 0.400", " 9 of 12 "))
    assert f", {position_words(1)}]" in texts(app)
    click(app, f"train:cancel:{waiting.id}")
    assert RunStore().get(waiting.id).status == "KILLED"
    click(app, f"train:cancel:{run.id}")
    assert RunStore().get(run.id).status == "RUNNING", "the page must not wait for the end"
    assert Workspace(run.id).cancel_requested()
    assert app.button(key=f"train:cancel:{run.id}").label == "Stopping …"
    assert app.button(key=f"train:cancel:{run.id}").disabled


def test_a_failed_run_says_why_in_a_sentence_and_can_go_on(working_home: Path, tiny_set: Path, open_page) -> None:
    run = pretend_running(tiny_set, name="unlucky")
    reason = "The trainer process ended by signal SIGKILL."
    RunStore().set_status(run.id, "FAILED", reason, EndKind.DIED, "line 1\nline 2")
    app = open_page("train")
    assert not app.error
    assert reason in texts(app)
    assert "line 2" not in texts(app)
    assert epochs_kept(run) == 2
    assert " 2," in app.button(key=f"train:resume:{run.id}").help
    click(app, f"train:retry:{run.id}")
    assert [(each.name, each.config == run.config) for each in RunStore().list(["SCHEDULED", "RUNNING"])] == [
        ("unlucky-2", True)
    ]


def test_a_run_whose_processes_died_is_found_out_by_looking(home: Path, tiny_set: Path, open_page) -> None:
    run = pretend_running(tiny_set)
    (Workspace(run.id).folder / "owners.json").write_text("[]")
    app = open_page("train")
    assert RunStore().get(run.id).status == "FAILED"
    assert outcome(RunStore().get(run.id)) in texts(app.run())


def test_a_demo_session_trains_nothing(home: Path, open_page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINSEG_DEMO", "1")
    app = open_page("train")
    assert plain(app.info) == [DEMO]
    assert not app.button
    assert not app.selectbox


def test_what_is_wrong_stands_beside_the_form(home: Path, tiny_set: Path, open_page) -> None:
    app = fill(open_page("train"), tiny_set)
    assert not app.error
    app.number_input(key=widget_key(app, "data.fold")).set_value(7).run()
    assert plain(app.error) == [message(RunConfig.from_preset, "quick", {"data.fold": 7})]
    assert " 7 " in plain(app.error)[0]
    assert app.button(key="train:train").disabled
    app.number_input(key=widget_key(app, "data.fold")).set_value(0).run()
    assert not app.error
    app.text_input(key="train:data:path").set_value("/nowhere").run()
    assert app.button(key="train:train").disabled
    assert plain(app.error)[0] == message(permitted, "/nowhere")
    assert RunStore().list() == []


def test_a_link_from_elsewhere_chooses_the_dataset(finished_home: Path, tiny_set: Path, open_page) -> None:
    assert open_page("train", data=str(tiny_set)).selectbox(key="train:data").value == str(tiny_set)
    app = open_page("train", data="/somewhere/else")
    assert app.text_input(key="train:data:path").value == "/somewhere/else"


def test_the_page_never_imports_torch(finished_home: Path) -> None:
    script = (
        "import json, sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file('pages/train.py', default_timeout=60).run()\n"
        "print(json.dumps([len(app.exception), len(app.error), sorted({'torch', 'fastai'} & set(sys.modules))]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT_ROOT, env=child_environment(), capture_output=True, text=True
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [0, 0, []], done.stderr
