"""Home on every kind of store, and the demo session."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from brainseg import DISCLAIMER
from brainseg.app.home.panels import FIRST_STEPS, IDLE, NOT_EVALUATED, QUEUED, STEPS, TRAINING_NOW
from brainseg.datasets.copy_messages import learnt_from
from brainseg.diagnosis.words import evaluation_sentence
from brainseg.jobs.queue import create_claimed
from brainseg.jobs.workspace import Workspace
from brainseg.results.best_models import Best, best_models
from brainseg.results.run_files import readable
from brainseg.results.stored_results import epochs, evaluation
from brainseg.runs import RunStore
from tests.app.compare_runs import epochs_table, finished_run
from tests.app.links import links
from tests.app.page_text import message, plain
from tests.conftest import PROJECT_ROOT, tiny_config, write_set


def words(app) -> str:
    parts = [*app.title, *app.header, *app.subheader, *app.markdown, *app.caption, *app.info, *app.warning, *app.error]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


@pytest.fixture
def add(home: Path, tiny_set: Path, tmp_path: Path):
    store = RunStore()

    def added(name: str, settings: dict | None = None, data: Path = tiny_set, **facts):
        return finished_run(store, tiny_config(data, **(settings or {})), name, tmp_path / "runs", **facts)

    return added


def best(app) -> list[Best]:
    """Return the best models of the store, whose sentences the page must show, and no others."""
    store = RunStore()
    found = best_models(store.list(), lambda run: readable([], evaluation, store, run))
    assert all(sentence in words(app) for each in found for sentence in each.sentences())
    names = [text.split("**")[1] for text in plain(app.markdown) if text.startswith("**")]
    assert [each.run.name for each in found] == names
    return found


def test_an_empty_store_says_what_to_do_first(home, open_page) -> None:
    app = open_page("home")
    assert not app.error
    assert FIRST_STEPS in words(app)
    assert words(app).count(DISCLAIMER) == 1
    assert {"diagnose", "train", "compare"} <= set(links(app))


def test_one_model_is_the_best_and_the_only_one(add, open_page) -> None:
    run = add("alone")
    app = open_page("home")
    right = round(run.metrics["final_accuracy"] * 40)
    (only,) = best(app)
    assert f" {right} of 40 " in evaluation_sentence(only.report)
    assert only.report["intervals"]["accuracy"]
    assert (only.rivals, only.beaten, only.data) == ((), 0, "tiny")
    assert IDLE in words(app)


def test_the_best_is_ranked_by_the_lower_end_and_its_rivals_are_named(add, open_page) -> None:
    add("lucky", seed=1, images=slice(0, 3), skill=1.0)  # all of 3: an interval from 0.44
    add("solid", seed=2, skill=0.95)
    add("poor", seed=3, skill=0.2)
    (first,) = best(open_page("home"))
    assert (first.run.name, [run.name for run in first.rivals], first.beaten) == ("solid", ["lucky"], 1)
    assert " 3 models on tiny" in first.sentences()[1]


def test_a_best_model_that_is_not_better_than_chance_says_so(add, open_page) -> None:
    coin = add("coin", skill=0.5)
    assert not coin.better_than_chance
    (shown,) = best(open_page("home"))
    doubt = shown.sentences()[-1]
    assert len(shown.sentences()) == 3
    add("solid", seed=2, skill=1.0)
    assert doubt not in words(open_page("home"))


def test_a_model_that_learnt_from_its_judged_images_comes_behind_a_clean_one(add, open_page) -> None:
    add("leaky", seed=1, skill=1.0, caveats={"copies_in_training": 9})
    app = open_page("home")
    assert [each.run.name for each in best(app)] == ["leaky"]
    assert learnt_from({"copies_in_training": 9}) in words(app), "alone it is shown, with that"
    add("clean", seed=2, skill=0.9)
    assert [each.run.name for each in best(open_page("home"))] == ["clean"]


def test_accuracies_on_different_datasets_are_not_ranked_against_each_other(add, tmp_path, open_page) -> None:
    easy = write_set(tmp_path / "easy", ("no", "yes"), 12)
    add("perfect", data=easy, skill=1.0)
    add("real", seed=2)
    found = best(open_page("home"))
    assert [(each.run.name, each.data, each.rivals, each.beaten) for each in found] == [
        ("real", "tiny", (), 0),
        ("perfect", "easy", (), 0),
    ]


def test_a_damaged_evaluation_is_passed_over(add, open_page) -> None:
    broken = add("broken", seed=1, skill=1.0)
    add("whole", seed=2, skill=0.7)
    RunStore().path(broken.id, "evaluation.json").write_text("{")
    app = open_page("home")
    assert not app.error
    assert [each.run.name for each in best(app)] == ["whole"]


def test_no_model_judged_yet_is_said(home, tiny_set, open_page) -> None:
    store = RunStore()
    store.set_status(store.create(tiny_config(tiny_set), "failed", "RUNNING").id, "FAILED", "Because.")
    app = open_page("home")
    assert NOT_EVALUATED in words(app)
    assert best(app) == []


def test_two_hundred_runs_open_few_files() -> None:
    class Fake:
        """A run as `best_models` sees it."""

        def __init__(self, number: int) -> None:
            self.id, self.created, self.answers, self.is_part = str(number), number, True, False
            self.metrics = {"final_accuracy_low": number / 300, "final_accuracy_high": number / 300 + 0.2}
            self.config = tiny_config(Path("set"))

    opened = []
    (first,) = best_models([Fake(number) for number in range(200)], lambda run: opened.append(run.id) or {"count": 9})
    assert first.run.id == "199"
    assert len(opened) <= 10
    assert len(first.rivals) == 60
    assert len(first.rivals) + first.beaten == 199


def test_a_running_training_shows_its_progress_and_curve_as_they_grow(home, tiny_set, open_page) -> None:
    store = RunStore()
    run = create_claimed(store, tiny_config(tiny_set, **{"training.epochs": 9}), "growing")
    store.create(tiny_config(tiny_set), "patient")
    workspace = Workspace(run.id)
    workspace.results.mkdir(parents=True)
    app = open_page("home")
    assert [" patient." in text for text in plain(app.markdown) if text.startswith(QUEUED)] == [True]
    assert not app.get("plotly_chart")
    for epoch in (2, 4):
        workspace.write_progress(
            {"phase": "unfrozen", "step": 1, "steps": 2, "epoch": epoch, "epochs": 10, "time": time.time()}
        )
        epochs_table(epoch, 0).to_csv(workspace.results / "epochs.csv", index=False)
        app.run()
        whole = app.get("progress")[0].proto
        assert f" {epoch} of 10" in whole.text
        assert whole.value == pytest.approx(100 * (epoch - 0.5) / 10, abs=1)
        (chart,) = app.get("plotly_chart")
        figure = json.loads(chart.proto.spec)
        assert figure["layout"]["xaxis"]["range"] == [0.5, 10.5]
    assert not app.error


def test_a_damaged_curve_leaves_the_rest_of_home_standing(add, home, tiny_set, open_page) -> None:
    add("model")
    workspace = Workspace(create_claimed(RunStore(), tiny_config(tiny_set), "odd").id)
    workspace.results.mkdir(parents=True)
    epochs_table(2, 0).drop(columns="specificity").to_csv(workspace.results / "epochs.csv", index=False)
    app = open_page("home")
    assert not app.error
    store = RunStore()
    assert message(epochs, store, store.get("odd")) in plain(app.caption)
    assert "**model**" in words(app)


def test_a_training_that_died_is_not_shown_as_running(home, tiny_set, open_page) -> None:
    run = create_claimed(RunStore(), tiny_config(tiny_set), "dead")
    dead = subprocess.Popen(["true"])
    Workspace(run.id).record_owners([dead.pid])
    dead.wait()
    open_page("home")
    assert RunStore().get(run.id).status == "FAILED"


def test_the_demo_session_shows_the_guide_and_changes_nothing(add, home, tiny_set, open_page) -> None:
    add("model")
    run = create_claimed(RunStore(), tiny_config(tiny_set), "dead")
    dead = subprocess.Popen(["true"])
    Workspace(run.id).record_owners([dead.pid])
    dead.wait()
    app = AppTest.from_file(str(PROJECT_ROOT / "pages" / "home.py"), default_timeout=60)
    app.session_state["demo_session"] = True
    app.run()
    shown = words(app)
    assert len(STEPS) == 3
    assert all(step in shown for _, _, *steps in STEPS for step in steps)
    assert "train" not in links(app)
    assert TRAINING_NOW not in plain(app.header)
    assert "dead" not in shown
    assert not app.button
    assert app.toggle(key="demo_switch").value is True
    assert RunStore().get(run.id).status == "RUNNING"


def test_the_switch_turns_the_demo_session_on_and_off(home, open_page) -> None:
    app = open_page("home")
    assert "train" in links(app)
    app.toggle(key="demo_switch").set_value(True).run()
    assert app.session_state["demo_session"] is True
    assert "train" not in links(app)
    app.toggle(key="demo_switch").set_value(False).run()
    assert "train" in links(app)


def test_a_server_for_demonstrations_keeps_the_session_on(home, open_page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINSEG_DEMO", "1")
    app = open_page("home")
    assert not app.toggle
    assert STEPS[0][2] in words(app)


def test_the_session_stays_on_over_pages(home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "BRAINSEG_DEMO" not in os.environ
    app = AppTest.from_file(str(PROJECT_ROOT / "streamlit_app.py"), default_timeout=60).run()
    app.toggle(key="demo_switch").set_value(True).run()
    # `AppTest.switch_page` finds only pages that are files.
    app._page_hash = next(key for key, page in app._registered_pages.items() if page["url_pathname"] == "compare")
    app.run()
    assert app.title[0].value == "Compare"
    assert not app.exception
    assert app.session_state["demo_session"] is True
