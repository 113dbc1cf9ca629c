"""Opens and reads a run store: directly from its SQLite file if possible, else through MLflow."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from brainseg import paths
from brainseg.errors import BrainsegError, RunError
from brainseg.imports import without_garbage_collection
from brainseg.runs.faults import Attempt, GuardedClient, explained_errors
from brainseg.runs.opening import check, file_of, private_uri
from brainseg.runs.served_files import is_served
from brainseg.runs.snapshot import Snapshot, StoredRun

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

EXPERIMENT = "brainseg"
_PAGE = 1000


class StoreConnection:
    """The database of a run store. The first connection takes seconds, since it creates SQLite's tables.

    MLflow, whose import takes seconds, is imported only at the first write, or if the store is not an SQLite file with
    a known schema; see `runs.snapshot`.

    Args:
        attempt: Makes each call to the database or server; by default it is made once.

    Raises:
        RunError: The store is damaged, or cannot be opened as it is.
        StoreError: Its server does not answer, or refuses to.
    """

    def __init__(self, attempt: Attempt[Any] | None = None) -> None:
        self._attempt: Attempt[Any] = attempt or (lambda call: call())
        self.home = paths.home()
        own = private_uri(self.home)
        self.uri = os.environ.get("MLFLOW_TRACKING_URI") or own
        self.private = self.uri == own
        """Whether the store and all its runs belong to this home alone, even runs made before the home moved."""
        self.server = self.uri if "://" in self.uri and not self.uri.startswith(("sqlite:", "file:")) else ""
        """Address of the server that has the store, and may not answer for a while; "" if it is a file."""
        self._snapshot = self._readable()
        if not self._snapshot:
            self.client, self.experiment = self._connect()
            self._snapshot = self._readable()

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's own client."""
        client, self.experiment = self._connect()
        return client

    @cached_property
    def experiment(self) -> str:
        """The id of the experiment that holds all runs."""
        self.client, experiment = self._connect()
        return experiment

    def stored_run(self, run_id: str) -> StoredRun | None:
        """Return a stored run by its full id, deleted or not; None if there is none."""
        if self._snapshot:
            with self._reading():
                return next(iter(self._snapshot.runs(run_id=run_id)), None)
        from mlflow.exceptions import MlflowException

        try:
            return StoredRun.of(self.client.get_run(run_id))
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise

    def stored_runs(self, statuses: Sequence[str] = ()) -> Iterator[StoredRun]:
        """Return the stored runs with some statuses, or with any if none is given; deleted runs are left out."""
        if self._snapshot:
            with self._reading():
                yield from self._snapshot.runs(statuses)
            return
        # One query per status: a worker that looks for waiting runs should not read all ended runs.
        for query in [f"attributes.status = '{status}'" for status in statuses] or [""]:
            yield from self._search(query)

    def statuses(self) -> dict[str, int]:
        """Return the number of runs by status, as they are stored; only those with any.

        From a file this takes a millisecond. From a server, all runs have to be asked for.
        """
        if self._snapshot:
            with self._reading():
                return self._snapshot.statuses()
        return dict(Counter(run.info.status for run in self.stored_runs()))

    def _connect(self) -> tuple[MlflowClient, str]:
        # Two processes that create the tables at the same time would break each other's migration.
        try:
            with FileLock(self.home / "mlflow.lock"):
                place = self._place()
                with explained_errors(place, server=self.server):
                    check(self.uri)
                with without_garbage_collection(), explained_errors(place, server=self.server):
                    from mlflow.tracking import MlflowClient

                    mlflow = MlflowClient(tracking_uri=self.uri)
                    client: Any = GuardedClient(mlflow, place, self.server, self._attempt)
                    return client, self._experiment(mlflow)  # not with `_attempt`, since the lock is held
        except BrainsegError:
            raise
        except Exception as error:  # MLflow, SQLAlchemy and the network each raise their own
            # The address of a server may hold a password, so it is not shown.
            where = self.uri if self.uri.startswith("sqlite:") else "that MLFLOW_TRACKING_URI names"
            raise RunError(
                f"The run store {where} cannot be opened ({type(error).__name__}): check that it is reachable and "
                "undamaged, or choose another home with BRAINSEG_HOME."
            ) from error

    def _place(self) -> Path:
        """Return the path to name in error messages: the store's file, or the open home."""
        return file_of(self.uri) if self.uri.startswith("sqlite:") else self.home

    def _readable(self) -> Snapshot | None:
        """Return a reader of the store that does not need MLflow; None if only MLflow can read it."""
        if not self.uri.startswith("sqlite:///"):
            return None
        place = paths.subfolder("runs").as_uri() if self.private else None
        snapshot = Snapshot(file_of(self.uri), EXPERIMENT, place)
        return snapshot if snapshot.usable() else None

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            with explained_errors(self._place()):
                yield
        except sqlite3.Error as error:
            raise RunError(
                f"The run store {self.uri} cannot be read ({error}): check that it is reachable and undamaged."
            ) from error

    def _search(self, query: str) -> Iterator[StoredRun]:
        from mlflow.entities import ViewType

        token = None
        while True:
            page = self.client.search_runs(
                [self.experiment], query, ViewType.ACTIVE_ONLY, max_results=_PAGE, page_token=token
            )
            yield from map(StoredRun.of, page)
            token = page.token
            if not token:
                return

    def _experiment(self, client: MlflowClient) -> str:
        place = paths.subfolder("runs").as_uri()
        found = client.get_experiment_by_name(EXPERIMENT)
        if found:
            if self.private and found.artifact_location != place:
                self._update_artifact_paths(found.experiment_id, place)
            return str(found.experiment_id)
        if is_served(self.uri):
            return str(client.create_experiment(EXPERIMENT))
        if self.private:
            # Write-ahead logging lets pages read while a training writes; SQLite stores the setting in the file.
            with closing(sqlite3.connect(file_of(self.uri))) as database:
                database.execute("PRAGMA journal_mode=WAL")
        return str(client.create_experiment(EXPERIMENT, artifact_location=place))

    def _update_artifact_paths(self, experiment: str, place: str) -> None:
        """Point a copied or moved store to its own files; MLflow's pages and `mlflow gc` would use the old paths."""
        with closing(sqlite3.connect(file_of(self.uri), timeout=20)) as database, database:
            database.execute(
                "UPDATE runs SET artifact_uri = ? || '/' || run_uuid || '/artifacts' WHERE experiment_id = ?",
                (place, experiment),
            )
            database.execute(
                "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", (place, experiment)
            )
