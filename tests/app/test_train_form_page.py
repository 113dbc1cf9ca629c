"""The Train form as a whole: what it preselects, refuses, remembers, and copies from earlier runs."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from brainseg.app.tasks import view_of
from brainseg.app.train.finder import reuse_rates
from brainseg.app.train.plan import epochs_words, plan_words, weights_words
from brainseg.app.train.weights import NAMES, how_to_get, preselected
from brainseg.models import sources
from brainseg.runs import RunStore
from tests.app.page_text import plain
from tests.app.run_pages import texts
from tests.app.train_pages import QUICK, click, fill, widget_key
from tests.conftest import tiny_config


@pytest.fixture
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without ImageNet weights and without a network; returns where the weights would lie."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setattr(sources, "SOURCE", f"http://127.0.0.1:{closed.getsockname()[1]}/")
        yield tmp_path / "torch" / "hub" / "checkpoints"


def weights(app) -> str:
    return app.selectbox(key=widget_key(app, "model.weights")).value


def test_imagenet_is_preselected_only_where_its_weights_are_here(
    home: Path, tiny_set: Path, no_weights: Path, open_page
) -> None:
    app = open_page("train", data=str(tiny_set))
    assert weights(app) == "none"
    sentence = how_to_get("imagenet", ["resnet34"])
    assert "resnet34" in sentence
    assert sources.FILES["imagenet"]["resnet34"] in sentence
    assert sentence in texts(app)
    assert weights_words("none") in texts(app)
    no_weights.mkdir(parents=True)
    (no_weights / sources.FILES["imagenet"]["resnet34"]).touch()
    app.run()
    assert weights(app) == "imagenet"
    assert sentence not in texts(app)
    assert how_to_get("imagenet", ["resnet34"]) == ""
    assert weights_words("imagenet") in texts(app)
    app.pills(key=widget_key(app, "model.arch")).set_value(["resnet34", "resnet18"]).run()
    assert weights(app) == "none", "one of two networks has none"
    app.selectbox(key=widget_key(app, "model.weights")).select("imagenet").run()
    app.run()
    assert weights(app) == "imagenet", "a person's choice stays"


def test_a_file_of_an_earlier_run_is_offered_only_where_pages_may_open_it(
    home: Path, tmp_path: Path, tiny_set: Path, no_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "elsewhere" / "own.safetensors"
    file.parent.mkdir()
    file.touch()
    run = RunStore().create(tiny_config(tiny_set, **{"model.weights": str(file)}), "earlier", "FINISHED")
    monkeypatch.delenv("BRAINSEG_DATA", raising=False)
    assert preselected("imagenet", ["resnet18"], [run]) == "none"
    monkeypatch.setenv("BRAINSEG_DATA", str(file.parent))
    assert preselected("imagenet", ["resnet18"], [run]) == str(file)


def test_weights_that_cannot_be_had_are_refused_at_once_in_the_words_of_the_page(
    home: Path, tiny_set: Path, no_weights: Path, open_page
) -> None:
    app = fill(open_page("train"), tiny_set)
    app.selectbox(key=widget_key(app, "model.weights")).select("imagenet").run()
    for button in ("train", "find", "instant"):
        click(app, f"train:{button}")
        (error,) = plain(app.error)
        assert NAMES["none"] in error, "a choice that works"
        assert "--" not in error
        assert sources.FILES["imagenet"]["resnet18"] in error
    assert RunStore().list() == []


def test_a_failed_run_is_edited_and_retried(home: Path, tiny_set: Path, no_weights: Path, open_page) -> None:
    store = RunStore()
    settings = {"model.weights": "imagenet", "training.learning_rate": 0.004, "training.mixup": 0.3}
    settings |= {"model.stages": [2, 3], "data.positive": "yes", "training.frozen_epochs": 0, "data.stratify": True}
    failed = store.create(tiny_config(tiny_set, **settings), "unlucky", "RUNNING")
    store.set_status(failed.id, "FAILED", "The ImageNet weights of resnet18 are not on this machine.")
    app = open_page("train", **{"from": failed.id[:8]})
    assert not app.error
    assert [(info.icon, "unlucky" in info.value) for info in app.info] == [(":material/edit:", True)]
    assert weights(app) == "imagenet"
    app.selectbox(key=widget_key(app, "model.weights")).select("none").run()
    click(app, "train:train")
    again = store.list()[0]
    assert again.id != failed.id
    wanted = failed.config.flat() | {"model.weights": "none"}
    assert again.config.flat() == wanted


@pytest.mark.parametrize("asked", ["0123456789abcdef", "../x"])
def test_an_unknown_run_is_said_beside_a_form_that_works(home: Path, open_page, asked: str) -> None:
    app = open_page("train", **{"from": asked})
    assert [asked in text for text in plain(app.error)] == [True]
    assert app.button(key="train:train").disabled


def test_the_form_survives_a_reload(home: Path, tiny_set: Path, no_weights: Path, open_page) -> None:
    app = fill(open_page("train"), tiny_set)
    app.pills(key=widget_key(app, "model.arch")).set_value(["resnet18", "resnet50"]).run()
    app.number_input(key=widget_key(app, "training.epochs")).set_value(3).run()
    address = dict(app.query_params)
    fresh = open_page("train", **address)
    assert fresh.text_input(key="train:data:path").value == str(tiny_set)
    assert fresh.selectbox(key="train:preset").value == "quick"
    assert fresh.pills(key=widget_key(fresh, "model.arch")).value == ["resnet18", "resnet50"]
    assert weights(fresh) == "none"
    for name, value in {**QUICK, "training.epochs": 3}.items():
        assert fresh.number_input(key=widget_key(fresh, name)).value == value
    assert dict(fresh.query_params) == address


@pytest.mark.parametrize(
    "address",
    [
        {"preset": "unknown"},
        {"preset": "quick", "settings": "["},
        {"preset": "quick", "settings": "[1]"},
        {"preset": "quick", "settings": '{"training.epochs": -3}'},
        {"preset": "quick", "networks": "resnet99"},
        {"settings": '{"nowhere": {"at": "all"}}'},
    ],
)
def test_an_address_that_cannot_be_read_leaves_the_form_as_it_is(home: Path, open_page, address) -> None:
    app = open_page("train", **address)
    assert not app.error
    assert app.selectbox(key="train:preset").value == "default"


def test_an_address_without_weights_leaves_them_to_what_is_on_this_machine(
    home: Path, no_weights: Path, open_page
) -> None:
    app = open_page("train", preset="quick", settings='{"training.epochs": 2}')
    assert app.number_input(key=widget_key(app, "training.epochs")).value == 2
    assert weights(app) == "none"


def test_a_rate_that_was_found_is_not_searched_for_again(home: Path, tiny_set: Path) -> None:
    store = RunStore()
    valley = tiny_config(tiny_set, **{"training.learning_rate": "valley"})
    found = store.create(valley, "rate", "RUNNING", kind="find-lr")
    store.log_metrics(found.id, {"final_learning_rate": 2.512e-4})
    store.set_status(found.id, "FINISHED")
    longer = tiny_config(tiny_set, **{"training.learning_rate": "valley", "training.epochs": 9})
    larger = tiny_config(tiny_set, **{"training.learning_rate": "valley", "preparation.size": 48})
    fixed = tiny_config(tiny_set, **{"training.learning_rate": 0.1})
    wanted, sentences = reuse_rates([longer, larger, fixed], store.list(), str(tiny_set))
    assert [config.training.learning_rate for config in wanted] == [2.51e-4, "valley", 0.1]
    (sentence,) = sentences
    assert all(part in sentence for part in ("resnet18 ", " 2.51e-04 ", f" {found.name} "))


def test_two_networks_have_two_searches(home: Path, tiny_set: Path, open_page, monkeypatch) -> None:
    monkeypatch.setattr("brainseg.jobs.launcher.ensure_worker", lambda device: False)
    app = fill(open_page("train"), tiny_set)
    app.pills(key=widget_key(app, "model.arch")).set_value(["resnet18", "resnet34"]).run()
    assert app.button(key="train:find").label == "Find 2 learning rates"
    click(app, "train:find")
    click(app, "train:instant")
    assert sorted((run.kind, run.config.model.arch) for run in RunStore().list()) == [
        ("find-lr", "resnet18"),
        ("find-lr", "resnet34"),
        ("train", "resnet18"),
        ("train", "resnet34"),
    ]


def test_epochs_are_said_as_they_will_be_counted(tiny_set: Path) -> None:
    def words(frozen: int, epochs: int, patience: int = 0) -> str:
        settings = {"training.frozen_epochs": frozen, "training.epochs": epochs, "training.patience": patience}
        return epochs_words(tiny_config(tiny_set, **settings).training)

    assert words(1, 2) == "3 epochs: 1 frozen + 2"
    assert words(0, 1) == "1 epoch"
    assert words(2, 0) == "2 epochs, all frozen"
    assert words(1, 20, 6) == "up to 21 epochs: 1 frozen + 20, may stop early"
    epochs, size, initial, rate = plan_words([tiny_config(tiny_set)]).split(" · ")
    assert epochs.endswith(words(1, 2))
    assert (size, initial) == ("40 px", weights_words("none"))
    assert rate.endswith(" 0.003")


def test_a_dataset_of_masks_starts_from_the_preset_for_masks(home: Path, tiny_set: Path, masked_set: Path, open_page):
    from brainseg.datasets.library import add_folder

    add_folder(tiny_set)
    add_folder(masked_set)
    app = open_page("train", data="masked")
    assert app.selectbox(key="train:preset").value == "segment"
    app.selectbox(key="train:data").select("tiny").run()
    assert app.selectbox(key="train:preset").value == "default"
    assert not app.error
    assert view_of("classify").title in texts(app)
