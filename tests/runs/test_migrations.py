"""Runs of other schemas: those of brainseg 0.1.0 are read, and unreadable runs are listed with the reason."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from brainseg.cli.app import app
from brainseg.errors import RunError
from brainseg.jobs.removal import delete
from brainseg.runs import EndKind, RunStore, migrations
from brainseg.runs.migrations import SCHEMA, Step, migrated

HARMS = {
    "unknown setting": ("config", '{"task": "classify", "training": {"warp": 9}}', "training.warp"),
    "unknown task": ("config", '{"task": "dream"}', "dream"),
    "newer schema": ("schema", str(SCHEMA + 1), "it was made by a newer brainseg"),
    "damaged schema": ("schema", "two", "brainseg.schema is damaged"),
    "damaged settings": ("config", '{"task": "cla', "brainseg.config is damaged"),
    "settings that are none": ("config", "[1]", "brainseg.config is damaged"),
    "damaged time": ("queued", "yesterday", "brainseg.queued is damaged"),
    "time that is none": ("started", "nan", "brainseg.started is damaged"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_run_that_cannot_be_read_is_listed_with_the_reason(home, config, harm: str) -> None:
    store = RunStore()
    mine, other = store.create(config(), "mine"), store.create(config(), "other", "FINISHED")
    tag, value, words = HARMS[harm]
    store.set_tags(other.id, {f"brainseg.{tag}": value})
    assert [run.id for run in store.list()] == [mine.id]
    (unreadable,) = store.unreadable()
    assert (unreadable.id, unreadable.name, unreadable.status) == (other.id, "other", "FINISHED")
    assert words in unreadable.why
    for wanted in ("other", other.id, other.id[:8]):
        with pytest.raises(RunError, match=r"Run 'other' \(........\) cannot be read: ") as refused:
            store.get(wanted)
        assert words in str(refused.value)
    listed = json.loads(CliRunner().invoke(app, ["runs", "--json"]).stdout)
    assert {entry["name"]: bool(entry["unreadable"]) for entry in listed} == {"mine": False, "other": True}
    assert "cannot be read" in CliRunner().invoke(app, ["runs"]).stdout
    with pytest.raises(RunError, match="is already called 'other'"):
        store.rename(mine.id, "other")
    assert delete(store, "other").id == other.id
    assert not store.unreadable()


def test_a_run_of_another_program_is_listed_too(home) -> None:
    store = RunStore()
    store.client.create_run(store.experiment, run_name="theirs")
    (found,) = store.unreadable()
    assert found.sentence.endswith("cannot be read: it was made by another program: it has no brainseg settings.")


def test_a_run_that_cannot_be_read_waits_for_nobody_and_can_be_deleted(home, config) -> None:
    store = RunStore()
    for status in ("SCHEDULED", "RUNNING"):
        run = store.create(config(), status, status)
        store.set_tags(run.id, {"brainseg.schema": "99"})
    assert store.list(["SCHEDULED", "RUNNING"]) == []
    delete(store, "SCHEDULED")
    with pytest.raises(RunError, match="is RUNNING: stop it before"):
        delete(store, "RUNNING")


def test_a_renamed_setting_hides_no_run(home, config, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RunStore()
    run = store.create(config({"training.epochs": 7}), "old")
    settings = json.loads(run.config.model_dump_json())
    settings["training"]["rounds"] = settings["training"].pop("epochs")
    settings["training"]["gone"] = {"and": "forgotten"}
    store.set_tags(run.id, {"brainseg.config": json.dumps(settings)})
    assert not store.list()
    renamed = {"training.rounds": "training.epochs", "training.gone": None, "nowhere.at.all": "training.seed"}
    monkeypatch.setitem(migrations.STEPS, SCHEMA, Step(renamed))
    monkeypatch.setattr(migrations, "SCHEMA", SCHEMA + 1)
    store = RunStore()  # as a newer program: a store keeps what it has read
    assert store.get("old").config == run.config


def test_a_setting_can_move_to_another_section() -> None:
    tags = {"brainseg.config": '{"seed": 3, "data": {"seed": 4}}'}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(migrations.STEPS, 1, Step({"seed": "training.seed", "data.seed": "split.draw.seed"}))
        settings = json.loads(migrated(tags)["brainseg.config"])
    assert settings == {"data": {}, "training": {"seed": 3}, "split": {"draw": {"seed": 4}}}


@pytest.mark.parametrize(
    ("reason", "message", "kind", "tail"),
    [
        (
            "The trainer process ended by signal SIGKILL; `resume` continues it from its last epoch. "
            "Its last words: one.\ntwo; three. ",
            "The trainer process ended by signal SIGKILL.",
            EndKind.DIED,
            "one.\ntwo; three.",
        ),
        (
            "The training and its supervisor ended without a word; `resume` continues it. Last words: ",
            "The training and its supervisor ended without a word.",
            EndKind.LOST,
            "",
        ),
        (
            "The run was in training when this home was copied or moved, and goes on there alone; `resume` continues "
            "it here.",
            "The run was in training when this home was copied or moved, and goes on there alone.",
            EndKind.MOVED,
            "",
        ),
        ("The run was cancelled.", "The run was cancelled.", EndKind.CANCELLED, ""),
        ("a.png is damaged: save it again.", "a.png is damaged: save it again.", EndKind.UNKNOWN, ""),
        ("", "", EndKind.UNKNOWN, ""),
    ],
)
def test_the_end_of_a_run_of_schema_1_is_taken_apart(
    home, config, reason: str, message: str, kind: EndKind, tail: str
) -> None:
    store = RunStore()
    run = store.create(config(), "old", "FAILED")
    for tag in ("schema", "end", "log_tail"):
        store.client.delete_tag(run.id, f"brainseg.{tag}")
    store.set_tags(run.id, {"brainseg.reason": reason})
    found = store.get(run.id)
    assert (found.schema, found.reason, found.end.kind, found.end.log_tail) == (1, message, kind, tail)
    store.requeue(run.id)
    assert (store.get(run.id).end, store.get(run.id).reason) == (None, "")
    store.set_status(run.id, "KILLED", "Stop; `resume` continues it. Last words: none", EndKind.CANCELLED)
    assert store.get(run.id).reason == "Stop; `resume` continues it. Last words: none"
