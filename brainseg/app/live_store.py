"""The run store as pages read it: opened once per server, and listed again only after a change."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable

import streamlit as st

from brainseg import paths
from brainseg.app.navigation import demo_mode
from brainseg.errors import ConfigError
from brainseg.jobs.lost_runs import forgotten, is_lost
from brainseg.jobs.queue import reconcile
from brainseg.results.crossval.reading import settled
from brainseg.results.run_details import RunDetails, run_details
from brainseg.results.run_files import run_file
from brainseg.runs import ENDED, Run, RunStore, UnreadableRun
from brainseg.runs.changes import Changes
from brainseg.runs.opening import file_of
from brainseg.runs.run import default_run
from brainseg.users.policy import Act, check

REMOTE_PATIENCE = 5.0
"""Seconds for which a list from a remote store counts as current: its changes cannot be detected."""


def store() -> RunStore:
    """Return the store, shared by all visitors.

    Raises:
        RunError: It is damaged or cannot be reached.
        ConfigError: The home folder cannot be written to.
        AccessError: The visitor may not see pages.
    """
    check(Act.LOOK)
    return _open(*_place())


def is_open() -> bool:
    """Return whether the store has been opened: where it cannot be reached, each attempt takes seconds."""
    try:
        return _place() in _opened()
    except ConfigError:
        return False


def _place() -> tuple[str, str]:
    return str(paths.home()), os.environ.get("MLFLOW_TRACKING_URI", "")


def runs() -> list[Run]:
    """Return all runs, newest first. Runs whose processes have all died are first recorded as failed.

    A demo session changes nothing in the store, so it does not record them.
    """
    opened = store()
    listed, _ = _list(opened.uri, _stamp(opened.uri))
    if not demo_mode() and (any(is_lost(opened, run) for run in listed) or forgotten(opened, listed)):
        reconcile(opened)
        listed, _ = _list(opened.uri, _stamp(opened.uri))
    return listed


def unreadable() -> list[UnreadableRun]:
    """Return the runs that this version of brainseg cannot read, newest first."""
    opened = store()
    return _list(opened.uri, _stamp(opened.uri))[1]


def run(run_id: str) -> Run:
    """Return one run as it is now.

    Raises:
        RunError: There is no such run.
    """
    return store().get(run_id)


def details(run: Run) -> RunDetails:
    """Return the `results.run_details` of a run; those of ended runs are cached."""
    if run.status in ENDED:
        return _details(store().uri, run.id, str(run.ended))
    return run_details(store(), run)


def classes(some: Iterable[Run]) -> dict[str, frozenset[str]]:
    """Return the classes on which ended runs were evaluated, by run id; empty where they are unknown.

    They are cached until the server ends: a page needs the classes of every run at every click.
    """
    known = _classes(store().uri)
    keys = {(run.id, str(run.ended)): run for run in some}
    known.update({key: _read_classes(run) for key, run in keys.items() if key not in known})
    return {run.id: known[key] for key, run in keys.items()}


def _read_classes(run: Run) -> frozenset[str]:
    try:
        file = run_file(store(), run, "evaluation.json")
        return frozenset(json.loads(file.read_text("utf-8"))["classes"]) if file else frozenset()
    except (OSError, ValueError, TypeError, KeyError, RecursionError):  # the run's own page reports a damaged file
        return frozenset()


def promoted(task: str | None = None) -> Run | None:
    """Return the run whose model Diagnose offers first, for a task or for any; see `runs.run.default_run`."""
    return default_run(runs(), task)


def refresh() -> None:
    """Clear the caches after a page has changed the store."""
    _list.clear()
    _details.clear()


def _stamp(uri: str) -> str:
    """Return a text that changes whenever the store changes."""
    if not uri.startswith("sqlite:"):
        return str(int(time.time() / REMOTE_PATIENCE))
    return _changes(uri).stamp()


@st.cache_resource(show_spinner=False)
def _changes(uri: str) -> Changes:
    return Changes(file_of(uri))


@st.cache_resource(show_spinner="Opening the run store …")
def _open(home: str, uri: str) -> RunStore:
    opened = RunStore()
    _opened().add((home, uri))
    return opened


@st.cache_resource(show_spinner=False)
def _opened() -> set[tuple[str, str]]:
    """Home and address of each store that was opened, for the whole server."""
    return set()


@st.cache_resource(max_entries=4, show_spinner=False)
def _list(uri: str, stamp: str) -> tuple[list[Run], list[UnreadableRun]]:
    """Return the readable and the unreadable runs, from one reading of the store."""
    opened = store()
    entries = opened.entries()
    runs = [settled(opened, run) for run in entries if isinstance(run, Run)]
    return runs, [run for run in entries if isinstance(run, UnreadableRun)]


@st.cache_resource(show_spinner=False)
def _classes(uri: str) -> dict[tuple[str, str], frozenset[str]]:
    return {}


@st.cache_data(max_entries=500, show_spinner=False)
def _details(uri: str, run_id: str, ended: str) -> RunDetails:
    return run_details(store(), run(run_id))
