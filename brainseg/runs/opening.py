"""Checks before MLflow opens a store: each fault gets a clear message, and none takes minutes."""

from __future__ import annotations

from pathlib import Path

from brainseg.errors import UnreachableStoreError
from brainseg.runs.schema import check_file, check_server
from brainseg.runs.served_files import is_served
from brainseg.runs.server_faults import timeout

_SQLITE = "sqlite:///"


def private_uri(home: Path) -> str:
    """Return the address of a home folder's own store."""
    return f"{_SQLITE}{home / 'mlflow.db'}"


def file_of(uri: str) -> Path:
    """Return the file of an SQLite store."""
    return Path(uri.removeprefix(_SQLITE))


def check(uri: str) -> None:
    """Refuse a store that cannot be opened as it is.

    Raises:
        RunError: The schema differs, the file is damaged or not a database, or a driver is missing.
        UnreachableStoreError: The server does not answer in time.
    """
    if uri.startswith(_SQLITE):
        check_file(file_of(uri))
    elif is_served(uri):
        _check_answer(uri)
    elif "://" in uri and not uri.startswith("file:"):
        check_server(uri)


def _check_answer(uri: str) -> None:
    """Check that a server answers: MLflow would repeat its requests to a silent server."""
    import requests

    try:
        requests.get(f"{uri.rstrip('/')}/health", timeout=timeout())
    except requests.Timeout as error:
        raise UnreachableStoreError(
            f"The MLflow server that MLFLOW_TRACKING_URI names did not answer within {timeout():g} seconds: check "
            "that it is running, or unset MLFLOW_TRACKING_URI to use this home's own store."
        ) from error
