"""The Robustness tab of a run, and a check on the pages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from brainseg.files import write_json
from brainseg.jobs import launcher
from brainseg.jobs.workspace import Workspace
from brainseg.robustness.result import FILE
from brainseg.runs import Run, RunStore
from tests.app.run_pages import charts, open_panel, texts
from tests.robustness.reports import report


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave what is queued in the queue."""
    monkeypatch.setattr(launcher, "ensure_worker", lambda device: False)


def test_a_check_is_queued_followed_and_shown(
    tuned: Run, open_page: Callable[..., AppTest], no_worker: None, tmp_path: Path
) -> None:
    app = open_panel(open_page("runs", run=tuned.id), "Robustness")
    assert "A robustness check makes the held-out images of this run worse" in texts(app)
    app.button(key="run-robustness").click().run()
    assert "tuned-robustness is queued" in texts(app)
    assert "is in the queue or running" in texts(app)
    assert "run-robustness" not in [button.key for button in app.button]
    store = RunStore()
    (check,) = (run for run in store.list() if run.kind == "robustness")
    live = open_page("runs", run=check.id)
    assert "robustness check, on" in texts(live)
    store.set_status(check.id, "RUNNING")
    Workspace(check.id).record_trainer()
    Workspace(check.id).write_progress({"phase": "robustness", "step": 5, "steps": 20, "epoch": 0, "epochs": 0})
    assert not open_page("home").exception
    assert not open_page("train").exception
    write_json(tmp_path / FILE, report(0.88, 0.85, 0.6))
    store.log_file(tuned.id, tmp_path / FILE)
    store.set_status(check.id, "FINISHED")
    ended = open_page("runs", run=check.id)
    assert f"Its result is stored with run 'tuned' ({tuned.id[:8]})." in texts(ended)
    app = open_panel(open_page("runs", run=tuned.id), "Robustness")
    assert charts(app) == 1
    assert "up to 4, the interval of the accuracy still holds 0.900" in texts(app)
    assert "Measured on 100 random ones of 300 validation images" in texts(app)
    assert app.button(key="run-robustness").label == "Measure again"
    assert not open_page("runs").exception
