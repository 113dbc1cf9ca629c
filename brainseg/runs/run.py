"""`Run`: one run of the store."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from brainseg.config import RunConfig
from brainseg.runs.ensemble_members import EnsembleMember
from brainseg.runs.migrations import SCHEMA
from brainseg.runs.robustness_check import RobustnessCheck
from brainseg.runs.run_end import EndKind, RunEnd
from brainseg.runs.run_plan import FoldCounts, Plan, TrialCounts
from brainseg.runs.run_summary import Kind, RunSummary
from brainseg.search.plan import SearchPlan
from brainseg.tasks import facts_of
from brainseg.users.actor import UNOWNED, Owner

if TYPE_CHECKING:
    from brainseg.runs.search import TrialOf

STATUSES = ("SCHEDULED", "RUNNING", "FINISHED", "FAILED", "KILLED")
ENDED = ("FINISHED", "FAILED", "KILLED")
FINAL = "final_"
"""Prefix of the metrics of a finished run; without it, the same names are metrics of each epoch."""
SHORTEST = 4
"""Fewest digits that may stand for a full id."""
FULL_ID = re.compile("[0-9a-f]{32}")
"""A full id, which no run may have as its name."""
NOTE = "mlflow.note.content"
"""The tag that MLflow's own pages show as a run's description."""
LOCAL = "local"
"""The launcher of runs that the worker of their home trains."""
PARENTS = ("crossval", "search")
"""Kinds of runs that no process works on: their work is that of their children."""


@dataclass(frozen=True)
class Run:
    """One run of the store.

    Attributes:
        id: 32 hexadecimal digits.
        name: What the user called it.
        status: One of `STATUSES`.
        config: Its configuration.
        created: When it was made, in UTC.
        ended: When it ended; None if it has not.
        metrics: Latest value of each metric.
        end: How it ended; None if it has not.
        home_folder: The home folder whose worker trains it: the open one, unless several homes share the store.
        home_id: The id of that home, see `runs.identity`; "" if it is not recorded.
        queued: When it was last queued, in seconds since 1970.
        kind: "train", "ensemble" (the mean of other runs' models), or one that leaves no model: "find-lr" (a
            learning-rate finder alone), "crossval", "search", or "robustness" (a check of another run's model).
        promoted: When a user chose its model for Diagnose, in seconds since 1970; 0 if nobody did.
        tags: The tags that users set; a tag without a value has "".
        note: What users wrote about it.
        bundle_digest: SHA-256 of the bundle that its training wrote; "" if it is not recorded. While the
            bundle is being replaced, also that of its successor, after a space.
        started: When its training last began, in seconds since 1970; 0 if it never did or this was not recorded.
        schema: The schema of the stored run, see `runs.migrations`.
        parent: Id of the cross-validation that it is a fold of, or of the search that it is a trial of; "" for any
            other run.
        plan: The folds and repeats of a cross-validation.
        counts: The states of its folds, from which its status follows.
        pooled_of: The `crossval.pooled_key` of the folds that its stored metrics are of.
        check: What a robustness check measures; None for any other run.
        members: The members of an ensemble; empty for any other run.
        search: The plan of a search; None for any other run.
        trials: The states of its trials.
        trial: What it is to its search; None for a run that is no child of one.
        confirmed_by: Of a search whose winner a cross-validation confirms, the ids of both: "trial" and "run".
        owner: Whom it belongs to; folds and trials belong to whom their parent belongs to.
        launcher: What trains it while it waits in the queue, see `jobs.launcher`: "local", the worker of its home,
            which takes no other runs, "ray" or "command".
    """

    id: str
    name: str
    status: str
    config: RunConfig
    created: datetime
    ended: datetime | None
    metrics: dict[str, float]
    end: RunEnd | None
    home_folder: str
    queued: float
    kind: Kind = "train"
    promoted: float = 0.0
    tags: dict[str, str] = field(default_factory=dict)
    note: str = ""
    bundle_digest: str = ""
    started: float = 0.0
    home_id: str = ""
    schema: int = SCHEMA
    parent: str = ""
    plan: Plan | None = None
    counts: FoldCounts | None = None
    pooled_of: str = ""
    check: RobustnessCheck | None = None
    members: tuple[EnsembleMember, ...] = ()
    search: SearchPlan | None = None
    trials: TrialCounts | None = None
    trial: TrialOf | None = None
    confirmed_by: Mapping[str, str] = field(default_factory=dict)
    owner: Owner = UNOWNED
    launcher: str = LOCAL

    @property
    def is_parent(self) -> bool:
        """Whether no process works on it, but only on its children."""
        return self.kind in PARENTS

    @property
    def is_part(self) -> bool:
        """Whether it is a fold or a trial; a confirmation is a result of its own."""
        return bool(self.parent) and not (self.trial and self.trial.confirms)

    @property
    def pruned(self) -> bool:
        """Whether it is a trial that ended early, since it was worse than the median of the others."""
        return self.end is not None and self.end.kind == EndKind.PRUNED

    @property
    def reason(self) -> str:
        """Why the run failed or was stopped, in one sentence; "" otherwise."""
        return self.end.message if self.end else ""

    @property
    def begun(self) -> datetime:
        """When its training last began; when the run was made if this is not known."""
        return datetime.fromtimestamp(self.started, UTC) if self.started else self.created

    @property
    def has_model(self) -> bool:
        """Whether the run ended with a model of its own."""
        return self.status == "FINISHED" and self.kind == "train"

    @property
    def answers(self) -> bool:
        """Whether it can diagnose: with a model of its own, or as an ensemble with those of its members."""
        return self.status == "FINISHED" and self.kind in ("train", "ensemble")

    @property
    def has_metrics(self) -> bool:
        """Whether it ended with an evaluation: its own, or that of its pooled folds."""
        return self.status == "FINISHED" and self.kind in ("train", "crossval", "ensemble")

    @property
    def work(self) -> str:
        """What its process does, as a noun."""
        return {"robustness": "robustness check", "ensemble": "evaluation"}.get(self.kind, "training")

    @property
    def is_inner(self) -> bool:
        """Whether it only helps a nested cross-validation to choose settings."""
        return bool(self.parent and self.config.data.outer_folds)

    @property
    def offers_model(self) -> bool:
        """Whether users can choose its model: the models of inner runs only served to choose settings."""
        return self.has_model and not self.is_inner

    @property
    def offers_answers(self) -> bool:
        """Whether users can choose it on Diagnose: as `offers_model`, or an ensemble."""
        return self.answers and not self.is_inner

    @property
    def better_than_chance(self) -> bool:
        """Whether the accuracy's interval lies above the accuracy of always predicting one class.

        Also True if this does not apply (masks) or no interval is known.
        """
        low = self.metrics.get(FINAL + "accuracy_low")
        return low is None or low > self.metrics.get(FINAL + "chance", 0.5)

    def to_dict(self) -> RunSummary:
        """Return plain values that JSON can hold."""
        return {
            "run_id": self.id,
            "schema": self.schema,
            "unreadable": None,
            "name": self.name,
            "kind": self.kind,
            "launcher": self.launcher,
            "parent": self.parent or None,
            "measures": self.check.run if self.check else None,
            "members": [member.run for member in self.members] or None,
            "trial": self.trial.number if self.trial else None,
            "status": self.status,
            "reason": self.reason,
            "end": self.end.kind.value if self.end else None,
            "log_tail": self.end.log_tail if self.end else "",
            "arch": self.config.model.arch,
            "head": self.config.model.head,
            "preset": self.config.preset,
            "data": self.config.data.path,
            "split": self.config.data.split,
            "created": self.created.isoformat(timespec="seconds"),
            "ended": self.ended.isoformat(timespec="seconds") if self.ended else None,
            "promoted": self.promoted > 0,
            "tags": self.tags,
            "note": self.note,
            "metrics": self.metrics,
        }


@dataclass(frozen=True)
class UnreadableRun:
    """A run in the store that this brainseg cannot read; it is still listed, so no history is hidden.

    Attributes:
        id: 32 hexadecimal digits.
        name: What the user called it.
        status: One of `STATUSES`.
        created: When it was made, in UTC.
        why: Why it cannot be read, as the end of a sentence, without a full stop.
        home_folder: As for `Run`.
        home_id: As for `Run`.
        owner: As for `Run`.
    """

    id: str
    name: str
    status: str
    created: datetime
    why: str
    home_folder: str = ""
    home_id: str = ""
    owner: Owner = UNOWNED

    @property
    def sentence(self) -> str:
        """A sentence on which run cannot be read, and why."""
        return f"Run {self.name!r} ({self.id[:8]}) cannot be read: {self.why}."

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold: a few fields of `Run`, and why the others are missing."""
        return {
            "run_id": self.id,
            "unreadable": self.why,
            "name": self.name,
            "status": self.status,
            "created": self.created.isoformat(timespec="seconds"),
        }


StoredEntry = Run | UnreadableRun
Entry = TypeVar("Entry", Run, UnreadableRun, StoredEntry)


def default_run(runs: list[Run], task: str | None = None) -> Run | None:
    """Return the run whose model is offered first: the last one promoted, or else the newest that beats chance.

    If no model is shown to be better than chance, that is the run that finished last. Folds of a cross-validation, each
    of which was trained on a part of the images only, and trials of a search come last. An ensemble, which takes
    longer, has to be promoted.

    Args:
        runs: All runs.
        task: The task of the run; by default any, but classification comes before segmentation.
    """
    finished = [run for run in runs if run.offers_answers and task in (None, run.config.task)]
    return max(
        finished,
        key=lambda run: (
            -facts_of(run.config.task).order,
            run.promoted,
            not run.is_part,
            not run.members,
            run.better_than_chance,
            run.ended,
        ),
        default=None,
    )


def matching(runs: Iterable[Entry], wanted: str) -> list[Entry]:
    """Return the runs that a user may mean: by the full id, or else by name, or else by the start of the id.

    Args:
        runs: The runs to choose from.
        wanted: An id, at least 4 digits of its start, or a name.
    """
    wanted = wanted.strip()
    runs, digits = list(runs), wanted.lower()
    if found := [run for run in runs if run.id == digits] or [run for run in runs if run.name == wanted]:
        return found
    return [run for run in runs if run.id.startswith(digits)] if len(digits) >= SHORTEST else []
