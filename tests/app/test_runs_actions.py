"""What the Runs page's buttons do to the store."""

from __future__ import annotations

import pytest

from brainseg.jobs.workspace import Workspace
from brainseg.runs import Run, RunStore
from tests.app.run_pages import button, texts


def test_a_run_is_renamed_tagged_and_noted(tuned: Run, open_page) -> None:
    app = open_page("runs", run=tuned.id)
    form = {each.label: each for each in (*app.text_input, *app.multiselect, *app.text_area)}
    form["Name"].set_value("first light")
    form["Tags"].set_value(["checked", "reader=first"])
    form["Note"].set_value("Look at the *second* image.")
    button(app, "Save").click().run()
    assert not app.error
    found = RunStore().get(tuned.id)
    assert (found.name, found.note) == ("first light", "Look at the *second* image.")
    assert found.tags == {"checked": "", "reader": "first"}
    assert "Saved: first light." in texts(app)
    assert "> Look at the *second* image." in texts(app)
    assert app.selectbox(key="run-choice").options[0].startswith("first light · finished")


@pytest.mark.parametrize(("field", "value", "said"), [("Name", "baseline", "is already called 'baseline'")])
def test_what_is_refused_is_one_sentence_and_changes_nothing(tuned: Run, open_page, field, value, said) -> None:
    app = open_page("runs", run=tuned.id)
    next(each for each in app.text_input if each.label == field).set_value(value)
    button(app, "Save").click().run()
    assert [said in error.value for error in app.error] == [True]
    assert RunStore().get(tuned.id).name == "tuned"


def test_a_tag_that_cannot_be_one_changes_nothing(tuned: Run, open_page) -> None:
    app = open_page("runs", run=tuned.id)
    next(each for each in app.text_input if each.label == "Name").set_value("renamed")
    next(each for each in app.multiselect if each.label == "Tags").set_value(["=odd"])
    button(app, "Save").click().run()
    assert ["is not a valid tag" in error.value for error in app.error] == [True]
    assert RunStore().get(tuned.id).name == "tuned"


def test_a_model_is_put_to_use_in_diagnose(finished_home, open_page) -> None:
    store = RunStore()
    older = store.get("baseline")
    app = open_page("runs", run=older.id)
    assert "offered first in Diagnose" not in texts(app)
    button(app, "Use in Diagnose").click().run()
    assert store.get(older.id).promoted > 0
    assert "Diagnose now offers the model of baseline first." in texts(app)
    assert "offered first in Diagnose" in texts(app)
    assert button(app, "In use in Diagnose").disabled


def test_deleting_takes_the_name_and_says_what_diagnose_offers_then(tuned: Run, finished_home, open_page) -> None:
    app = open_page("runs", run=tuned.id)
    assert "Diagnose will switch to baseline." in texts(app)
    assert button(app, "Delete for good").disabled
    app.text_input(key=f"delete-{tuned.id}").set_value("tune").run()
    assert button(app, "Delete for good").disabled
    app.text_input(key=f"delete-{tuned.id}").set_value("tuned").run()
    button(app, "Delete for good").click().run()
    assert not app.exception
    assert "tuned is deleted." in texts(app)
    assert [run.name for run in RunStore().list()] == ["baseline"]
    assert not (finished_home / "runs" / tuned.id).exists()
    assert "run" not in app.query_params
    assert not [warning.value for warning in app.warning if "There is no run" in warning.value]


def test_the_last_run_can_be_deleted_too(home, config, open_page) -> None:
    run = RunStore().create(config(), "only", "FAILED")
    app = open_page("runs", run=run.id)
    app.text_input(key=f"delete-{run.id}").set_value("only").run()
    button(app, "Delete for good").click().run()
    assert "only is deleted." in texts(app)
    assert "There are no runs yet" in texts(app)


def test_a_waiting_run_is_stopped_and_cannot_be_deleted_before(home, config, open_page) -> None:
    run = RunStore().create(config(), "waits")
    app = open_page("runs", run=run.id)
    assert "Delete for good" not in [each.label for each in app.button]
    button(app, "Stop").click().run()
    assert RunStore().get(run.id).status == "KILLED"
    assert "Stopping waits." in texts(app)
    assert "cancelled before it started" in texts(app)


def test_a_failed_run_goes_back_into_the_queue(home, config, open_page, monkeypatch: pytest.MonkeyPatch) -> None:
    # A worker that really starts would take the run away before the page can be looked at.
    monkeypatch.setattr("brainseg.jobs.queue.ensure_worker", lambda device: False)
    run = RunStore().create(config(), "again", "FAILED")
    Workspace(run.id).make()
    app = open_page("runs", run=run.id)
    button(app, "Resume").click().run()
    assert RunStore().get(run.id).status == "SCHEDULED"
    assert "again is queued again." in texts(app)


def test_a_finished_run_offers_its_files(tuned: Run, open_page) -> None:
    app = open_page("runs", run=tuned.id)
    labels = [each.label for each in app.get("download_button")]
    assert labels[:3] == ["Bundle (zip)", "Plots (zip)", "Predictions (CSV)"]


def test_a_run_that_got_nowhere_offers_no_files(home, config, open_page) -> None:
    run = RunStore().create(config(), "nowhere", "FAILED")
    app = open_page("runs", run=run.id)
    assert "There is nothing to download" in texts(app)
    assert not app.get("download_button")


def test_a_missing_bundle_is_said_before_somebody_asks_for_it(tuned: Run, finished_home, open_page) -> None:
    (finished_home / "runs" / tuned.id / "artifacts" / "bundle").rename(finished_home / "elsewhere")
    app = open_page("runs", run=tuned.id)
    assert "The run has no bundle" in texts(app)
    assert "Bundle (zip)" not in [each.label for each in app.get("download_button")]
    assert "Plots (zip)" in [each.label for each in app.get("download_button")]


def test_a_demo_changes_nothing(tuned: Run, open_page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINSEG_DEMO", "1")
    app = open_page("runs", run=tuned.id)
    assert not app.button
    assert not app.text_area
    assert "This is a demo" in texts(app)
    assert "Bundle (zip)" in [each.label for each in app.get("download_button")]
