"""Upgrades a run store on PostgreSQL that an older MLflow made, after copying it to another database of the server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from brainseg.errors import RunError
from brainseg.paths import home
from brainseg.runs.faults import explained_errors
from brainseg.runs.schema import check_server, head, server_revision

if TYPE_CHECKING:
    from sqlalchemy import Engine

_IN_USE = (
    "Other programs use the database that MLFLOW_TRACKING_URI names: stop the MLflow server, the dashboard and all "
    "workers, then run this command again."
)
_NO_RIGHT = (
    "The user in MLFLOW_TRACKING_URI may not make a database for the copy: copy the store with pg_dump, then "
    "upgrade it with `mlflow db upgrade`."
)
_FAILED = "MLflow cannot upgrade the run store ({}): it was left unchanged, and the database {} is a copy."


def upgrade_server(uri: str) -> str | None:
    """Upgrade a run store on a database server.

    Args:
        uri: Its address. No other program may be connected to it.

    Returns:
        The name of the database with the copy; None if the store is up to date.

    Raises:
        RunError: The store is newer, is not on PostgreSQL, is in use, or cannot be copied or upgraded.
        StoreError: The server does not answer, or refuses to.
    """
    from sqlalchemy import create_engine

    with explained_errors(home(), server=uri):
        if server_revision(uri) in (None, head()):
            return None
        check_server(uri, may_be_older=True)
        engine = create_engine(uri)
        try:
            copy = _copied(engine)
            _migrate(engine, copy)
        finally:
            engine.dispose()
        return copy


def _copied(engine: Engine) -> str:
    """Copy the database on its server, and return the name of the copy."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import DBAPIError

    name = str(engine.url.database)
    copy = f"{name}_before_{time.strftime('%Y%m%d_%H%M%S')}"
    # Nobody may be connected to a database that is copied, so the order comes from another one that every server has.
    other = create_engine(engine.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    quoted = other.dialect.identifier_preparer.quote
    try:
        with other.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {quoted(copy)} TEMPLATE {quoted(name)}"))
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", "")
        if state == "55006":  # object in use
            raise RunError(_IN_USE) from error
        if state == "42501":  # insufficient privilege
            raise RunError(_NO_RIGHT) from error
        raise
    finally:
        other.dispose()
    return copy


def _migrate(engine: Engine, copy: str) -> None:
    """Let MLflow upgrade the tables; PostgreSQL undoes all steps if one fails."""
    from mlflow.store.db.utils import _upgrade_db

    try:
        _upgrade_db(engine)  # type: ignore[no-untyped-call]
    except Exception as error:  # whatever a migration may raise
        why = next(iter(str(error).splitlines()), type(error).__name__)
        raise RunError(_FAILED.format(why, copy)) from error
