"""`RunSummary`: a run as JSON."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

Kind = Literal["train", "find-lr", "crossval", "robustness", "ensemble", "search"]


class RunSummary(TypedDict):
    """A run as JSON: the output of `runs --json`, see `Run`. `end` and `log_tail` are from its `RunEnd`.

    `measures` is the id of the run whose robustness it checks, and `members` are those of the runs of an ensemble; None
    for any other run. `trial` is the number of a trial within its search, and -1 for a confirmation.
    """

    run_id: str
    schema: int
    unreadable: None
    name: str
    kind: Kind
    launcher: str
    parent: str | None
    measures: str | None
    members: list[str] | None
    trial: int | None
    status: str
    reason: str
    end: str | None
    log_tail: str
    arch: str
    head: str
    preset: str
    data: str
    split: str
    created: str
    ended: str | None
    promoted: bool
    tags: dict[str, str]
    note: str
    metrics: dict[str, float]
