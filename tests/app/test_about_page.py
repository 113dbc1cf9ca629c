"""The About page: versions, places, the card of the model in use, citation."""

from __future__ import annotations

import json
import shutil

import pytest

import brainseg
from brainseg.app.about.facts import places
from brainseg.config import RunConfig
from brainseg.runs import RunStore


def texts(elements: object) -> str:
    return "\n".join(str(element.value) for element in elements)


def table(app, column: str):
    (found,) = [frame.value for frame in app.dataframe if column in frame.value]
    return found


def bundle_of(run) -> object:
    return RunStore().bundle(run)


def test_without_a_model_it_says_so_and_shows_the_rest(home, open_page):
    app = open_page("about")
    assert "There is no model yet" in texts(app.info)
    versions = table(app, "Version").set_index("Name")["Version"]
    assert versions["brainseg"] == brainseg.__version__
    assert versions["torch"][0].isdigit()
    assert "not installed" not in set(versions)
    assert "10.47750/pnr.2024.14.01.03" in texts(app.code)
    assert "Apache License 2.0" in texts(app.markdown)
    assert not app.error


def test_the_card_is_that_of_the_model_in_use(finished_home, tuned, open_page):
    app = open_page("about")
    shown = texts(app.markdown)
    assert app.selectbox[0].value == tuned.id
    assert "## Model card\\: tuned" in shown or "## Model card: tuned" in shown
    assert "What it is not for" in shown
    for other in RunStore().list():
        if other.name == "baseline":
            RunStore().promote(other.id)
    assert "Model card: baseline" in texts(open_page("about").markdown)
    assert "Model card: tuned" in texts(open_page("about", run=tuned.id).markdown)
    assert "Model card: baseline" in texts(open_page("about", run="unknown").markdown)


def test_the_card_can_be_downloaded(finished_home, tuned, open_page):
    (button,) = open_page("about").download_button
    assert button.label == "Card as Markdown"


def test_a_lost_evaluation_is_said_on_the_card(finished_home, tuned, open_page):
    folder = bundle_of(tuned).parent
    (folder / "evaluation.json").unlink()
    (folder / "dataset.json").write_text("{broken")
    shown = texts(open_page("about").markdown)
    assert "`evaluation.json` is missing" in shown
    assert "`dataset.json` is missing" in shown
    assert "held-out images" in shown


def test_a_damaged_bundle_is_said_in_a_sentence_beside_the_rest(finished_home, tuned, open_page):
    bundle = bundle_of(tuned)
    (bundle / "bundle.json").write_text("{")
    app = open_page("about")
    assert "is damaged" in texts(app.error)
    assert len(table(app, "Version")) > 5
    shutil.rmtree(bundle)
    assert "has no bundle" in texts(open_page("about").error)


def test_fifty_runs_without_a_model_are_no_models(home, open_page, tiny_set):
    store = RunStore()
    for number in range(50):
        store.create(RunConfig.from_preset("quick", {"data.path": str(tiny_set)}), f"run {number}", "FAILED")
    assert "There is no model yet" in texts(open_page("about").info)


def test_places_are_measured_when_asked(home, open_page):
    app = open_page("about")
    assert "Size" not in table(app, "Where")
    (button,) = [button for button in app.button if button.label == "Measure sizes"]
    button.click().run()
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
    assert "places on the server are not shown" in texts(app.info)
    assert not [button for button in app.button if button.label == "Measure sizes"]
