"""Faulty run stores: each fault has its own message, and no store is changed by the check."""

from __future__ import annotations

import socket
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from mlflow.store.db.utils import _get_alembic_config, _get_latest_schema_revision
from mlflow.store.tracking.dbmodels.initial_models import Base
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from brainseg.cli.app import app
from brainseg.errors import RunError, StoreError
from brainseg.files import sha256_file, sqlite_copy
from brainseg.runs import RunStore, schema

OLD = "acf3f17fdcc7"
"""A schema of MLflow 2, which has fewer tables than the current one."""


def refusal() -> str:
    with pytest.raises((RunError, StoreError)) as refused:
        RunStore()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def older_store(uri: str, tags: dict[str, str]) -> None:
    """Make a store by MLflow's own steps up to an older schema, with one finished run in it."""
    run_id = "a" * 32
    named = {"mlflow.runName": "old", **tags}
    engine = create_engine(uri)
    Base.metadata.create_all(engine)
    config = _get_alembic_config(uri)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, OLD)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO experiments VALUES (1, 'brainseg', 'file:///old/runs', 'active', 1, 1)"))
        connection.execute(
            text(
                "INSERT INTO runs (run_uuid, name, source_type, status, start_time, end_time, lifecycle_stage, "
                "artifact_uri, experiment_id, user_id) "
                "VALUES (:run, 'old', 'LOCAL', 'FINISHED', 1, 2, 'active', 'file:///old/runs/x', 1, 'me')"
            ),
            {"run": run_id},
        )
        connection.execute(
            text("INSERT INTO tags (key, value, run_uuid) VALUES (:key, :value, :run)"),
            [{"key": key, "value": value, "run": run_id} for key, value in named.items()],
        )
    engine.dispose()


def test_the_schema_is_read_as_mlflow_knows_it() -> None:
    assert schema.head() == _get_latest_schema_revision()


def test_an_older_store_is_refused_and_upgraded_after_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config
) -> None:
    home = tmp_path / "a home"
    home.mkdir()
    monkeypatch.setenv("BRAINSEG_HOME", str(home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    older_store(
        f"sqlite:///{home / 'mlflow.db'}", {"brainseg.config": config().model_dump_json(), "brainseg.host": str(home)}
    )
    before = sha256_file(home / "mlflow.db")
    assert "older MLflow: run `python -m brainseg doctor --upgrade-store`, which copies" in refusal()
    assert sha256_file(home / "mlflow.db") == before
    assert "Upgraded" in CliRunner().invoke(app, ["doctor", "--upgrade-store"]).output
    assert [(run.name, run.status) for run in RunStore().list()] == [("old", "FINISHED")]
    (copy,) = home.glob("mlflow.db.before-*")
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchone() == (OLD,)
    assert "up to date" in CliRunner().invoke(app, ["doctor", "--upgrade-store"]).output


def test_an_upgrade_that_fails_leaves_the_store_as_it_was(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A conflicting table stops MLflow's own steps half-way."""
    file = tmp_path / "mlflow.db"
    older_store(f"sqlite:///{file}", {})
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE webhooks (mine TEXT)")
        rows = list(database.iterdump())
    with pytest.raises(RunError, match=r"cannot upgrade the run store .* it was left unchanged"):
        schema.upgrade(file)
    with closing(sqlite3.connect(file)) as database:
        assert list(database.iterdump()) == rows


def newer(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'fedcba987654'")


def damaged(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])


def foreign(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE birds (name TEXT)")


def no_database(file: Path) -> None:
    file.write_text("name,label\n" * 50)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (newer, "was made by a newer MLflow than the installed version 3."),
        (damaged, "is a damaged database: restore a copy of it"),
        (cut_short, "is a damaged database: restore a copy of it"),
        (foreign, "is a database of another program"),
        (no_database, "is not a database: move that file away"),
    ],
)
def test_each_fault_of_a_store_has_its_own_sentence(home: Path, change: Callable[[Path], None], sentence: str) -> None:
    sqlite_copy(home / "mlflow.db", home / "whole.db")
    for ending in ("", "-wal", "-shm"):
        (home / f"mlflow.db{ending}").unlink(missing_ok=True)
    (home / "whole.db").rename(home / "mlflow.db")
    change(home / "mlflow.db")
    before = sha256_file(home / "mlflow.db")
    assert sentence in refusal()
    with pytest.raises(RunError):
        schema.upgrade(home / "mlflow.db")
    assert sha256_file(home / "mlflow.db") == before


def test_damage_inside_is_told_from_other_faults(home: Path, config) -> None:
    store = RunStore()
    store.create(config(), "one")
    with closing(sqlite3.connect(home / "mlflow.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page, size = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'runs'").fetchone()[0], 4096
    with (home / "mlflow.db").open("r+b") as stream:
        stream.seek((page - 1) * size)
        stream.write(b"\xff" * size)
    with pytest.raises(RunError, match="is a damaged database"):
        RunStore().list()


def test_an_empty_file_becomes_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schema.check_file(tmp_path / "nothing")
    (tmp_path / "empty").touch()
    schema.check_file(tmp_path / "empty")


def test_a_silent_server_is_given_up_soon(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://user:secret@127.0.0.1:{silent.getsockname()[1]}")
        message = refusal()
    assert "did not answer within 1 seconds" in message
    assert "secret" not in message


def test_a_missing_driver_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("psycopg", "psycopg2"):
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://user:secret@127.0.0.1/runs")
    message = refusal()
    assert "needs the driver psycopg" in message
    assert "brainseg[postgres]" in message
    assert "begin with postgresql+psycopg://" in message
    assert "secret" not in message
