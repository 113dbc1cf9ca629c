"""The run store: MLflow, with SQLite under the home folder unless `MLFLOW_TRACKING_URI` names another.

A run's status in the store is the queue: SCHEDULED, RUNNING, FINISHED, FAILED or KILLED.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlparse
from urllib.request import url2pathname

from filelock import FileLock

from brainseg import paths
from brainseg.config import RunConfig
from brainseg.errors import ConfigError, RunError
from brainseg.models.sources import RUN, WEIGHTS

# Nothing is sent anywhere behind the user's back; MLflow reads this when it is imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
# Its own patience with a server that does not answer is minutes: people would take that for a hang.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
logging.getLogger("alembic").setLevel(logging.WARNING)

from mlflow.entities import Metric, Param, RunTag, ViewType  # noqa: E402
from mlflow.entities import Run as MlflowRun  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402

EXPERIMENT = "brainseg"
Kind = Literal["train", "find-lr"]
STATUSES = ("SCHEDULED", "RUNNING", "FINISHED", "FAILED", "KILLED")
ENDED = ("FINISHED", "FAILED", "KILLED")
FINAL = "final_"
"""Prefix of the metrics of a finished run; the same names without it are those of each epoch."""

_TAG = "brainseg."
_PAGE = 1000
_NO_FILE = "The run has no {}: it did not get so far, or its files were removed."


@dataclass(frozen=True)
class Run:
    """One run as the store knows it.

    Attributes:
        id: 32 hexadecimal digits.
        name: What the user called it.
        status: One of `STATUSES`.
        config: Its configuration.
        created: When it was made, in UTC.
        ended: When it ended; None while it has not.
        metrics: Latest value of each metric.
        reason: Why it failed or was stopped; "" otherwise.
        host: The home folder whose worker runs it.
        queued: When it was put into the queue last, in seconds since 1970.
        kind: "train", or "find-lr" for a learning-rate finder alone, which leaves no model.
        promoted: When a person chose its model for Diagnose, in seconds since 1970; 0 if nobody did.
        tags: The tags that users set.
    """

    id: str
    name: str
    status: str
    config: RunConfig
    created: datetime
    ended: datetime | None
    metrics: dict[str, float]
    reason: str
    host: str
    queued: float
    kind: Kind = "train"
    promoted: float = 0.0
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def has_model(self) -> bool:
        """Whether the run ended with a model that can diagnose."""
        return self.status == "FINISHED" and self.kind == "train"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {
            "run_id": self.id,
            "name": self.name,
            "kind": self.kind,
            "status": self.status,
            "reason": self.reason,
            "arch": self.config.model.arch,
            "head": self.config.model.head,
            "preset": self.config.preset,
            "data": self.config.data.path,
            "split": self.config.data.split,
            "created": self.created.isoformat(timespec="seconds"),
            "ended": self.ended.isoformat(timespec="seconds") if self.ended else None,
            "metrics": self.metrics,
        }


class RunStore:
    """Reads and writes runs. Making one costs seconds the first time, when SQLite's tables are created.

    Raises:
        RunError: The store is damaged or cannot be reached.
    """

    def __init__(self) -> None:
        self.home = paths.home()
        self.uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{self.home / 'mlflow.db'}"
        # Two processes that create the tables at once would spoil each other's migration.
        try:
            with FileLock(self.home / "mlflow.lock"):
                self.client = MlflowClient(tracking_uri=self.uri)
                self.experiment = self._experiment()
        except Exception as error:  # MLflow, SQLAlchemy and the network each have their own
            # The address of a server may hold a password, so it is not shown.
            where = self.uri if self.uri.startswith("sqlite:") else "that MLFLOW_TRACKING_URI names"
            raise RunError(
                f"The run store {where} cannot be opened ({type(error).__name__}): check that it is reachable and "
                "whole, or choose another home with BRAINSEG_HOME."
            ) from error

    def create(self, config: RunConfig, name: str, status: str = "SCHEDULED", kind: Kind = "train") -> Run:
        """Make a run with a configuration."""
        tags = {
            _TAG + "config": config.model_dump_json(),
            _TAG + "kind": kind,
            _TAG + "host": str(self.home),
            _TAG + "queued": repr(time.time()),
        }
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
            try:
                found = self.client.get_run(wanted)
            except MlflowException as error:
                raise RunError(f"There is no run {wanted!r}: `runs` lists those there are.") from error
            if not (run := _run(found)):
                raise RunError(f"Run {wanted} was not made by this version of brainseg: it cannot be used here.")
            return run
        runs = self.list()
        found = [run for run in runs if run.name == wanted]
        if not found and len(wanted) >= 4:
            found = [run for run in runs if run.id.startswith(wanted)]
        if not found:
            raise RunError(f"There is no run {wanted!r}: `runs` lists those there are.")
        if len(found) > 1:
            raise RunError(f"{len(found)} runs match {wanted!r}: name one by its id, such as {found[0].id[:8]}.")
        return found[0]

    def list(self, statuses: Iterable[str] = STATUSES) -> list[Run]:
        """Return runs, newest first; those that this version of brainseg cannot read are left out."""
        wanted = list(statuses)
        # One question a status: a worker that asks for the waiting ones should not read all that ever ended.
        filters = [""] if set(wanted) == set(STATUSES) else [f"attributes.status = '{status}'" for status in wanted]
        found = (_run(run) for question in filters for run in self._search(question))
        return sorted((run for run in found if run), key=lambda run: run.created, reverse=True)

    def _search(self, question: str) -> Iterator[MlflowRun]:
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
        self.set_tags(run_id, {_TAG + "reason": reason[:4000]})
        if status in ENDED:
            self.client.set_terminated(run_id, status)
        else:
            self.client.update_run(run_id, status=status)

    def set_tags(self, run_id: str, tags: dict[str, str]) -> None:
        """Set tags of a run."""
        self.client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])

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
        now = int(time.time() * 1000)
        kept = [Metric(key, float(value), now, step) for key, value in metrics.items() if value == value]
        self.client.log_batch(run_id, metrics=kept)

    def history(self, run_id: str, metric: str) -> dict[int, float]:
        """Return a metric's values by step."""
        return {point.step: point.value for point in self.client.get_metric_history(run_id, metric)}

    def log_folder(self, run_id: str, folder: Path, into: str | None = None) -> None:
        """Store all files of a folder with a run."""
        self.client.log_artifacts(run_id, str(folder), into)

    def log_file(self, run_id: str, file: Path) -> None:
        """Store one file with a run."""
        self.client.log_artifact(run_id, str(file))

    def path(self, run_id: str, name: str) -> Path:
        """Return where a stored file or folder of a run can be read, fetched first from a remote store.

        Raises:
            RunError: The run has no such file.
        """
        root = self.client.get_run(run_id).info.artifact_uri
        try:
            if root.startswith("file:"):
                found = Path(url2pathname(urlparse(root).path)) / name
            else:
                found = Path(self.client.download_artifacts(run_id, name, str(self._cache(run_id))))
        except (MlflowException, OSError) as error:
            raise RunError(_NO_FILE.format(name)) from error
        if not found.exists():
            raise RunError(_NO_FILE.format(name))
        return found

    def bundle(self, run: Run) -> Path:
        """Return the folder of a finished run's bundle.

        Raises:
            RunError: The run has none.
        """
        if run.status != "FINISHED":
            raise RunError(f"Run {run.name!r} has no model: it is {run.status}, only a FINISHED run can be used.")
        if not run.has_model:
            raise RunError(f"Run {run.name!r} has no model: it only looked for a learning rate.")
        return self.path(run.id, "bundle")

    def warm_start(self, config: RunConfig) -> Path | None:
        """Return the weights file that a configuration's `run:<id>` stands for; None where it names no run.

        Raises:
            RunError: There is no such run, or it has no model.
        """
        if not config.model.weights.startswith(RUN):
            return None
        return self.bundle(self.get(config.model.weights.removeprefix(RUN))) / WEIGHTS

    def _cache(self, run_id: str) -> Path:
        return paths.subfolder("cache", "artifacts", run_id)

    def _experiment(self) -> str:
        found = self.client.get_experiment_by_name(EXPERIMENT)
        if found:
            return found.experiment_id
        if not self.uri.startswith("sqlite:"):
            return self.client.create_experiment(EXPERIMENT)
        # Write-ahead logging lets pages read while a training writes; SQLite keeps the setting in the file.
        with sqlite3.connect(self.uri.removeprefix("sqlite:///")) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        return self.client.create_experiment(EXPERIMENT, artifact_location=paths.subfolder("runs").as_uri())


def _run(found: MlflowRun) -> Run | None:
    """Return a stored run; None for one that something else, or another version, wrote into the same store."""
    tags = found.data.tags
    try:
        config = RunConfig.parse(json.loads(tags[_TAG + "config"]))
    except (KeyError, ValueError, ConfigError):
        return None
    return Run(
        id=found.info.run_id,
        name=found.info.run_name or found.info.run_id[:8],
        status=found.info.status,
        config=config,
        created=datetime.fromtimestamp(found.info.start_time / 1000, UTC),
        ended=datetime.fromtimestamp(found.info.end_time / 1000, UTC) if found.info.end_time else None,
        metrics=dict(found.data.metrics),
        reason=tags.get(_TAG + "reason", ""),
        host=tags.get(_TAG + "host", ""),
        queued=float(tags.get(_TAG + "queued", 0)),
        kind="find-lr" if tags.get(_TAG + "kind") == "find-lr" else "train",
        promoted=float(tags.get(_TAG + "promoted", 0)),
        tags={key: value for key, value in tags.items() if not key.startswith(("mlflow.", _TAG))},
    )
