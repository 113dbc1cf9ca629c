"""What users do with a run of any kind: cancel, resume, repeat or delete it.

For a cross-validation, each action applies to all its folds, and for a search to all its trials.
"""

from __future__ import annotations

from contextlib import suppress

from brainseg.errors import RunError
from brainseg.jobs import cancelling, crossval, queue, removal, search
from brainseg.jobs.launcher import chosen, launcher_of, start
from brainseg.jobs.lock import queue_lock
from brainseg.jobs.parents import settle
from brainseg.jobs.robustness import submit_check
from brainseg.jobs.search_steps import forget_study
from brainseg.jobs.submission import free_name
from brainseg.jobs.workspace import Workspace
from brainseg.runs import ENDED, Run, RunStore
from brainseg.runs.run import LOCAL, StoredEntry
from brainseg.users.policy import Act, acting


def request_cancel(store: RunStore, run_id: str) -> Run:
    """Cancel a run without waiting for its end: a waiting run ends at once, a running one within ten seconds.

    Raises:
        RunError: The run has already ended.
        AccessError: The role of the one who asks does not allow it, as for all functions here.
    """
    run = store.get(run_id)
    with acting(Act.CANCEL, run.id, run.owner):
        return _request_cancel(store, run)


def _request_cancel(store: RunStore, run: Run) -> Run:
    if run.kind == "search":
        for child in search.stop_search(store, run):
            with suppress(RunError):  # it has ended meanwhile
                _request_cancel(store, store.get(child.id))
        return store.get(run.id)
    if run.kind != "crossval":
        return cancelling.request_cancel(store, run.id)
    for child in crossval.stop_waiting(store, run):
        Workspace(child.id).request_cancel()
    return store.get(run.id)


def cancel(store: RunStore, run_id: str) -> Run:
    """Stop a run and all its processes within ten seconds.

    Raises:
        RunError: The run has already ended.
    """
    run = store.get(run_id)
    with acting(Act.CANCEL, run.id, run.owner):
        return _cancel(store, run)


def _cancel(store: RunStore, run: Run) -> Run:
    if run.kind == "search":
        for child in search.stop_search(store, run):
            with suppress(RunError):  # it has ended meanwhile
                _cancel(store, store.get(child.id))
        return store.get(run.id)
    if run.kind != "crossval":
        return cancelling.cancel(store, run.id)
    while True:
        for child in crossval.stop_waiting(store, run):
            if store.get(child.id).status not in ENDED:
                cancelling.cancel(store, child.id)
        with queue_lock():
            made = settle(store, run.id)
        start(store, made)
        # A fold that finished meanwhile may have made way for another one.
        if (stopped := store.get(run.id)).status in ENDED:
            return stopped


def resubmit(store: RunStore, run_id: str, launcher: str | None = None) -> Run:
    """Put a failed or cancelled run back into the queue, and have it trained.

    Args:
        store: The run store.
        run_id: The run.
        launcher: What trains it from now on, with all its folds or trials; None for what trained it before.

    Raises:
        RunError: There is nothing to resume, the queue is full, or the launcher cannot work.
        ConfigError: The launcher is unknown.
    """
    run = store.get(run_id)
    with acting(Act.RESUME, run.id, run.owner):
        if launcher:
            run = change_launcher(store, run, launcher)
        if run.status == "SCHEDULED" and not run.is_parent and (launcher or run.launcher != LOCAL):
            queue.start_again(store, run)
            return store.get(run.id)
        if run.kind == "search":
            return search.resume_search(store, run)
        return crossval.resume_crossval(store, run) if run.kind == "crossval" else queue.resubmit(store, run.id)


def change_launcher(store: RunStore, run: Run, launcher: str) -> Run:
    """Give a run, with all its folds or trials, to another launcher; what runs stays where it is until it ends.

    Raises:
        RunError: The run belongs to another home, or the launcher cannot work.
        ConfigError: The launcher is unknown.
    """
    with acting(Act.RESUME, run.id, run.owner):
        if not store.owns(run):
            raise RunError(f"Run {run.name!r} was made from another home folder: resume it there.")
        launcher = chosen(launcher)
        launcher_of(launcher).check(run.config)
        with queue_lock():
            for one in (run, *(store.all_children(run) if run.is_parent else ())):
                if one.is_parent or one.status != "RUNNING":
                    store.set_launcher(one.id, launcher)
        return store.get(run.id)


def retry(store: RunStore, run_id: str) -> Run:
    """Queue a new run with the configuration of an earlier one.

    Raises:
        RunError: There is no such run, it needs the weights of a run that no longer exists, or the queue is full.
    """
    run = store.get(run_id)
    if run.check:
        return submit_check(store, store.get(run.check.run), run.check.plan)
    name = free_name(run.name, {other.name for other in store.list()})
    if run.search:
        return search.submit_search(store, run.config, name, run.search, run.launcher)
    if run.plan:
        return crossval.submit_crossval(store, run.config, name, run.plan, run.launcher)
    return queue.retry(store, run.id)


def delete(store: RunStore, run_id: str) -> StoredEntry:
    """Delete an ended run, or one that cannot be read; with a cross-validation or a search, all its runs.

    The parent is deleted last, so an interruption leaves one that can be deleted again.

    Raises:
        RunError: A run has not ended, another run needs its weights, or its files cannot be removed.
    """
    run = store.find(run_id)
    with acting(Act.DELETE_RUN, run.id, run.owner):
        return _delete(store, run)


def _delete(store: RunStore, run: StoredEntry) -> StoredEntry:
    if isinstance(run, Run) and run.is_parent:
        children = store.all_children(run)
        for one in (run, *children):
            if one.status not in ENDED:
                raise RunError(f"Run {one.name!r} is {one.status}: stop it before you delete it.")
        for child in children:
            removal.refuse_if_needed_by_runs(store, child)
        for child in children:
            removal.delete(store, child.id)
    deleted = removal.delete(store, run.id)
    if isinstance(run, Run) and run.search:
        forget_study(run)
    return deleted


def breaks(store: RunStore, run: StoredEntry) -> str:
    """Return what deleting a run breaks, as a sentence: its cross-validation or search; "" for nothing."""
    if not isinstance(run, Run) or not run.parent:
        return ""
    try:
        parent = store.get(run.parent)
    except RunError:  # deleted before
        return ""
    if run.trial:
        part = "the confirmation" if run.trial.confirms else f"trial {run.trial.number}"
        return f"It is {part} of the search {parent.name!r}, whose result lacks it then."
    if run.config.data.outer_folds:
        return (
            f"It is an inner run of the cross-validation {parent.name!r}, whose choice of settings for fold "
            f"{run.config.data.outer_fold} cannot be checked without it."
        )
    return (
        f"It is fold {run.config.data.fold} of the cross-validation {parent.name!r}, whose result is incomplete "
        "without it."
    )
