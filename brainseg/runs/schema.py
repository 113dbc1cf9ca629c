"""Checks the schema of a run store's database before MLflow opens it.

MLflow would upgrade an older store without asking and without a copy, and its error messages are hard to understand.
"""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock

from brainseg.errors import RunError
from brainseg.files import sqlite_copy

_MAGIC = b"SQLite format 3\0"
_NO_DATABASE = (
    "The run store {} is not a database: move that file away to start with an empty store, or choose another home with "
    "BRAINSEG_HOME."
)
DAMAGED = (
    "The run store {} is a damaged database: restore a copy of it, or move it away to start with an empty store; the "
    "files of its runs stay in the folder runs beside it."
)
_FOREIGN = "The run store {} is a database of another program: choose another home with BRAINSEG_HOME."
_OLDER = (
    "The run store {} was made by an older MLflow: run `python -m brainseg doctor --upgrade-store`, which copies it "
    "and then upgrades it."
)
_NEWER = (
    "The run store {} was made by a newer MLflow than the installed version {}: upgrade MLflow, or choose another home "
    "with BRAINSEG_HOME."
)
_OLDER_SERVER = (
    "The database that MLFLOW_TRACKING_URI names was made by an older MLflow: copy it with the database's own tools, "
    "then upgrade it with `mlflow db upgrade`."
)
_OLDER_POSTGRES = (
    "The database that MLFLOW_TRACKING_URI names was made by an older MLflow: stop all programs that use it, then run "
    "`python -m brainseg doctor --upgrade-store`, which copies it and then upgrades it."
)
_NEWER_SERVER = (
    "The database that MLFLOW_TRACKING_URI names was made by a newer MLflow than the installed version {}: upgrade "
    "MLflow on this machine."
)


_POSTGRES, _BEGIN = "brainseg[postgres]", ", and let the address begin with postgresql+psycopg://"


def check_file(file: Path) -> None:
    """Refuse an SQLite store that MLflow cannot open without a change; a missing or empty file is fine.

    Raises:
        RunError: The file is not a database, is damaged, or belongs to another program or an older or newer MLflow.
    """
    if not file.exists() or file.stat().st_size == 0:
        return
    revision = _revision(file)
    if revision is None or revision == head():
        return
    raise RunError(_OLDER.format(file) if revision in _known() else _NEWER.format(file, metadata.version("mlflow")))


def check_server(uri: str, *, may_be_older: bool = False) -> None:
    """Refuse a store on a database server whose schema is older or newer; a store without tables is fine.

    Args:
        uri: Its address.
        may_be_older: Accept one on PostgreSQL that is older, since it is about to be upgraded.

    Raises:
        RunError: The schema differs, or the driver for the server is not installed.
        sqlalchemy.exc.SQLAlchemyError: The server cannot be reached.
    """
    revision, postgres = server_revision(uri), uri.startswith("postgres")
    if revision in (None, head()) or (may_be_older and postgres and revision in _known()):
        return
    older = _OLDER_POSTGRES if postgres else _OLDER_SERVER
    raise RunError(older if revision in _known() else _NEWER_SERVER.format(metadata.version("mlflow")))


def server_revision(uri: str) -> str | None:
    """Return the schema version of a store on a database server; None if it has no tables.

    Raises:
        RunError: The driver for the server is not installed.
        sqlalchemy.exc.SQLAlchemyError: The server cannot be reached.
    """
    from sqlalchemy import create_engine, inspect, text

    try:
        engine = create_engine(uri)
    except ModuleNotFoundError as error:
        extra, begin = (_POSTGRES, _BEGIN) if uri.startswith("postgresql") else (str(error.name), "")
        raise RunError(
            f"The run store that MLFLOW_TRACKING_URI names needs the driver {error.name}, which is not installed: "
            f"install one with `pip install '{extra}'`{begin}."
        ) from error
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            return None if found is None else str(found)
    finally:
        engine.dispose()


def upgrade(file: Path) -> Path | None:
    """Upgrade an SQLite store of an older MLflow, after copying it to the same folder.

    Args:
        file: The database. It is unchanged if the upgrade fails.

    Returns:
        The path of the copy; None if the store is up to date.

    Raises:
        RunError: The store is newer, damaged or not a database, or MLflow cannot upgrade it.
    """
    with FileLock(file.with_suffix(".lock")):
        if not file.exists() or (revision := _revision(file)) in (None, head()):
            return None
        if revision not in _known():
            check_file(file)
        copy = file.with_name(f"{file.name}.before-{time.strftime('%Y%m%d-%H%M%S')}")
        sqlite_copy(file, copy)
        try:
            _migrate(file)
        except Exception as error:  # whatever a migration may raise
            for part in (file, *(file.with_name(file.name + ending) for ending in ("-wal", "-shm"))):
                part.unlink(missing_ok=True)
            sqlite_copy(copy, file)
            raise RunError(
                f"MLflow cannot upgrade the run store {file} ({_first_line(error)}): it was left unchanged, and {copy} "
                "is a copy."
            ) from error
        return copy


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _migrate(file: Path) -> None:
    from mlflow.store.db.utils import _upgrade_db, create_sqlalchemy_engine_with_retry

    engine = create_sqlalchemy_engine_with_retry(f"sqlite:///{file}")  # type: ignore[no-untyped-call]
    try:
        _upgrade_db(engine)  # type: ignore[no-untyped-call]
    finally:
        engine.dispose()
    if _revision(file) != head():
        raise RunError("its schema did not change")


def _revision(file: Path) -> str | None:
    """Return the schema version of an SQLite store; None if it has no tables."""
    try:
        # Not opened as a plain file while it may be in use: closing that would release the locks of this process.
        with closing(sqlite3.connect(file, timeout=20)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "alembic_version" in tables:
                found = database.execute("SELECT version_num FROM alembic_version").fetchone()
                if found:
                    return str(found[0])
    except sqlite3.DatabaseError as error:
        if "not a database" in str(error) and not _has_sqlite_header(file):
            raise RunError(_NO_DATABASE.format(file)) from error
        if "locked" in str(error) or "unable to open" in str(error):
            raise RunError(
                f"The run store {file} cannot be opened ({error}): check that you may read it and that "
                "no other program uses it."
            ) from error
        raise RunError(DAMAGED.format(file)) from error
    if tables:
        raise RunError(_FOREIGN.format(file))
    return None


def _has_sqlite_header(file: Path) -> bool:
    """Return whether a file begins like an SQLite database."""
    with file.open("rb") as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


@cache
def head() -> str:
    """Return the schema version of the installed MLflow."""
    parents = set(_known().values())
    return next(revision for revision in _known() if revision not in parents)


@cache
def _known() -> dict[str, str]:
    """Return each schema version of the installed MLflow with the one before it, without importing MLflow."""
    spec = find_spec("mlflow")
    folders = spec.submodule_search_locations if spec else None
    known = {}
    for file in Path(next(iter(folders or []))).glob("store/db_migrations/versions/*.py"):
        values = dict(re.findall(r"^(revision|down_revision)\b[^=\n]*=\s*[\"']?(\w+)", file.read_text("utf-8"), re.M))
        if "revision" in values:
            known[values["revision"]] = values.get("down_revision", "")
    return known
