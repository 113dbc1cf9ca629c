"""The About page: versions, places, the card of the model in use, citation."""

from __future__ import annotations

import json
import shutil

import pytest

import brainseg
from brainseg.app.about.facts import CITE_BRAINSEG, CITE_PAPER, places
from brainseg.app.about.page import HIDDEN, LICENCES, NO_MODEL, nested
from brainseg.config import RunConfig
from brainseg.models.description import read_description
from brainseg.results.run_card import card_of
from brainseg.runs import RunStore
from tests.app.page_text import message, plain


def card_is_shown(app, run) -> bool:
    return nested(card_of(RunStore(), run)).strip() in [each.value for each in app.markdown]


def table(app, column: str):
    (found,) = [frame.value for frame in app.dataframe if column in frame.value]
    return found


def bundle_of(run) -> object:
    return RunStore().bundle(run)


def test_without_a_model_it_says_so_and_shows_the_rest(home, open_page):
    app = open_page("about")
    assert plain(app.info) == [NO_MODEL]
    versions = table(app, "Version").set_index("Name")["Version"]
    assert versions["brainseg"] == brainseg.__version__
    assert versions["torch"][0].isdigit()
    assert "not installed" not in set(versions)
    assert [each.value for each in app.code] == [CITE_BRAINSEG, CITE_PAPER]
    assert LICENCES.strip() in [each.value for each in app.markdown]
    assert not app.error


def test_the_card_is_that_of_the_model_in_use(finished_home, tuned, open_page):
    app = open_page("about")
    assert app.selectbox[0].value == tuned.id
    assert card_is_shown(app, tuned)
    baseline = RunStore().get("baseline")
    assert not card_is_shown(app, baseline)
    RunStore().promote(baseline.id)
    assert card_is_shown(open_page("about"), baseline)
    assert card_is_shown(open_page("about", run=tuned.id), tuned)
    assert card_is_shown(open_page("about", run="unknown"), baseline)


def test_the_card_can_be_downloaded(finished_home, tuned, open_page):
    (button,) = open_page("about").download_button
    assert button.key == "card"


def test_a_lost_evaluation_is_said_on_the_card(finished_home, tuned, open_page):
    before = card_of(RunStore(), tuned)
    folder = bundle_of(tuned).parent
    (folder / "evaluation.json").unlink()
    (folder / "dataset.json").write_text("{broken")
    app = open_page("about")
    assert card_is_shown(app, tuned)
    card = card_of(RunStore(), tuned)
    for name in ("`evaluation.json`", "`dataset.json`"):
        assert name in card
        assert name not in before
    validation = read_description(bundle_of(tuned)).validation
    assert f"{round(validation['accuracy'] * validation['count'])} of {validation['count']}" in card, "it knows this"


def test_a_damaged_bundle_is_said_in_a_sentence_beside_the_rest(finished_home, tuned, open_page):
    bundle = bundle_of(tuned)
    (bundle / "bundle.json").write_text("{")
    app = open_page("about")
    assert plain(app.error) == [message(read_description, bundle)]
    assert len(table(app, "Version")) > 5
    shutil.rmtree(bundle)
    assert plain(open_page("about").error) == [message(bundle_of, tuned)]


def test_fifty_runs_without_a_model_are_no_models(home, open_page, tiny_set):
    store = RunStore()
    for number in range(50):
        store.create(RunConfig.from_preset("quick", {"data.path": str(tiny_set)}), f"run {number}", "FAILED")
    assert plain(open_page("about").info) == [NO_MODEL]


def test_places_are_measured_when_asked(home, open_page):
    app = open_page("about")
    assert "Size" not in table(app, "Where")
    app.button(key="measure-sizes").click().run()
    assert not app.exception
    found = table(app, "Where").set_index("What")
    assert found.loc["Everything below", "Where"] == str(home)
    assert found.loc["Run store (MLflow)", "Size"].endswith(("kB", "MB"))
    assert found.loc["Logs", "Size"] == "nothing yet"


@pytest.mark.parametrize(
    "uri", ["https://me:secret@store.example:5000/path", "postgresql://me:secret@store.example/db"]
)
def test_the_address_of_a_store_never_shows_its_password(home, uri):
    shown = json.dumps([place.shown for place in places(uri)])
    assert "secret" not in shown
    assert "store.example" in shown


def test_a_demo_session_sees_no_places(home, open_page, monkeypatch):
    monkeypatch.setenv("BRAINSEG_DEMO", "1")
    app = open_page("about")
    assert HIDDEN in plain(app.info)
    assert not app.button
    assert not [each.value for each in app.dataframe if "Where" in each.value]
