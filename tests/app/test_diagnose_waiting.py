"""The Diagnose page before there is a model."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from brainseg.app import model_cache
from brainseg.app.diagnose.waiting import NO_MODEL, TRAINING, waiting_sentence
from brainseg.jobs.queue import create_claimed
from brainseg.jobs.workspace import Workspace, child_environment
from brainseg.runs import RunStore
from tests.app.diagnose_pages import answered_on_page, put_in, texts
from tests.app.links import links
from tests.app.page_text import message, plain
from tests.conftest import PROJECT_ROOT, tiny_config


def test_an_empty_store_says_how_to_begin(home, open_page) -> None:
    app = open_page("diagnose")
    assert plain(app.info) == [NO_MODEL]
    assert app.file_uploader(key="uploads").proto.disabled
    assert not app.selectbox
    assert not app.button
    assert links(app) == ["train"]


def test_a_demo_offers_no_training(home, open_page, monkeypatch) -> None:
    monkeypatch.setenv("BRAINSEG_DEMO", "1")
    app = open_page("diagnose")
    assert plain(app.info) == [NO_MODEL]
    assert links(app) == []


def test_what_trains_is_shown_with_its_progress(home, tiny_set, open_page) -> None:
    store = RunStore()
    run = create_claimed(store, tiny_config(tiny_set), "on its way")
    store.create(tiny_config(tiny_set), "next in line")
    Workspace(run.id).make()
    Workspace(run.id).write_progress({"phase": "unfrozen", "step": 3, "steps": 4, "epoch": 2, "epochs": 2})
    app = open_page("diagnose", run=run.id)
    assert plain(app.info) == [TRAINING]
    lines = [waiting_sentence(store.get(name)) for name in ("on its way", "next in line")]
    assert [text.value for text in app.markdown if "**" in text.value] == lines
    assert len(app.get("progress")) == 2, "of the run that trains"
    assert " 2 of 2" in app.get("progress")[0].proto.text


def test_a_run_that_looks_for_a_learning_rate_alone_is_not_waited_for(home, tiny_set, open_page) -> None:
    RunStore().create(tiny_config(tiny_set), "finder", kind="find-lr")
    assert "finder" not in texts(open_page("diagnose"))


def test_the_page_notices_the_first_model(finished_home: Path, tiny_set, open_page) -> None:
    store = RunStore()
    for run in store.list():
        Workspace(run.id).make()
        Workspace(run.id).record_owners([os.getpid()])
        store.set_status(run.id, "RUNNING")
    app = open_page("diagnose")
    assert plain(app.info) == [TRAINING]
    run = store.get("tuned")
    store.set_status(run.id, "FINISHED")
    model_cache.predictor(run.id)
    app.run()
    assert app.selectbox(key="model").value == run.id
    assert answered_on_page(put_in(app, tiny_set / "yes" / "000.png"))


@pytest.mark.parametrize("lost", ["split.csv", "evaluation.json"])
def test_a_lost_file_costs_what_was_read_from_it_and_no_more(lost, tuned, tiny_set, open_page) -> None:
    store = RunStore()
    for run in store.list():
        store.path(run.id, lost).unlink()
        model_cache.predictor(run.id)
    app = put_in(open_page("diagnose"), tiny_set / "yes" / "000.png")
    assert answered_on_page(app)
    assert not app.error


def test_a_bundle_that_is_gone_is_one_sentence(tuned, open_page) -> None:
    shutil.rmtree(RunStore().path(tuned.id, "bundle"))
    app = open_page("diagnose")
    (error,) = app.error
    assert error.value.replace("\\", "") == message(model_cache.description, tuned.id)


def test_nothing_that_the_page_needs_to_be_drawn_imports_torch() -> None:
    """Torch takes seconds to import: the page is drawn first, and a thread of its own imports it."""
    code = (
        "import sys, ast, importlib, pathlib\n"
        "for file in pathlib.Path('brainseg/app').glob('diagnose/*.py'):\n"
        "    for node in ast.parse(pathlib.Path(file).read_text()).body:\n"
        "        if isinstance(node, ast.ImportFrom) and node.module.startswith('brainseg'):\n"
        "            importlib.import_module(node.module)\n"
        "print({'torch', 'torchvision', 'fastai', 'pytorch_grad_cam'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT_ROOT,
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.strip() == "set()"
