"""Searches on the pages: launched and followed on Train, listed and shown on Runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from brainseg.app.train.search import default_range, offered_fields
from brainseg.config import RunConfig, preset_names
from brainseg.jobs import launcher, queue, search
from brainseg.runs import FINAL, EndKind, RunStore
from brainseg.search.plan import SearchPlan
from brainseg.search.ranges import parse_ranges
from tests.app.run_pages import charts, open_panel, texts
from tests.app.train_pages import click, fill
from tests.conftest import tiny_config


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "ensure_worker", lambda device: False)
    monkeypatch.setattr("brainseg.app.train.queue.ensure_worker", lambda device: False)


def test_a_search_is_launched_and_cancelled_on_the_train_page(working_home: Path, tiny_set: Path, open_page) -> None:
    app = fill(open_page("train"), tiny_set)
    app.toggle(key="train:search").set_value(True).run()
    app.number_input(key="train:trials").set_value(4)
    app.multiselect(key="train:searched").set_value(["training.learning_rate", "model.head"]).run()
    assert app.button(key="train:train").label == "Search with 4 trials"
    app.text_input(key="train:range:training.learning_rate").set_value("1e-2:1e-5").run()
    click(app, "train:train")
    assert "the first bound must be below the second" in texts(app)
    app.text_input(key="train:range:training.learning_rate").set_value("1e-4:1e-2:log").run()
    click(app, "train:train")
    found = RunStore().get("resnet18-quick-search")
    assert (found.kind, found.status, found.trials.waiting) == ("search", "RUNNING", 1)
    assert found.search.names == ["training.learning_rate", "model.head"]
    assert "0 of up to 4 trials finished, 1 waits" in " ".join(str(bar.proto) for bar in app.get("progress"))
    click(app, f"train:cancel:{found.id}")
    assert RunStore().get(found.id).status == "KILLED"


def test_a_search_is_listed_and_shown_with_its_trials(home: Path, tiny_set: Path, open_page) -> None:
    config, store = tiny_config(tiny_set), RunStore()
    ranges = parse_ranges(["training.learning_rate=1e-5:1e-2:log", "model.arch=resnet18,resnet34"], config)
    plan = SearchPlan(ranges, trials=5, confirm="none")
    parent = search.submit_search(store, search.search_config(config, plan), "s", plan)
    for accuracy in (0.5, 0.9, 0.7, 0.8):
        [run] = queue.queued(store, "cpu")
        store.log_metrics(run.id, {FINAL + "accuracy": accuracy})
        store.set_status(run.id, "FINISHED", "", EndKind.FINISHED)
        queue.reconcile(store)
    app = open_page("runs", run=parent.id)
    assert "the best of 4 trials on the same images" in texts(app)
    assert charts(app) == 1
    [run] = queue.queued(store, "cpu")
    store.set_status(run.id, "FAILED", "The training diverged.", EndKind.REFUSED)
    queue.reconcile(store)
    table = open_page("runs").dataframe[0].value
    assert table["Name"].tolist() == ["s", *(f"↳ s-trial{number}" for number in range(5))]
    assert table["Task"].iloc[0] == "classification, search"
    app = open_page("runs", run=parent.id)
    assert "was not confirmed" in texts(app)
    assert app.dataframe[0].value["state"].tolist() == ["complete"] * 4 + ["failed"]
    for panel in ("Parallel coordinates", "Importance", "Settings"):
        open_panel(app, panel)
        assert not app.exception, panel
        assert not app.error, panel
    assert "trial 1 of a search" in texts(open_page("runs", run=store.get("s-trial1").id))


@pytest.mark.parametrize("preset", preset_names())
def test_every_range_that_the_page_offers_is_allowed(preset: str) -> None:
    config = RunConfig.from_preset(preset)
    fields = [field for field in offered_fields(config.task) if field.kind in ("whole", "number", "choice or number")]
    offered = [f"{field.name}={default_range(field, config)}" for field in fields]
    assert len(parse_ranges(offered, config)) == len(offered) > 12
