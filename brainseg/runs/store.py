"""`RunStore`: reads and writes runs."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from brainseg.config import RunConfig
from brainseg.errors import BundleError, RunError
from brainseg.models.description import bundle_digest, read_description
from brainseg.models.export.names import FOLDER as EXPORTS
from brainseg.models.sources import RUN, WEIGHTS
from brainseg.runs.artifacts import LocalFiles
from brainseg.runs.crossval import PARENT, why_no_model
from brainseg.runs.digests import check_digest
from brainseg.runs.ensembles import open_ensemble
from brainseg.runs.faults import Attempt
from brainseg.runs.labels import clean_name, clean_note
from brainseg.runs.lookup import RunReader
from brainseg.runs.migrations import PREFIX as _TAG
from brainseg.runs.migrations import SCHEMA
from brainseg.runs.moved_runs import home_identity
from brainseg.runs.owners import owner_tags
from brainseg.runs.run import ENDED, LOCAL, NOTE, Run
from brainseg.runs.run_end import EndKind
from brainseg.runs.run_summary import Kind
from brainseg.runs.served_files import ServedFiles, is_served
from brainseg.users.actor import Owner
from brainseg.users.policy import Act, Asked, acting


class RunStore(RunReader):
    """Reads and writes runs; see `runs.connection` for how long opening a store takes, and its errors."""

    def __init__(self, attempt: Attempt[Any] | None = None) -> None:
        super().__init__(attempt)
        self.files: LocalFiles | ServedFiles = (
            ServedFiles(self.client, self.home, self.uri) if is_served(self.uri) else LocalFiles(self.home)
        )
        if not self.private:
            self.home_id = home_identity(self)

    def create(
        self,
        config: RunConfig,
        name: str,
        status: str = "SCHEDULED",
        kind: Kind = "train",
        tags: Mapping[str, str] | None = None,
        launcher: str = LOCAL,
    ) -> Run:
        """Make a run with a configuration; `tags` and its launcher are stored with it from its first moment."""
        stored = {
            **owner_tags(self._owner_of((tags or {}).get(PARENT, ""))),
            **(tags or {}),
            _TAG + "config": config.model_dump_json(),
            _TAG + "kind": kind,
            _TAG + "launcher": launcher,
            _TAG + "host": str(self.home),
            _TAG + "home": self.home_id,
            _TAG + "queued": repr(time.time()),
            _TAG + "schema": str(SCHEMA),
        }
        from mlflow.entities import Param

        made = self.client.create_run(self.experiment, run_name=name, tags=stored)
        run_id = made.info.run_id
        params = [Param(key, str(value)[:500]) for key, value in config.flat().items()]
        self.client.log_batch(run_id, params=params)
        self.set_status(run_id, status)
        return self.get(run_id)

    def _owner_of(self, parent: str) -> Owner | None:
        """Return whom a new part of a run belongs to; None for a run that is no part."""
        return self.find(parent).owner if parent else None

    def set_status(
        self, run_id: str, status: str, reason: str = "", kind: EndKind | None = None, log_tail: str = ""
    ) -> None:
        """Set the status of a run.

        Args:
            run_id: The run.
            status: One of `STATUSES`.
            reason: Why it ended, in one sentence.
            kind: Why it ended, for programs.
            log_tail: The last lines of its log, if nothing else is known.
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
        """Rename a run. Its bundle keeps the name under which it was trained.

        Raises:
            RunError: The name is not valid, or another run has it; users and commands refer to runs by name.
            AccessError: The role of the one who asks does not allow it, as for the next three.
        """
        with self._acting(Act.DESCRIBE, run_id):
            name = clean_name(name)
            if other := next((run for run in self.entries() if run.name == name and run.id != run_id), None):
                raise RunError(f"Run {other.id[:8]} is already called {name!r}: choose another name.")
            self.client.update_run(run_id, name=name)

    def _acting(self, act: Act, run_id: str) -> AbstractContextManager[Asked]:
        run = self.find(run_id)
        return acting(act, run.id, run.owner)

    def write_note(self, run_id: str, note: str) -> None:
        """Set the note of a run; "" removes it.

        Raises:
            RunError: The note is too long.
        """
        with self._acting(Act.DESCRIBE, run_id):
            self.set_tags(run_id, {NOTE: clean_note(note)})

    def tag(self, run_id: str, tags: dict[str, str]) -> None:
        """Give a run exactly these tags, from `labels.parse_tags`; other tags are removed."""
        with self._acting(Act.DESCRIBE, run_id):
            for key in self.get(run_id).tags.keys() - tags.keys():
                self.client.delete_tag(run_id, key)
            self.set_tags(run_id, tags)

    def promote(self, run_id: str) -> None:
        """Choose a run's model for Diagnose, in place of the earlier choice.

        Raises:
            RunError: The run has no model.
            BundleError: It cannot be used; of an ensemble, a member was deleted or changed.
        """
        with self._acting(Act.PROMOTE, run_id):
            run = self.get(run_id)
            if run.members:
                open_ensemble(self, run)
            else:
                self.bundle(run)
            self.set_tags(run_id, {_TAG + "promoted": repr(time.time())})

    def requeue(self, run_id: str) -> None:
        """Put an ended run at the end of the queue."""
        self.set_tags(run_id, {_TAG + "queued": repr(time.time())})
        self.set_status(run_id, "SCHEDULED")

    def set_launcher(self, run_id: str, launcher: str) -> None:
        """Set what trains a run that waits, or is queued again."""
        self.set_tags(run_id, {_TAG + "launcher": launcher})

    def log_metrics(self, run_id: str, metrics: dict[str, float], step: int = 0) -> None:
        """Store metrics; NaN and infinite values are left out, since not every database accepts them."""
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

    def log_file(self, run_id: str, file: Path, into: str = "") -> None:
        """Store one file with a run, in its own folder or in a folder below."""
        self.files.add_file(run_id, file, into)

    def path(self, run_id: str, name: str) -> Path:
        """Return the path of a stored file or folder of a run; from a remote store, it is downloaded first.

        Raises:
            RunError: The run has no such file.
            StoreError: The server that has it does not answer, or cannot read it.
        """
        return self.files.find(run_id, name)

    def delete(self, run_id: str) -> None:
        """Delete an ended run and its files; nothing outside this home is deleted.

        Args:
            run_id: Its full id. An unreadable run may also be waiting in the queue, since no worker can train it.

        Raises:
            RunError: The run has not ended, its files lie outside this home, or they cannot be removed.
            StoreError: The server that has them cannot remove them.
        """
        run = self.find(run_id)
        if run.status not in ENDED and (isinstance(run, Run) or run.status == "RUNNING"):
            raise RunError(f"Run {run.name!r} is {run.status}: stop it before you delete it.")
        self.files.check_removable(run, owned=self.owns(run))
        self.client.delete_run(run.id)
        self.files.remove(run.id)

    def bundle(self, run: Run) -> Path:
        """Return the folder of a finished run's bundle.

        Raises:
            RunError: The run has no bundle.
            BundleError: The bundle is not the one that the training wrote.
        """
        if not run.has_model:
            raise RunError(f"Run {run.name!r} has no model: {why_no_model(run)}.")
        try:
            return self._checked_bundle(run)
        except BundleError:
            if not isinstance(self.files, ServedFiles):
                raise
            self.files.forget(run.id)  # another home may have changed its threshold since it was downloaded
            return self._checked_bundle(run)

    def _checked_bundle(self, run: Run) -> Path:
        folder = self.path(run.id, "bundle")
        if run.bundle_digest:
            check_digest(run, bundle_digest(folder, read_description(folder)))
        return folder

    def exports(self, run: Run) -> Path | None:
        """Return the folder of a run's exports, which lies beside its bundle; None if it has none."""
        try:
            return self.path(run.id, EXPORTS)
        except RunError:
            return None

    def record_bundle(self, run_id: str, digest: str) -> None:
        """Store the digest of the bundle that a training wrote, so a changed bundle can be refused."""
        self.set_tags(run_id, {_TAG + "bundle": digest})

    def replace_in_bundle(self, run: Run, file: Path, digest: str) -> None:
        """Replace a file of a run's bundle; at each moment, the store accepts the bundle that is there.

        `file` has the name of the old file, and `digest` is that of the bundle with the new one.
        """
        self.record_bundle(run.id, f"{run.bundle_digest} {digest}".strip())
        self.files.add_file(run.id, file, "bundle")
        self.record_bundle(run.id, digest)

    def warm_start(self, config: RunConfig) -> Path | None:
        """Return the weights file for `run:<id>` in a configuration; None if it names no run.

        Raises:
            RunError: There is no such run, or it has no model.
        """
        if not config.model.weights.startswith(RUN):
            return None
        return self.bundle(self.get(config.model.weights.removeprefix(RUN))) / WEIGHTS
