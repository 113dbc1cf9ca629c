"""An ensemble on the pages: its run, its answer on Diagnose, and what is shown where it cannot answer."""

from __future__ import annotations

import pytest

from brainseg.app import model_cache
from brainseg.app.runs.ensemble_view import OF_ONE_NETWORK
from brainseg.app.runs.overview import can_join, delete_all
from brainseg.diagnosis.joint import diagnose_jointly
from brainseg.diagnosis.outcome_words import NOT_EVALUATED
from brainseg.evaluation.operating import Goals
from brainseg.models.operating_point import ThresholdGoal
from brainseg.results.classification.operating_point import set_operating_point
from brainseg.results.ensembles.making import make_ensemble
from brainseg.results.ensembles.words import basis_sentence
from brainseg.runs import Run, RunStore
from brainseg.runs.ensembles import open_ensemble
from brainseg.scans import read_scan
from tests.app.diagnose_pages import images, put_in, texts
from tests.app.run_pages import keys, open_panel

__all__ = ["images"]


@pytest.fixture
def made(finished_home) -> Run:
    store = RunStore()
    made = make_ensemble(store, [store.get("baseline"), store.get("tuned")], "both")
    store.promote(made.id)
    return store.get(made.id)


def test_its_run_page_has_the_panels_that_apply(made: Run, open_page) -> None:
    app = open_page("runs", run=made.id)
    tabs = [tab.label for tab in app.tabs]
    assert tabs[0] == "Members"
    assert not {*OF_ONE_NETWORK, "Robustness", "Settings", "Log"} & set(tabs)
    said = texts(app)
    assert "ensemble of 2: resnet18 + logistic, resnet18, joining the runs baseline, tuned, on tiny" in said
    described = open_ensemble(RunStore(), made).ensemble.description
    assert basis_sentence(described) in said
    table = app.dataframe[0].value
    assert table["Accuracy"].tolist() == [member.accuracy for member in described.members]
    assert {"run-use", "run-save"} <= set(keys(app.button))
    for name in ("Calibration", "Threshold", "Labels", "Leaks"):
        open_panel(app, name)
        assert not app.exception
        assert not app.error, name


def test_diagnose_offers_it_first_and_answers_as_it_was_evaluated(made: Run, open_page, images) -> None:
    for run in RunStore().list():
        if run.has_model:
            model_cache.predictor(run.id)
    app = open_page("diagnose")
    assert app.selectbox(key="model").value == made.id
    assert made.id in app.query_params["run"]
    assert "with" not in app.query_params
    put_in(app, images[0])
    opened = open_ensemble(RunStore(), made)
    predictors = [model_cache.predictor(member.id) for member in opened.members]
    expected = diagnose_jointly(predictors, read_scan(images[0]), ensemble=opened.ensemble)
    said = texts(app)
    assert expected.sentence in said
    assert opened.ensemble.name in said
    assert NOT_EVALUATED not in said
    app.button(key="sample-1").click().run()  # a held-out image of the ensemble
    assert not app.exception
    assert "Held out: baseline and tuned were not trained on this image." in texts(app)


def test_ticked_runs_are_joined_and_deleted_together(finished_home, open_page) -> None:
    store, app = RunStore(), open_page("runs")
    app.session_state[app.dataframe[0].key] = {"selection": {"rows": [0, 1], "columns": []}}
    app.run()
    app.button(key="join-runs").click().run()
    assert not app.error
    made = store.get("ensemble")
    assert {member.name for member in made.members} == {"baseline", "tuned"}
    assert ["ensemble joins" in text.value for text in app.success] == [True]
    assert not can_join([made, store.get("tuned")])
    assert delete_all([store.get("tuned"), store.get("baseline"), made]) == (3, [])


def test_a_changed_member_is_one_sentence_on_every_page(made: Run, open_page) -> None:
    store = RunStore()
    set_operating_point(store, store.get("tuned"), Goals(ThresholdGoal(of="threshold", value=0.3)))
    for page, query in (("diagnose", {}), ("runs", {"run": made.id})):
        app = open_page(page, **query)
        errors = [each.value for each in app.error if "was changed since" in each.value]
        assert errors
        assert all("make the ensemble again" in error for error in errors)
    assert "accuracy on the same images" in texts(open_page("about", run=made.id))
