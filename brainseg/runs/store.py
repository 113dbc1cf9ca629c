"""`RunStore`: reads and writes runs through MLflow's plain client."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from brainseg import paths
from brainseg.config import RunConfig
from brainseg.errors import BrainsegError, BundleError, RunError
from brainseg.models.description import bundle_digest, read_description
from brainseg.models.sources import RUN, WEIGHTS
from brainseg.runs.artifacts import Files, LocalFiles, ServedFiles, is_served
from brainseg.runs.faults import ToldClient, told
from brainseg.runs.identity import Identity, holds_a_home, identify, settle
from brainseg.runs.labels import clean_name, clean_note
from brainseg.runs.opening import check, file_of, private_uri
from brainseg.runs.run import ENDED, NOTE, STATUSES, Kind, Run, from_mlflow, matching, moved_config
from brainseg.runs.run import PREFIX as _TAG
from brainseg.runs.snapshot import Snapshot, StoredRun

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun
    from mlflow.tracking import MlflowClient

EXPERIMENT = "brainseg"

_PAGE = 1000
_NO_RUN = "There is no run {!r}: `runs` lists those there are."


class RunStore:
    """Reads and writes runs. Making one costs seconds the first time, when SQLite's tables are created.

    MLflow, whose import takes seconds, is imported at the first writing, or where the store is no SQLite file of a
    known schema; see `runs.snapshot`.

    Raises:
        RunError: The store is damaged or cannot be reached.
    """

    def __init__(self) -> None:
        self.home = paths.home()
        own = private_uri(self.home)
        self.uri = os.environ.get("MLFLOW_TRACKING_URI") or own
        self.private = self.uri == own
        """Whether the store is this home's alone, so that all its runs are, even if made before the home moved."""
        self._snapshot = self._readable()
        if not self._snapshot:
            self.client, self.experiment = self._connect()
            self._snapshot = self._readable()
        self.files: Files = (
            ServedFiles(self.client, self.home, self.uri) if is_served(self.uri) else LocalFiles(self.home)
        )
        self.home_id = "" if self.private else self._settled()

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

    def _connect(self) -> tuple[MlflowClient, str]:
        # Two processes that create the tables at once would spoil each other's migration.
        try:
            with FileLock(self.home / "mlflow.lock"):
                check(self.uri)
                from mlflow.tracking import MlflowClient

                place = self._place()
                with told(place):
                    client: Any = ToldClient(MlflowClient(tracking_uri=self.uri), place)
                    return client, self._experiment(client)
        except BrainsegError:
            raise
        except Exception as error:  # MLflow, SQLAlchemy and the network each have their own
            # The address of a server may hold a password, so it is not shown.
            where = self.uri if self.uri.startswith("sqlite:") else "that MLFLOW_TRACKING_URI names"
            raise RunError(
                f"The run store {where} cannot be opened ({type(error).__name__}): check that it is reachable and "
                "whole, or choose another home with BRAINSEG_HOME."
            ) from error

    def _place(self) -> Path:
        """Return what faults of the store are told of: its file, or the open home."""
        return file_of(self.uri) if self.uri.startswith("sqlite:") else self.home

    def _readable(self) -> Snapshot | None:
        """Return what reads the store without MLflow; None where only MLflow can."""
        if not self.uri.startswith("sqlite:///"):
            return None
        place = paths.subfolder("runs").as_uri() if self.private else None
        snapshot = Snapshot(file_of(self.uri), EXPERIMENT, place)
        return snapshot if snapshot.usable() else None

    def create(self, config: RunConfig, name: str, status: str = "SCHEDULED", kind: Kind = "train") -> Run:
        """Make a run with a configuration."""
        tags = {
            _TAG + "config": config.model_dump_json(),
            _TAG + "kind": kind,
            _TAG + "host": str(self.home),
            _TAG + "home": self.home_id,
            _TAG + "queued": repr(time.time()),
        }
        from mlflow.entities import Param

        made = self.client.create_run(self.experiment, run_name=name, tags=tags)
        run_id = made.info.run_id
        params = [Param(key, str(value)[:500]) for key, value in config.flat().items()]
        self.client.log_batch(run_id, params=params)
        self.set_status(run_id, status)
        return self.get(run_id)

    def get(self, wanted: str) -> Run:
        """Return a run by its id, the start of its id (at least 4 digits) or its name.

        Raises:
            RunError: There is none, or more than one.
        """
        if len(wanted) == 32:
            return self._get(wanted)
        found = matching(self.list(), wanted)
        if not found:
            raise RunError(_NO_RUN.format(wanted))
        if len(found) > 1:
            raise RunError(f"{len(found)} runs match {wanted!r}: name one by its id, such as {found[0].id[:8]}.")
        return found[0]

    def _get(self, run_id: str) -> Run:
        found = self._one(run_id)
        if found is None or found.info.lifecycle_stage == "deleted":
            raise RunError(_NO_RUN.format(run_id))
        if not (run := self._read(found)):
            raise RunError(f"Run {run_id} was not made by this version of brainseg: it cannot be used here.")
        return run

    def _one(self, run_id: str) -> MlflowRun | StoredRun | None:
        if self._snapshot:
            with self._reading():
                return next(iter(self._snapshot.runs(run_id=run_id)), None)
        from mlflow.exceptions import MlflowException

        try:
            return self.client.get_run(run_id)
        except MlflowException:
            return None

    def list(self, statuses: Iterable[str] = STATUSES) -> list[Run]:
        """Return runs, newest first; those that this version of brainseg cannot read are left out."""
        wanted = list(statuses)
        found = (self._read(run) for run in self._all([] if set(wanted) == set(STATUSES) else wanted))
        return sorted((run for run in found if run), key=lambda run: run.created, reverse=True)

    def owns(self, run: Run) -> bool:
        """Say whether a run is this home's, to be trained and deleted here: several homes may share a store."""
        return run.home_folder == str(self.home) and run.home_id in ("", self.home_id)

    def _settled(self) -> str:
        """Return this home's id, after taking along its runs if the home was moved."""
        with FileLock(self.home / "home.lock"):
            identity = identify(self.home)
            if identity.path != str(self.home):
                self._take_along(identity)
                settle(self.home, identity)
            return identity.id

    def _take_along(self, old: Identity) -> None:
        ids = {old.id} if holds_a_home(Path(old.path)) else {old.id, ""}
        for run in self.list():
            if run.home_folder == old.path and run.home_id in ids:
                config = moved_config(run.config, Path(old.path), self.home)
                tags = {"host": str(self.home), "home": old.id, "config": config.model_dump_json()}
                self.set_tags(run.id, {_TAG + name: value for name, value in tags.items()})

    def _read(self, found: MlflowRun | StoredRun) -> Run | None:
        return from_mlflow(found, self.home if self.private else None)

    def _all(self, statuses: Sequence[str]) -> Iterator[MlflowRun | StoredRun]:
        """Return the stored runs of some statuses, or all if none is named."""
        if self._snapshot:
            with self._reading():
                yield from self._snapshot.runs(statuses)
            return
        # One question a status: a worker that asks for the waiting ones should not read all that ever ended.
        for question in [f"attributes.status = '{status}'" for status in statuses] or [""]:
            yield from self._search(question)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            with told(self._place()):
                yield
        except sqlite3.Error as error:
            raise RunError(
                f"The run store {self.uri} cannot be read ({error}): check that it is reachable and whole."
            ) from error

    def _search(self, question: str) -> Iterator[MlflowRun]:
        from mlflow.entities import ViewType

        token = None
        while True:
            page = self.client.search_runs(
                [self.experiment], question, ViewType.ACTIVE_ONLY, max_results=_PAGE, page_token=token
            )
            yield from page
            token = page.token
            if not token:
                return

    def set_status(self, run_id: str, status: str, reason: str = "") -> None:
        """Move a run to a status; an end takes the time and the reason with it."""
        began = {_TAG + "started": repr(time.time())} if status == "RUNNING" else {}
        self.set_tags(run_id, {_TAG + "reason": reason[:4000], **began})
        if status in ENDED:
            self.client.set_terminated(run_id, status)
        else:
            self.client.update_run(run_id, status=status)

    def set_tags(self, run_id: str, tags: dict[str, str]) -> None:
        """Set tags of a run."""
        from mlflow.entities import RunTag

        self.client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])

    def rename(self, run_id: str, name: str) -> None:
        """Give a run another name. Its bundle keeps the name that it was trained under.

        Raises:
            RunError: The name cannot be one, or another run has it: people and commands tell runs by their names.
        """
        name = clean_name(name)
        if other := next((run for run in self.list() if run.name == name and run.id != run_id), None):
            raise RunError(f"Run {other.id[:8]} is called {name!r} already: choose another name.")
        self.client.update_run(run_id, name=name)

    def write_note(self, run_id: str, note: str) -> None:
        """Write a note on a run, in place of the one that was there; "" removes it.

        Raises:
            RunError: It is too long.
        """
        self.set_tags(run_id, {NOTE: clean_note(note)})

    def tag(self, run_id: str, tags: dict[str, str]) -> None:
        """Give a run exactly these tags, from `labels.parse_tags`; those that it has besides are removed."""
        for key in self.get(run_id).tags.keys() - tags.keys():
            self.client.delete_tag(run_id, key)
        self.set_tags(run_id, tags)

    def promote(self, run_id: str) -> None:
        """Choose a run's model for Diagnose, in place of the one that was chosen before.

        Raises:
            RunError: The run has no model.
        """
        self.bundle(self.get(run_id))
        self.set_tags(run_id, {_TAG + "promoted": repr(time.time())})

    def requeue(self, run_id: str) -> None:
        """Put an ended run back into the queue, behind those that wait."""
        self.set_tags(run_id, {_TAG + "queued": repr(time.time())})
        self.set_status(run_id, "SCHEDULED")

    def log_metrics(self, run_id: str, metrics: dict[str, float], step: int = 0) -> None:
        """Store metrics; values that are no finite numbers are left out, since not every database takes them."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        kept = [Metric(key, float(value), now, step) for key, value in metrics.items() if value == value]
        self.client.log_batch(run_id, metrics=kept)

    def history(self, run_id: str, metric: str) -> dict[int, float]:
        """Return a metric's values by step."""
        return {point.step: point.value for point in self.client.get_metric_history(run_id, metric)}

    def log_folder(self, run_id: str, folder: Path, into: str | None = None) -> None:
        """Store all files of a folder with a run."""
        self.files.add_folder(run_id, folder, into or "")

    def log_file(self, run_id: str, file: Path) -> None:
        """Store one file with a run."""
        self.files.add_file(run_id, file)

    def path(self, run_id: str, name: str) -> Path:
        """Return where a stored file or folder of a run can be read, fetched first from a remote store.

        Raises:
            RunError: The run has no such file.
        """
        return self.files.find(run_id, name)

    def delete(self, run_id: str) -> None:
        """Remove an ended run from the store, and its files with it; nothing outside this home is touched.

        Raises:
            RunError: The run has not ended, its files lie outside this home, or they cannot be removed.
        """
        run = self._get(run_id)
        if run.status not in ENDED:
            raise RunError(f"Run {run.name!r} is {run.status}: stop it before it is deleted.")
        self.files.check_removable(run, owned=self.owns(run))
        self.client.delete_run(run_id)
        self.files.remove(run_id)

    def bundle(self, run: Run) -> Path:
        """Return the folder of a finished run's bundle.

        Raises:
            RunError: The run has none.
            BundleError: It is not the one that the training wrote.
        """
        if run.status != "FINISHED":
            raise RunError(f"Run {run.name!r} has no model: it is {run.status}, only a FINISHED run can be used.")
        if not run.has_model:
            raise RunError(f"Run {run.name!r} has no model: it only looked for a learning rate.")
        folder = self.path(run.id, "bundle")
        if run.bundle_digest:
            check_digest(run, bundle_digest(folder, read_description(folder)))
        return folder

    def record_bundle(self, run_id: str, digest: str) -> None:
        """Store which bundle a training wrote, so that a changed one is refused."""
        self.set_tags(run_id, {_TAG + "bundle": digest})

    def warm_start(self, config: RunConfig) -> Path | None:
        """Return the weights file that a configuration's `run:<id>` stands for; None where it names no run.

        Raises:
            RunError: There is no such run, or it has no model.
        """
        if not config.model.weights.startswith(RUN):
            return None
        return self.bundle(self.get(config.model.weights.removeprefix(RUN))) / WEIGHTS

    def _experiment(self, client: MlflowClient) -> str:
        place = paths.subfolder("runs").as_uri()
        found = client.get_experiment_by_name(EXPERIMENT)
        if found:
            if self.private and found.artifact_location != place:
                self._move_in(found.experiment_id, place)
            return found.experiment_id
        if is_served(self.uri):
            return client.create_experiment(EXPERIMENT)
        if self.private:
            # Write-ahead logging lets pages read while a training writes; SQLite keeps the setting in the file.
            with closing(sqlite3.connect(file_of(self.uri))) as database:
                database.execute("PRAGMA journal_mode=WAL")
        return client.create_experiment(EXPERIMENT, artifact_location=place)

    def _move_in(self, experiment: str, place: str) -> None:
        """Point a copied or moved store at its own files: MLflow's pages and `mlflow gc` would use the old place."""
        with closing(sqlite3.connect(file_of(self.uri), timeout=20)) as database, database:
            database.execute(
                "UPDATE runs SET artifact_uri = ? || '/' || run_uuid || '/artifacts' WHERE experiment_id = ?",
                (place, experiment),
            )
            database.execute(
                "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", (place, experiment)
            )


def check_digest(run: Run, digest: str) -> None:
    """Refuse a bundle that is not the one of its run.

    Args:
        run: It may have none recorded, as runs of earlier versions do: then nothing is refused.
        digest: Of the bundle that was found.

    Raises:
        BundleError: The two differ.
    """
    if run.bundle_digest and digest != run.bundle_digest:
        raise BundleError(
            f"The model of run {run.name!r} was changed after its training (its digest begins with {digest[:12]}, "
            f"recorded is {run.bundle_digest[:12]}): choose another run or train again."
        )
