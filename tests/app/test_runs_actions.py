"""What the Runs page's buttons do to the store."""

from __future__ import annotations

import pytest

from brainseg.app.messages import end_reason
from brainseg.app.runs.actions import DEMO, NO_FILES, OFFERED
from brainseg.app.runs.view import NO_RUNS
from brainseg.jobs.workspace import Workspace
from brainseg.results.run_wording import run_label
from brainseg.runs import Run, RunStore
from brainseg.runs.labels import parse_tags
from tests.app.page_text import icons, message, plain
from tests.app.run_pages import keys, texts


def test_a_run_is_renamed_tagged_and_noted(tuned: Run, open_page) -> None:
    app = open_page("runs", run=tuned.id)
    form = {each.label: each for each in (*app.text_input, *app.multiselect, *app.text_area)}
    form["Name"].set_value("first light")
    form["Tags"].set_value(["checked", "reader=first"])
    form["Note"].set_value("Look at the *second* image.")
    app.button(key="run-save").click().run()
    assert not app.error
    found = RunStore().get(tuned.id)
    assert (found.name, found.note) == ("first light", "Look at the *second* image.")
    assert found.tags == {"checked": "", "reader": "first"}
    assert ["first light" in text for text in plain(app.success)] == [True]
    assert "> Look at the *second* image." in texts(app)
    assert app.selectbox(key="run-choice").options[0] == run_label(found)


def test_what_is_refused_is_one_sentence_and_changes_nothing(tuned: Run, open_page) -> None:
    app = open_page("runs", run=tuned.id)
    next(each for each in app.text_input if each.label == "Name").set_value("baseline")
    app.button(key="run-save").click().run()
    assert plain(app.error) == [message(RunStore().rename, tuned.id, "baseline")]
    assert "'baseline'" in app.error[0].value
    assert RunStore().get(tuned.id).name == "tuned"


def test_a_tag_that_cannot_be_one_changes_nothing(tuned: Run, open_page) -> None:
    app = open_page("runs", run=tuned.id)
    next(each for each in app.text_input if each.label == "Name").set_value("renamed")
    next(each for each in app.multiselect if each.label == "Tags").set_value(["=odd"])
    app.button(key="run-save").click().run()
    assert plain(app.error) == [message(parse_tags, ["=odd"])]
    assert RunStore().get(tuned.id).name == "tuned"


def test_a_model_is_put_to_use_in_diagnose(finished_home, open_page) -> None:
    store = RunStore()
    older = store.get("baseline")
    app = open_page("runs", run=older.id)
    assert OFFERED not in texts(app)
    app.button(key="run-use").click().run()
    assert store.get(older.id).promoted > 0
    assert ["baseline" in text for text in plain(app.success)] == [True]
    assert texts(app).count(OFFERED) == 1
    assert app.button(key="run-use").disabled


def test_deleting_takes_the_name_and_says_what_diagnose_offers_then(tuned: Run, finished_home, open_page) -> None:
    app = open_page("runs", run=tuned.id)
    assert icons(app.warning).count(OFFERED) == 1
    assert any("baseline" in text for text in plain(app.warning))
    assert app.button(key=f"delete-now-{tuned.id}").disabled
    app.text_input(key=f"delete-{tuned.id}").set_value("tune").run()
    assert app.button(key=f"delete-now-{tuned.id}").disabled
    app.text_input(key=f"delete-{tuned.id}").set_value("tuned").run()
    app.button(key=f"delete-now-{tuned.id}").click().run()
    assert not app.exception
    assert ["tuned" in text for text in plain(app.success)] == [True]
    assert [run.name for run in RunStore().list()] == ["baseline"]
    assert not (finished_home / "runs" / tuned.id).exists()
    assert "run" not in app.query_params
    assert not app.warning


def test_the_last_run_can_be_deleted_too(home, config, open_page) -> None:
    run = RunStore().create(config(), "only", "FAILED")
    app = open_page("runs", run=run.id)
    app.text_input(key=f"delete-{run.id}").set_value("only").run()
    app.button(key=f"delete-now-{run.id}").click().run()
    assert ["only" in text for text in plain(app.success)] == [True]
    assert plain(app.info) == [NO_RUNS]


def test_a_waiting_run_is_stopped_and_cannot_be_deleted_before(home, config, open_page) -> None:
    run = RunStore().create(config(), "waits")
    app = open_page("runs", run=run.id)
    assert f"delete-now-{run.id}" not in keys(app.button)
    app.button(key="run-stop").click().run()
    assert RunStore().get(run.id).status == "KILLED"
    assert ["waits" in text for text in plain(app.success)] == [True]
    assert plain(app.warning) == [end_reason(RunStore().get(run.id))]
    assert RunStore().get(run.id).reason


def test_a_failed_run_goes_back_into_the_queue(home, config, open_page, monkeypatch: pytest.MonkeyPatch) -> None:
    # A worker that really starts would take the run away before the page can be looked at.
    monkeypatch.setattr("brainseg.jobs.launcher.ensure_worker", lambda device: False)
    run = RunStore().create(config(), "again", "FAILED")
    Workspace(run.id).make()
    app = open_page("runs", run=run.id)
    app.button(key="run-resume").click().run()
    assert RunStore().get(run.id).status == "SCHEDULED"
    assert [text.startswith("again ") for text in plain(app.success)] == [True]


def test_a_finished_run_offers_its_files(tuned: Run, open_page) -> None:
    app = open_page("runs", run=tuned.id)
    assert keys(app.download_button)[:3] == ["download-bundle", "download-plots", "download-predictions"]


def test_a_run_that_got_nowhere_offers_no_files(home, config, open_page) -> None:
    run = RunStore().create(config(), "nowhere", "FAILED")
    app = open_page("runs", run=run.id)
    assert NO_FILES in plain(app.info)
    assert not app.download_button


def test_a_missing_bundle_is_said_before_somebody_asks_for_it(tuned: Run, finished_home, open_page) -> None:
    (finished_home / "runs" / tuned.id / "artifacts" / "bundle").rename(finished_home / "elsewhere")
    app = open_page("runs", run=tuned.id)
    assert message(RunStore().bundle, tuned) in plain(app.error)
    assert "download-bundle" not in keys(app.download_button)
    assert "download-plots" in keys(app.download_button)


def test_a_demo_changes_nothing(tuned: Run, open_page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINSEG_DEMO", "1")
    app = open_page("runs", run=tuned.id)
    assert not app.button
    assert not app.text_area
    assert DEMO in plain(app.caption)
    assert "download-bundle" in keys(app.download_button)
