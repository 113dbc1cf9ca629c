"""Finding runs in a store: by id, by name, or all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from brainseg.errors import RunError
from brainseg.runs.connection import StoreConnection
from brainseg.runs.reading import read_run
from brainseg.runs.run import STATUSES, Run, StoredEntry, UnreadableRun, matching

_NO_RUN = "There is no run {!r}: `runs` lists those there are."


class RunReader(StoreConnection):
    """Reads the runs of a store."""

    home_id = ""
    """The id of the open home, where several homes share the store; see `runs.identity`."""

    def get(self, wanted: str) -> Run:
        """Return a run by its id, the start of its id (at least 4 digits) or its name.

        Raises:
            RunError: There is none, there is more than one, or it cannot be read.
        """
        found = self.find(wanted)
        if isinstance(found, UnreadableRun):
            raise RunError(found.sentence)
        return found

    def find(self, wanted: str) -> StoredEntry:
        """Return a run as `get` does, or one that cannot be read.

        Raises:
            RunError: There is none, or there is more than one.
        """
        if len(wanted) == 32:
            stored = self.stored_run(wanted)
            if stored is None or stored.info.lifecycle_stage == "deleted":
                raise RunError(_NO_RUN.format(wanted))
            return read_run(stored, self._own_home)
        found = matching(self.entries(), wanted)
        if not found:
            raise RunError(_NO_RUN.format(wanted))
        if len(found) > 1:
            raise RunError(f"{len(found)} runs match {wanted!r}: name one by its id, such as {found[0].id[:8]}.")
        return found[0]

    def list(self, statuses: Iterable[str] = STATUSES) -> list[Run]:
        """Return the runs that can be used, newest first."""
        return [run for run in self.entries(statuses) if isinstance(run, Run)]

    def unreadable(self) -> Sequence[UnreadableRun]:
        """Return the runs that this brainseg cannot read, newest first, each with the reason."""
        return [run for run in self.entries() if isinstance(run, UnreadableRun)]

    def entries(self, statuses: Iterable[str] = STATUSES) -> Sequence[StoredEntry]:
        """Return all runs, newest first, whether or not they can be read."""
        wanted = list(statuses)
        stored = self.stored_runs([] if set(wanted) == set(STATUSES) else wanted)
        found = [read_run(run, self._own_home) for run in stored]
        return sorted(found, key=lambda run: run.created, reverse=True)

    def owns(self, run: StoredEntry) -> bool:
        """Say whether a run is this home's, to be trained and deleted here: several homes may share a store."""
        return run.home_folder == str(self.home) and run.home_id in ("", self.home_id)

    @property
    def _own_home(self) -> Path | None:
        return self.home if self.private else None
