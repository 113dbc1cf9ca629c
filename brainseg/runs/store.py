"""`RunStore`: reads and writes runs."""

from __future__ import annotations

import math
import time
from pathlib import Path

from filelock import FileLock

from brainseg.config import RunConfig
from brainseg.errors import BundleError, RunError
from brainseg.models.description import bundle_digest, read_description
from brainseg.models.sources import RUN, WEIGHTS
from brainseg.runs.artifacts import Files, LocalFiles, ServedFiles, is_served
from brainseg.runs.identity import Identity, holds_a_home, identify, settle
from brainseg.runs.labels import clean_name, clean_note
from brainseg.runs.lookup import RunReader
from brainseg.runs.migrations import PREFIX as _TAG
from brainseg.runs.migrations import SCHEMA, migrated
from brainseg.runs.reading import read_run
from brainseg.runs.run import ENDED, NOTE, Kind, Run, moved_config
from brainseg.runs.run_end import EndKind


class RunStore(RunReader):
    """Reads and writes runs; see `runs.connection` for what opening one costs and raises."""

    def __init__(self) -> None:
        super().__init__()
        self.files: Files = (
            ServedFiles(self.client, self.home, self.uri) if is_served(self.uri) else LocalFiles(self.home)
        )
        if not self.private:
            self.home_id = self._settled()

    def create(self, config: RunConfig, name: str, status: str = "SCHEDULED", kind: Kind = "train") -> Run:
        """Make a run with a configuration."""
        tags = {
            _TAG + "config": config.model_dump_json(),
            _TAG + "kind": kind,
            _TAG + "host": str(self.home),
            _TAG + "home": self.home_id,
            _TAG + "queued": repr(time.time()),
            _TAG + "schema": str(SCHEMA),
        }
        from mlflow.entities import Param

        made = self.client.create_run(self.experiment, run_name=name, tags=tags)
        run_id = made.info.run_id
        params = [Param(key, str(value)[:500]) for key, value in config.flat().items()]
        self.client.log_batch(run_id, params=params)
        self.set_status(run_id, status)
        return self.get(run_id)

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
        for stored in self.stored_runs():
            run = read_run(stored)
            if run.home_folder == old.path and run.home_id in ids:
                tags = {_TAG + "host": str(self.home), _TAG + "home": old.id}
                if isinstance(run, Run):
                    config = moved_config(run.config, Path(old.path), self.home).model_dump_json()
                    # Settings are written as this brainseg names them, so all else has to be of its schema too.
                    tags = {**_own(migrated(stored.data.tags)), **tags, _TAG + "config": config}
                    tags[_TAG + "schema"] = str(SCHEMA)
                self.set_tags(run.id, tags)

    def set_status(
        self, run_id: str, status: str, reason: str = "", kind: EndKind | None = None, log_tail: str = ""
    ) -> None:
        """Move a run to a status.

        Args:
            run_id: The run.
            status: One of `STATUSES`.
            reason: Why it ended, in one sentence.
            kind: Why it ended, for programs.
            log_tail: The last lines of its log, where they are all that is known.
        """
        if kind is None and status in ENDED:
            kind = EndKind.FINISHED if status == "FINISHED" else EndKind.UNKNOWN
        tags = {"reason": reason[:4000], "end": kind.value if kind else "", "log_tail": log_tail[-4000:]}
        if status == "RUNNING":
            tags["started"] = repr(time.time())
        self.set_tags(run_id, {_TAG + name: value for name, value in tags.items()})
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
            RunError: The name cannot be one, or another run has it: people and commands name runs by it.
        """
        name = clean_name(name)
        if other := next((run for run in self.entries() if run.name == name and run.id != run_id), None):
            raise RunError(f"Run {other.id[:8]} is called {name!r} already: choose another name.")
        self.client.update_run(run_id, name=name)

    def write_note(self, run_id: str, note: str) -> None:
        """Write a note on a run, instead of the one that was there; "" removes it.

        Raises:
            RunError: It is too long.
        """
        self.set_tags(run_id, {NOTE: clean_note(note)})

    def tag(self, run_id: str, tags: dict[str, str]) -> None:
        """Give a run exactly these tags, from `labels.parse_tags`; any others are removed."""
        for key in self.get(run_id).tags.keys() - tags.keys():
            self.client.delete_tag(run_id, key)
        self.set_tags(run_id, tags)

    def promote(self, run_id: str) -> None:
        """Choose a run's model for Diagnose, instead of the one that was chosen before.

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
        """Store metrics; NaN and infinite values are left out, since not every database takes them."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        kept = [Metric(key, float(value), now, step) for key, value in metrics.items() if math.isfinite(value)]
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

        Args:
            run_id: Its whole id. One that cannot be read may also wait in the queue: nothing will ever take it.

        Raises:
            RunError: The run has not ended, its files lie outside this home, or they cannot be removed.
        """
        run = self.find(run_id)
        if run.status not in ENDED and (isinstance(run, Run) or run.status == "RUNNING"):
            raise RunError(f"Run {run.name!r} is {run.status}: stop it before it is deleted.")
        self.files.check_removable(run, owned=self.owns(run))
        self.client.delete_run(run.id)
        self.files.remove(run.id)

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


def _own(tags: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in tags.items() if name.startswith(_TAG)}
