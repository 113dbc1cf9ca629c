"""`brainseg clean`: nothing without a rule, and with one only what is older than it allows."""

from __future__ import annotations

import json
import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from brainseg.datasets.library import add_folder, add_zip, known_datasets
from brainseg.errors import ConfigError, RunError
from brainseg.jobs.workspace import Workspace
from brainseg.monitoring import AnswerLog, AnswerRecord
from brainseg.operations.retention import RULES, expired, remove, rules
from brainseg.runs import RunStore
from brainseg.runs.purging import deleted_runs
from tests.cli.test_cli import here

LATER = time.time() + 100 * 86_400


def record(days: float) -> AnswerRecord:
    moment = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
    return AnswerRecord(moment, "page", "m", "d", "i", "yes", "yes", 0.9, False, None, None)


def packed(tiny_set: Path, place: Path) -> Path:
    return Path(shutil.make_archive(str(place / "own"), "zip", tiny_set))


@pytest.fixture
def set_rule(monkeypatch: pytest.MonkeyPatch):
    for rule in RULES:
        monkeypatch.delenv(rule, raising=False)

    def only(name: str, days: float) -> None:
        for rule in RULES:
            monkeypatch.delenv(rule, raising=False)
        monkeypatch.setenv(f"BRAINSEG_KEEP_{name}_DAYS", str(days))

    return only


def taken(store: RunStore, now: float | None = LATER) -> list[str]:
    return [each.what.split(" (")[0] for each in expired(store, now)]


def test_each_rule_takes_what_is_older_and_nothing_else(
    finished_home: Path, tiny_set: Path, tmp_path: Path, set_rule, config, monkeypatch
) -> None:
    store = RunStore()
    assert (rules(), expired(store, LATER)) == ({}, [])

    stopped = store.create(config(), "stopped", "KILLED")
    kept = store.create(config(), "kept", "FAILED")
    store.tag(kept.id, {"keep": ""})
    store.create(config(), "waits")
    for run in (stopped, kept):
        (Workspace(run.id).results / "checkpoint").mkdir(parents=True)
    set_rule("RUNS", 30)
    assert taken(store, None) == []
    first = {"tuned", "baseline"}  # Diagnose offers one of them first, which stays
    assert len(found := taken(store)) == 2
    assert set(found) < {"run stopped", *(f"run {name}" for name in first)}
    set_rule("CHECKPOINTS", 30)
    assert sorted(taken(store)) == ["checkpoints of run kept", "checkpoints of run stopped"]
    assert remove(expired(store, LATER)) == []
    assert not list((finished_home / "work").glob("*"))
    assert store.get("stopped").status == "KILLED"

    add_zip(packed(tiny_set, tmp_path), "own")
    add_folder(tiny_set, "folder")
    used = store.create(config({"data.path": next(each.path for each in known_datasets() if each.name == "own")}), "u")
    set_rule("UPLOADS", 30)
    assert taken(store) == []  # a run waits for it
    store.set_status(used.id, "KILLED")
    assert taken(store, None) == []
    assert taken(store) == ["dataset own"]
    assert remove(expired(store, LATER)) == []
    assert [each.name for each in known_datasets()] == ["folder"]

    AnswerLog().add([record(50), record(40), record(1)])
    set_rule("ANSWERS", 30)
    assert taken(store, None) == ["2 answers in the log"]
    assert remove(expired(store)) == []
    assert len(AnswerLog().read()) == 1

    logs = finished_home / "logs"
    logs.mkdir(exist_ok=True)
    for name, days in {"server.log": 1, "old.log": 40}.items():
        (logs / name).write_text("line")
        os.utime(logs / name, (time.time() - days * 86_400,) * 2)
    set_rule("LOGS", 30)
    assert taken(store, None) == ["logs/old.log"]

    earlier = tmp_path / "home.before-20200101-000000"
    (earlier / "runs").mkdir(parents=True)
    (tmp_path / "home.before-somebody-else").mkdir()
    store.delete(stopped.id)
    set_rule("DELETED", 0)
    assert set(taken(store)) == {"home.before-20200101-000000", "record of the deleted run stopped"}
    assert remove(expired(store, LATER)) == []
    assert not earlier.exists()
    assert (store.stored_run(stopped.id), deleted_runs(store, 0)) == (None, {})
    assert store.get("tuned").status == "FINISHED"

    monkeypatch.setenv("BRAINSEG_KEEP_LOGS_DAYS", "-1")
    with pytest.raises(ConfigError, match="BRAINSEG_KEEP_LOGS_DAYS is '-1'"):
        rules()


def test_what_cannot_be_deleted_is_named_with_the_reason(home: Path, set_rule, config) -> None:
    store = RunStore()
    store.create(config(), "stopped", "KILLED")
    set_rule("RUNS", 30)
    (found,) = expired(store, LATER)
    store.set_status(store.get("stopped").id, "SCHEDULED")  # resumed meanwhile
    (kept,) = remove([found])
    assert "stop it before you delete it" in kept.reason
    with pytest.raises(RunError):
        found.remove()


def test_the_command_shows_deletes_and_explains(home: Path, set_rule) -> None:
    (home / "logs").mkdir(exist_ok=True)
    (home / "logs" / "old.log").write_text("line")
    os.utime(home / "logs" / "old.log", (0, 0))
    assert "No rule is set, so nothing is deleted" in here("clean", home=home).stderr
    set_rule("LOGS", 30)
    shown = here("clean", "--dry-run", home=home)
    assert shown.stdout.startswith("Would delete logs/old.log: ")
    assert "kept for 30 (BRAINSEG_KEEP_LOGS_DAYS)" in shown.stdout
    assert (home / "logs" / "old.log").exists()
    done = json.loads(here("clean", "--json", home=home).stdout)
    assert [each["what"] for each in done["expired"]] == ["logs/old.log"]
    assert (done["not_deleted"], done["dry_run"]) == ([], False)
    assert not (home / "logs" / "old.log").exists()
