"""Which models the Diagnose page asks, and what it shows while they cannot answer."""

from __future__ import annotations

import threading

import pytest

from brainseg.app import model_cache
from brainseg.app.diagnose.members_card import DISAGREES, agreement_of_members
from brainseg.app.diagnose.waiting import LOADING
from brainseg.diagnosis.joint import diagnose_jointly
from brainseg.diagnosis.outcome_words import NOT_EVALUATED
from brainseg.diagnosis.words import evaluation_sentence
from brainseg.runs import Run, RunStore
from brainseg.scans import read_scan
from tests.app.diagnose_pages import answered_on_page, answers, images, page, pictures, put_in, texts
from tests.app.page_text import icons, plain

__all__ = ["images", "page"]


def test_an_ensemble_says_the_mean_and_how_far_it_disagrees(page, tuned: Run, images) -> None:
    baseline = RunStore().get("baseline")
    app = put_in(page, images[0])
    app.multiselect[0].select(baseline.id).run()
    assert not app.exception
    predictors = [model_cache.predictor(run.id) for run in (tuned, baseline)]
    expected = diagnose_jointly(predictors, read_scan(images[0]))
    said = texts(app)
    assert expected.sentence in said
    agreement = agreement_of_members(expected).replace("**", "").replace("\\", "")
    assert agreement in said
    assert f" {100 * expected.probability_range[expected.label]:.1f} " in agreement
    assert f" {100 * expected.deviation[expected.label]:.1f} " in agreement
    assert NOT_EVALUATED in said
    table = app.dataframe[0].value
    assert table["Model"].tolist() == [each.name for each in predictors]
    assert table["Prediction"].tolist() == [member.label for member in expected.members]
    assert len(expected.dissenters) == icons(app.warning).count(DISAGREES)
    assert answers(app)[-1].probabilities == pytest.approx(expected.probabilities, abs=1e-6)


# ------------------------------------------------------------------------------------------------- models


def test_the_promoted_model_is_the_first_choice(finished_home, open_page) -> None:
    store = RunStore()
    baseline = store.get("baseline")
    store.promote(baseline.id)
    assert open_page("diagnose").selectbox(key="model").value == baseline.id


def test_the_address_chooses_the_model(finished_home, open_page) -> None:
    baseline = RunStore().get("baseline")
    app = open_page("diagnose", run=baseline.id[:8])  # as the pages and commands print it
    assert app.selectbox(key="model").value == baseline.id
    assert baseline.id in app.query_params["run"]
    tuned = RunStore().get("tuned")
    app.selectbox(key="model").select(tuned.id).run()
    assert app.selectbox(key="model").value == tuned.id
    assert tuned.id in app.query_params["run"], "a link names the model that is chosen now"


def test_the_plain_address_comes_to_name_the_model_that_it_offers(tuned: Run, open_page) -> None:
    assert tuned.id in open_page("diagnose").query_params["run"]


@pytest.mark.parametrize("finished_home", ["whole_template"], indirect=True)
def test_the_address_shows_the_same_answer_to_a_new_visitor(page, tuned: Run, open_page) -> None:
    baseline = RunStore().get("baseline")
    page.button(key="sample-3").click().run()
    page.selectbox(key="model").select(baseline.id).run()  # which is asked about the sample of the other
    page.multiselect[0].select(tuned.id).run()
    for key, value in (("explain", "no"), ("method", "grad-cam++"), ("layer-4", 2)):
        page.selectbox(key=key).select(value)
    page.run()
    assert page.query_params["with"] == tuned.id
    fresh = open_page("diagnose", **dict(page.query_params.items()))
    assert not fresh.exception
    assert (fresh.selectbox(key="model").value, fresh.multiselect[0].value) == (baseline.id, [tuned.id])
    assert [fresh.selectbox(key=key).value for key in ("explain", "method", "layer-4")] == ["no", "grad-cam++", 2]
    for caption in ("Image", "Heatmap"):
        assert pictures(fresh, caption) == pictures(page, caption) != []
    assert fresh.query_params == page.query_params
    fresh.selectbox(key="method").select("").run()
    assert "method" not in fresh.query_params
    assert fresh.selectbox(key="method").value == ""


@pytest.mark.parametrize("value", ["nonsense", "0", "-1", "%", ",", "x" * 3000])
def test_damaged_parameters_break_nothing(tuned: Run, open_page, value: str) -> None:
    names = ("with", "explain", "method", "layer", "sample", "of", "marker")
    app = open_page("diagnose", run=tuned.id, **dict.fromkeys(names, value))
    assert not app.error
    assert app.selectbox(key="model").value == tuned.id
    assert not {"with", "explain", "method", "layer"} & set(app.query_params)


def test_an_address_that_names_no_model_is_one_sentence(tuned: Run, open_page) -> None:
    app = open_page("diagnose", run="f" * 32)
    assert app.selectbox(key="model").value == tuned.id
    (info,) = [text for text in plain(app.info) if "f" * 8 in text]
    assert "tuned" in info


@pytest.mark.parametrize("damage", ["bundle.json", "model.safetensors"])
def test_a_damaged_bundle_is_one_sentence(damage, tuned: Run, images, open_page) -> None:
    file = RunStore().path(tuned.id, f"bundle/{damage}")
    file.write_bytes(file.read_bytes()[:100])
    app = open_page("diagnose")
    for _ in range(50):
        if app.error:
            break
        threading.Event().wait(0.1)
        app.run()
    (error,) = app.error
    assert damage in error.value.replace("\\", "")
    assert not app.exception
    app.selectbox(key="model").select(RunStore().get("baseline").id).run()
    model_cache.predictor(RunStore().get("baseline").id)
    assert answered_on_page(put_in(app, images[0]))


def test_the_page_is_drawn_while_the_model_is_loaded(tuned: Run, images, open_page, monkeypatch) -> None:
    gate, real = threading.Event(), model_cache._load
    monkeypatch.setattr(model_cache, "_load", lambda *args: gate.wait(60) and real(*args))
    app = open_page("diagnose")
    assert icons(app.info) == [LOADING]
    assert evaluation_sentence(model_cache.description(tuned.id)[0].validation) in texts(app)
    put_in(app, images[0])
    assert not answered_on_page(app)
    gate.set()
    model_cache.predictor(tuned.id)
    app.run()
    assert answered_on_page(app)


def test_a_demo_session_changes_nothing(finished_home, tuned: Run, images, open_page, monkeypatch) -> None:
    monkeypatch.setenv("BRAINSEG_DEMO", "1")
    model_cache.predictor(tuned.id)
    app = put_in(open_page("diagnose"), images[0])
    assert answered_on_page(app)
    assert "font-size" in "".join(html.value for html in app.get("html"))
    assert {run.id: run.status for run in RunStore().list()} == {run.id: "FINISHED" for run in RunStore().list()}
