"""Errors of a run store on a server: which of them pass by themselves, and what a user can do about the others."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from brainseg.errors import StoreError, UnreachableStoreError

_UNREACHABLE = (
    "The run store that MLFLOW_TRACKING_URI names does not answer: check that its server is running and can be reached."
)
_FAILING = (
    "The MLflow server that MLFLOW_TRACKING_URI names fails: its log says why; often its own database does not answer."
)
_REFUSED = (
    "The MLflow server that MLFLOW_TRACKING_URI names refuses this user: check MLFLOW_TRACKING_USERNAME and "
    "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN."
)
_REFUSED_DATABASE = (
    "The database that MLFLOW_TRACKING_URI names refuses the connection ({}): check the user, the password and the "
    "name of the database."
)
_STORAGE = (
    "The MLflow server cannot {} the files of its runs: its log says why; check that the bucket or the folder of its "
    "--artifacts-destination exists and that the server may use it."
)
_FATAL = re.compile(r"FATAL:\s+(.*(?:password authentication|does not exist|no pg_hba).*)")
"""What PostgreSQL says if it will not let this user in, however often it is asked."""


def server_fault(error: BaseException) -> StoreError | None:
    """Return the error to raise for what a call to a server raised; None if the server is not at fault.

    Args:
        error: What MLflow's client or SQLAlchemy raised. Neither message is shown: it may hold the server's address,
            and so its password.
    """
    for each in _causes(error):
        if (known := _known(each)) is not None:
            return known
    return None


def storage_fault(error: BaseException, what: str, uri: str) -> StoreError | None:
    """Return the error to raise if a server could not work on files of runs; None if it is not at fault.

    Args:
        error: What MLflow's client raised.
        what: What was to be done: "read", "store" or "delete".
        uri: Address of the server.
    """
    import requests

    if isinstance(error, ImportError | OSError) and not isinstance(error, requests.RequestException):
        return None  # of this machine: a driver is missing, or its disk is full
    found = server_fault(error)
    # If its storage fails, MLflow's server answers with an error or breaks off the connection, and is well otherwise.
    if isinstance(found, UnreachableStoreError) and not server_answers(uri):
        return found
    return StoreError(_STORAGE.format(what))


def server_answers(uri: str) -> bool:
    """Return whether an MLflow server answers at all, as far as one request can show."""
    import requests

    try:
        return requests.get(f"{uri.rstrip('/')}/health", timeout=timeout()).ok
    except requests.RequestException:
        return False


def timeout() -> float:
    """Return the seconds to wait for an answer of a server."""
    return float(os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"])


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Give an error and those behind it: MLflow puts its own in front of those of its libraries."""
    seen: set[int] = set()
    next_one: BaseException | None = error
    while next_one is not None and id(next_one) not in seen:
        seen.add(id(next_one))
        yield next_one
        next_one = next_one.__cause__ or next_one.__context__


def _known(error: BaseException) -> StoreError | None:
    import requests
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import InterfaceError, OperationalError

    if isinstance(error, requests.exceptions.RetryError):  # it answered, but with errors only
        return UnreachableStoreError(_FAILING)
    if isinstance(error, requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError):
        return UnreachableStoreError(_UNREACHABLE)
    if isinstance(error, OperationalError | InterfaceError) and "sqlite" not in str(error):
        refused = _FATAL.search(str(error))
        return StoreError(_REFUSED_DATABASE.format(refused[1])) if refused else UnreachableStoreError(_UNREACHABLE)
    if isinstance(error, MlflowException):
        return _named(str(error.error_code), error.get_http_status_code())  # type: ignore[no-untyped-call]
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return _named("", error.response.status_code)
    return None


def _named(code: str, status: int) -> StoreError | None:
    if code in ("TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED") or status in (502, 503, 504):
        return UnreachableStoreError(_FAILING)
    if status in (401, 403):
        return StoreError(_REFUSED)
    return None
