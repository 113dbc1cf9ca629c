"""Finds runs in a store: by id, by name, or all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from brainseg.errors import RunError
from brainseg.runs.connection import StoreConnection
from brainseg.runs.crossval import PARENT, children_of, follow, followed
from brainseg.runs.faults import Attempt
from brainseg.runs.reading import KnownRuns
from brainseg.runs.run import FULL_ID, STATUSES, Run, StoredEntry, UnreadableRun, matching
from brainseg.runs.search import with_counts

if TYPE_CHECKING:
    from brainseg.runs.snapshot import StoredRun

_NO_RUN = "There is no run {!r}: `runs` lists the runs."


class RunReader(StoreConnection):
    """Reads the runs of a store."""

    home_id = ""
    """The id of the open home if several homes may share the store; see `runs.identity`."""

    def __init__(self, attempt: Attempt[Any] | None = None) -> None:
        super().__init__(attempt)
        self._known = KnownRuns()

    def get(self, wanted: str) -> Run:
        """Return a run by its id, the start of its id (at least 4 digits) or its name.

        Raises:
            RunError: No run or more than one matches, or the run cannot be read.
        """
        found = self.find(wanted)
        if isinstance(found, UnreadableRun):
            raise RunError(found.sentence)
        return found

    def find(self, wanted: str) -> StoredEntry:
        """Return a run as `get` does, or one that cannot be read.

        Raises:
            RunError: No run or more than one matches.
        """
        if FULL_ID.fullmatch(wanted):  # which needs no look at all other runs
            stored = self.stored_run(wanted)
            if stored is None or stored.info.lifecycle_stage == "deleted":
                raise RunError(_NO_RUN.format(wanted))
            return self._followed(self._read(stored))
        found = matching(self.entries(), wanted)
        if not found:
            raise RunError(_NO_RUN.format(wanted))
        if len(found) > 1:
            raise RunError(f"{len(found)} runs match {wanted!r}: use an id instead, such as {found[0].id[:8]}.")
        return found[0]

    def list(self, statuses: Iterable[str] = STATUSES) -> list[Run]:
        """Return the readable runs, newest first."""
        return [run for run in self.entries(statuses) if isinstance(run, Run)]

    def unreadable(self) -> Sequence[UnreadableRun]:
        """Return the runs that this brainseg cannot read, newest first, each with the reason."""
        return [run for run in self.entries() if isinstance(run, UnreadableRun)]

    def entries(self, statuses: Iterable[str] = STATUSES) -> Sequence[StoredEntry]:
        """Return all runs, readable or not, newest first.

        Cross-validations and searches are left out if only some statuses are wanted: no process works on them.
        """
        wanted = list(statuses)
        found: Sequence[StoredEntry]
        if set(wanted) == set(STATUSES):
            read = [self._read(run) for run in self.stored_runs()]
            self._known.keep(read)
            found = followed(read)
        else:
            some = [self._read(run) for run in self.stored_runs(wanted)]
            found = [run for run in some if isinstance(run, UnreadableRun) or not run.is_parent]
        return sorted(found, key=lambda run: run.created, reverse=True)

    def unsettled(self) -> Sequence[Run]:
        """Return the cross-validations and searches whose stored status is out of date, as they are stored.

        Their children have all ended since, or the process that made their children died.
        """
        stored = [self._read(run) for run in self.stored_runs(["SCHEDULED", "RUNNING"])]
        found = [run for run in stored if isinstance(run, Run)]
        busy = {run.parent for run in found}
        parents = [run for run in found if run.is_parent]
        return [run for run in parents if run.status == "SCHEDULED" or run.id not in busy]

    def children(self, parent: Run) -> dict[tuple[int, int], Run]:
        """Return the children of a cross-validation by repeat and fold, in that order, without inner runs."""
        return children_of(parent, self.all_children(parent))

    def all_children(self, parent: Run) -> Sequence[Run]:
        """Return the runs of a cross-validation or a search, inner ones and confirmations too, in no order."""
        mine = [run for run in self.stored_runs() if run.data.tags.get(PARENT) == parent.id]
        found = [self._read(run) for run in mine]
        return [run for run in found if isinstance(run, Run)]

    def _followed(self, run: StoredEntry) -> StoredEntry:
        if isinstance(run, UnreadableRun) or not run.is_parent:
            return run
        children = self.all_children(run)
        return follow(run, children) if run.kind == "crossval" else with_counts(run, children)

    def owns(self, run: StoredEntry) -> bool:
        """Return whether a run belongs to this home; only then may it be trained and deleted here."""
        return run.home_folder == str(self.home) and run.home_id in ("", self.home_id)

    def _read(self, stored: StoredRun) -> StoredEntry:
        return self._known.read(stored, self.home if self.private else None)
