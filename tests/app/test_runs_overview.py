"""The table of all runs: filters, sorting, and what is done with several of them."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest

from brainseg.app.runs.overview import NO_MATCH, _for_csv, delete_all, not_comparable
from brainseg.datasets.library import add_folder
from brainseg.results.dataset_names import dataset_namer
from brainseg.results.run_table import Filters, filtered, runs_table
from brainseg.results.run_wording import STATES
from brainseg.runs import FINAL, RunStore
from tests.app.conftest import moved_home
from tests.app.links import links
from tests.app.page_text import plain
from tests.app.run_pages import texts
from tests.conftest import fresh_home, opened_home, tiny_config


@pytest.fixture(scope="module")
def six_runs(tmp_path_factory: pytest.TempPathFactory, store_template: Path, tiny_set: Path, masked_set: Path) -> Path:
    """A home with six runs of all kinds, without files."""
    home = fresh_home(tmp_path_factory.mktemp("overview") / "home", store_template)
    made = (
        ("alpha", "FINISHED", "train", {}, 0.9, {"checked": ""}),
        ("beta", "FINISHED", "train", {"model.arch": "resnet34"}, 0.725, {"checked": "", "reader": "first"}),
        ("gamma", "FAILED", "train", {}, None, {}),
        ("delta", "SCHEDULED", "train", {}, None, {}),
        ("rate", "FINISHED", "find-lr", {}, None, {}),
        (
            "epsilon",
            "FINISHED",
            "train",
            {"task": "segment", "model.stages": [2], "data.path": str(masked_set)},
            0.5,
            {},
        ),
    )
    with opened_home(home):
        store = RunStore()
        add_folder(tiny_set, "My slices")
        for name, status, kind, settings, score, tags in made:
            run = store.create(tiny_config(tiny_set, **settings), name, "RUNNING", kind)
            metric = "dice" if "task" in settings else "accuracy"
            if score:
                store.log_metrics(run.id, {f"{FINAL}{metric}": score, f"{FINAL}{metric}_low": score - 0.1})
                store.log_metrics(run.id, {FINAL + ("slices" if "task" in settings else "count"): 12})
            store.tag(run.id, tags)
            store.set_status(run.id, status)
    return home


@pytest.fixture
def store(six_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    """The runs of a copy of that home, to be changed at will."""
    monkeypatch.setenv("BRAINSEG_HOME", str(moved_home(six_runs, tmp_path / "home")))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return RunStore()


def names(table: pd.DataFrame) -> list[str]:
    return sorted(table["Name"])


def test_numbers_are_numbers_and_datasets_have_their_names(store: RunStore, masked_set: Path) -> None:
    table = runs_table(store.list(), dataset_namer()).set_index("Name")
    for column in ("Accuracy", "Dice", "95 % low", "Minutes", "n"):
        assert table[column].dtype == "float64"
    assert pd.api.types.is_datetime64_any_dtype(table["Created"])
    assert table["Accuracy"].sort_values().index[:2].tolist() == ["beta", "alpha"]
    assert table.loc["epsilon", ["Dice", "95 % low", "n"]].tolist() == [0.5, 0.4, 12]
    assert table.loc["alpha", "n"] == 12
    assert table["Dataset"].to_dict() == dict.fromkeys(table.index, "My slices") | {"epsilon": masked_set.name}
    assert table.loc["rate", "Task"] == "learning rate only"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filters(), ["alpha", "beta", "delta", "epsilon", "gamma", "rate"]),
        (Filters(text="0.9 resnet18"), ["alpha"]),
        (Filters(text=" RESNET18   alpha "), ["alpha"]),
        (Filters(text="checked first"), ["beta"]),
        (Filters(text="[.*"), []),
        (Filters(states=["failed", STATES["SCHEDULED"][0]]), ["delta", "gamma"]),
        (Filters(tasks=["segmentation"]), ["epsilon"]),
        (Filters(models=["resnet34"]), ["beta"]),
        (Filters(datasets=["My slices"], states=["finished"]), ["alpha", "beta", "rate"]),
        (Filters(tags=["checked"]), ["alpha", "beta"]),
        (Filters(tags=["checked", "reader=first"]), ["beta"]),
        (Filters(least=0.6), ["alpha", "beta"]),
        (Filters(most=0.725), ["beta", "epsilon"]),
        (Filters(least=0.6, most=0.8), ["beta"]),
    ],
)
def test_runs_are_found_by_every_filter(store: RunStore, wanted: Filters, expected: list[str]) -> None:
    assert names(filtered(runs_table(store.list(), dataset_namer()), wanted)) == expected


def test_an_empty_table_can_be_filtered(home: Path) -> None:
    assert filtered(runs_table([], dataset_namer()), Filters("x", ["y"], least=0.5, tags=["t"])).empty


def test_the_table_leaves_as_csv_with_whole_ids(store: RunStore) -> None:
    runs = store.list()
    back = pd.read_csv(io.StringIO(_for_csv(runs_table(runs, dataset_namer())).to_csv(index=False)))
    assert back["Id"].tolist() == [run.id for run in runs]
    assert "checked; reader=first" in back["Tags"].tolist()


def test_the_page_filters_by_its_address_and_by_its_fields(store: RunStore, open_page) -> None:
    app = open_page("runs", find="checked", state="finished")
    assert names(app.dataframe[0].value) == ["alpha", "beta"]
    assert "2 of 6" in texts(app)
    app.number_input(key="most").set_value(0.8).run()
    assert names(app.dataframe[0].value) == ["beta"]
    assert names(open_page("runs", most="0.6").dataframe[0].value) == ["epsilon"]
    app.text_input(key="find").set_value("resnet34 beta").run()
    assert names(app.dataframe[0].value) == ["beta"]
    app.text_input(key="find").set_value("nothing like it").run()
    assert plain(app.info) == [NO_MATCH]
    assert not app.dataframe


def test_ticked_runs_are_compared_or_deleted(store: RunStore, open_page) -> None:
    app = open_page("runs")
    order = app.dataframe[0].value["Name"].tolist()

    def tick(*wanted: str) -> None:
        key = next(each.key for each in app.dataframe)
        app.session_state[key] = {"selection": {"rows": [order.index(name) for name in wanted], "columns": []}}
        app.run()

    tick("alpha", "gamma")
    alpha, gamma, epsilon = (store.get(name) for name in ("alpha", "gamma", "epsilon"))
    assert not_comparable([alpha, gamma], [alpha]) in plain(app.caption)
    assert " gamma." in not_comparable([alpha, gamma], [alpha])
    assert "compare" not in links(app)
    tick("alpha", "epsilon")
    assert not_comparable([alpha, epsilon], [alpha, epsilon]) in plain(app.caption)
    assert "compare" not in links(app)
    tick("alpha", "beta")
    assert not_comparable([alpha, store.get("beta")], [alpha, store.get("beta")]) == ""
    assert "compare" in links(app)
    tick("gamma", "delta")
    assert app.button(key="delete-many-now").disabled
    app.text_input[-1].set_value("2").run()
    app.button(key="delete-many-now").click().run()
    assert not app.exception
    assert ["1 of 2 " in text for text in plain(app.success)] == [True]
    assert [text.startswith("delta: ") for text in plain(app.error)] == [True]
    assert {run.name for run in store.list()} == {"alpha", "beta", "delta", "rate", "epsilon"}


def test_each_refusal_is_named(store: RunStore) -> None:
    runs = [store.get(name) for name in ("gamma", "delta")]
    deleted, refused = delete_all([*runs, runs[0]])
    assert deleted == 1
    assert [sentence.partition(":")[0] for sentence in refused] == ["delta", "gamma"]


def test_a_thousand_runs_are_shown(store: RunStore) -> None:
    runs = store.list() * 200
    assert len(filtered(runs_table(runs, dataset_namer()), Filters(text="resnet18"))) == 1000
