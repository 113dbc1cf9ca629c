"""Faults of a store's database. Any call may raise one, and each becomes a sentence of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from brainseg.errors import RunError
from brainseg.files import full_disk_told
from brainseg.runs.schema import DAMAGED

_BROKEN = ("malformed", "file is not a database")


@contextmanager
def explained(place: Path) -> Iterator[None]:
    """Turn a full disk and a damaged database into their sentences; any other fault passes through.

    Args:
        place: The database, or the folder that is open.

    Raises:
        DiskError: The disk is full.
        RunError: The database is damaged.
    """
    try:
        yield
    except Exception as error:  # MLflow, SQLAlchemy and sqlite3 each have their own
        if any(words in str(error) for words in _BROKEN):
            raise RunError(DAMAGED.format(place)) from error
        with full_disk_told(place):
            raise


class GuardedClient:
    """A client of MLflow whose methods raise the sentences of `explained`.

    Args:
        client: MLflow's own.
        place: As for `explained`.
    """

    def __init__(self, client: Any, place: Path) -> None:  # noqa: ANN401 - its methods are passed on as they are
        self._client, self._place = client, place

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Return the client's method, guarded."""
        method = getattr(self._client, name)

        def guarded(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            with explained(self._place):
                return method(*args, **kwargs)

        return guarded
