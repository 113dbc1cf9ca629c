"""Errors of a store's database or server, which any call may raise; each is turned into a clear message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from brainseg.errors import BrainsegError, RunError
from brainseg.files import full_disk_as_disk_error
from brainseg.runs.schema import DAMAGED
from brainseg.runs.server_faults import server_fault, storage_fault

T = TypeVar("T")
Attempt = Callable[[Callable[[], T]], T]
"""Calls a function, and returns what it returns."""
_BROKEN = ("malformed", "file is not a database")
_OF_FILES = {"download_artifacts": "read", "list_artifacts": "read", "log_artifact": "store", "log_artifacts": "store"}
"""Methods of MLflow's client that work on files of runs -> what they do."""


@contextmanager
def explained_errors(place: Path, *, server: str = "", files: str = "") -> Iterator[None]:
    """Turn faults of a database or a server, and a full disk, into clear errors; any other error is passed on.

    Args:
        place: The database, or the open home folder.
        server: Address of the store if it is on a server; "" otherwise.
        files: What is done with files of runs on it: "read", "store" or "delete"; "" if it is not about files.

    Raises:
        DiskError: The disk is full.
        RunError: The database is damaged.
        StoreError: The server does not answer, or refuses to.
    """
    try:
        yield
    except BrainsegError:
        raise
    except Exception as error:  # MLflow, SQLAlchemy and sqlite3 each raise their own
        if any(words in str(error) for words in _BROKEN):
            raise RunError(DAMAGED.format(place)) from error
        if server and (fault := storage_fault(error, files, server) if files else server_fault(error)):
            raise fault from error
        with full_disk_as_disk_error(place):
            raise


class GuardedClient:
    """An MLflow client whose methods raise the errors of `explained_errors`.

    Args:
        client: MLflow's client.
        place: As for `explained_errors`, like the next one.
        server: As for `explained_errors`.
        attempt: Makes each call.
    """

    def __init__(self, client: Any, place: Path, server: str, attempt: Attempt[Any]) -> None:  # noqa: ANN401 - its methods are passed on unchanged
        self._client, self._place, self._server, self._attempt = client, place, server, attempt

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Return the client's method, wrapped in `explained_errors`."""
        method = getattr(self._client, name)

        def guarded(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            def call() -> Any:  # noqa: ANN401
                with explained_errors(self._place, server=self._server, files=_OF_FILES.get(name, "")):
                    return method(*args, **kwargs)

            return self._attempt(call)

        return guarded
