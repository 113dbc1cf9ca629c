"""What is looked at before MLflow opens a store, so that each fault gets its own sentence, and none takes minutes."""

from __future__ import annotations

import os
from pathlib import Path

from brainseg.errors import RunError
from brainseg.runs.artifacts import is_served
from brainseg.runs.schema import check_file, check_server

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
        RunError: Its schema is another, it is damaged or no database, a driver is missing, or a server is silent.
    """
    if uri.startswith(_SQLITE):
        check_file(file_of(uri))
    elif is_served(uri):
        _check_answer(uri)
    elif "://" in uri and not uri.startswith("file:"):
        check_server(uri)


def _check_answer(uri: str) -> None:
    """Ask a server for a sign of life: MLflow would ask a silent one again and again."""
    import requests

    patience = float(os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"])
    try:
        requests.get(f"{uri.rstrip('/')}/health", timeout=patience)
    except requests.Timeout as error:
        raise RunError(
            f"The MLflow server that MLFLOW_TRACKING_URI names has not answered within {patience:g} seconds: check "
            "that it runs, or unset MLFLOW_TRACKING_URI to use this home's own store."
        ) from error
