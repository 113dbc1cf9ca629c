"""Errors of a store's database, which any call may raise; each is turned into a clear message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from brainseg.errors import RunError
from brainseg.files import full_disk_as_disk_error
from brainseg.runs.schema import DAMAGED

_BROKEN = ("malformed", "file is not a database")


@contextmanager
def explained_errors(place: Path) -> Iterator[None]:
    """Turn a full disk and a damaged database into clear errors; any other error is passed on.

    Args:
        place: The database, or the open home folder.

    Raises:
        DiskError: The disk is full.
        RunError: The database is damaged.
    """
    try:
        yield
    except Exception as error:  # MLflow, SQLAlchemy and sqlite3 each raise their own
        if any(words in str(error) for words in _BROKEN):
            raise RunError(DAMAGED.format(place)) from error
        with full_disk_as_disk_error(place):
            raise


class GuardedClient:
    """An MLflow client whose methods raise the errors of `explained_errors`.

    Args:
        client: MLflow's client.
        place: As for `explained_errors`.
    """

    def __init__(self, client: Any, place: Path) -> None:  # noqa: ANN401 - its methods are passed on unchanged
        self._client, self._place = client, place

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Return the client's method, wrapped in `explained_errors`."""
        method = getattr(self._client, name)

        def guarded(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            with explained_errors(self._place):
                return method(*args, **kwargs)

        return guarded
