"""The queue on the Train page: waiting and running runs with their progress, updated every few seconds."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

import streamlit as st

from brainseg.app import live_store, state
from brainseg.app.frame import guarded, link
from brainseg.app.tasks import fine_tuned
from brainseg.app.train.ended import draw_ended
from brainseg.app.widgets.epoch_times import epoch_seconds
from brainseg.app.widgets.live_run import draw_bars
from brainseg.app.widgets.time_left import place
from brainseg.jobs.actions import request_cancel
from brainseg.jobs.launcher import words
from brainseg.jobs.workers import ensure_worker, queue_of
from brainseg.jobs.workspace import Workspace
from brainseg.results.markdown import escape
from brainseg.results.run_wording import STATES, model_words
from brainseg.runs import Run
from brainseg.runs.run import LOCAL
from brainseg.users.policy import Act, may

BUSY, IDLE = 2.0, 10.0
"""Seconds between two updates of the queue, while something is in it and while it is empty."""
PATIENCE = 30.0
"""Seconds before a waiting run gets another worker: the first one needs time to start."""
EMPTY = "The queue is empty."
CANCEL = "A waiting run is cancelled at once, a running one within ten seconds. It can be resumed later."
CANCEL_SEARCH = "Cancels the trial that runs and all that would follow. The search can be resumed later."


def show_queue() -> None:
    """Draw the queue and the recently finished runs, and keep them up to date; a change also redraws the page."""
    runs = live_store.runs()
    st.session_state[state.QUEUE_SEEN] = _state(runs)
    st.fragment(_draw, run_every=BUSY if in_queue(runs) else IDLE)()


@guarded
def _draw() -> None:
    runs = live_store.runs()
    active = in_queue(runs)
    for device in {run.config.compute.device for run in active if _needs_worker(run, active)}:
        _start_worker(str(live_store.store().home), device)
    if _state(runs) != st.session_state[state.QUEUE_SEEN]:
        st.session_state[state.QUEUE_SEEN] = _state(runs)
        st.rerun()
    st.header("Queue", anchor=False)
    if not active:
        st.caption(EMPTY)
    for run in _of_this_home(run for run in runs if run.trials and run.status == "RUNNING"):
        _search(run)
    positions: Counter[str] = Counter()
    for run in active:
        if run.status == "SCHEDULED":
            positions[_queue(run)] += 1
            _waiting(run, positions[_queue(run)])
        else:
            _running(run)
    others = [run for run in runs if _is_active(run) and run not in active]
    if others:
        st.caption(f"{len(others)} more in the queues of other home folders that share this run store.")
    draw_ended(_of_this_home(runs))


def in_queue(runs: list[Run]) -> list[Run]:
    """Return the running and waiting runs of this home, in the order of the queue."""
    return sorted(_of_this_home(filter(_is_active, runs)), key=lambda run: (run.status != "RUNNING", run.queued))


def _queue(run: Run) -> str:
    """Return the queue that a run waits in: that of a worker, or of another launcher."""
    return queue_of(run.config.compute.device) if run.launcher == LOCAL else run.launcher


def _is_active(run: Run) -> bool:
    """Return whether a run waits or runs; parents do so only through their folds or trials, which are listed."""
    return run.status in ("RUNNING", "SCHEDULED") and not run.is_parent


def _of_this_home(runs: Iterable[Run]) -> list[Run]:
    store = live_store.store()  # which looks up the home folder each time
    return [run for run in runs if store.owns(run)]


def _state(runs: list[Run]) -> list[tuple[str, str]]:
    return [(run.id, run.status) for run in runs]


def _needs_worker(run: Run, active: list[Run]) -> bool:
    """Return whether a run waits although nothing runs before it, for example after a restart of the machine."""
    busy = any(other.status == "RUNNING" and _queue(other) == _queue(run) for other in active)
    return run.status == "SCHEDULED" and run.launcher == LOCAL and not busy and time.time() - run.queued > PATIENCE


@st.cache_resource(ttl=PATIENCE, show_spinner=False)
def _start_worker(home: str, device: str) -> bool:
    """Start a worker if there is none, at most once in the time that a worker takes to start."""
    return ensure_worker(device)


def _search(run: Run) -> None:
    """Draw a search, whose trials follow each other into the queue."""
    with st.container(border=True):
        _title(run, "")
        if run.trials:
            st.progress(min(1.0, run.trials.ended / run.trials.total), f"{run.trials.words()}.")
        _buttons(run, False)


def _running(run: Run) -> None:
    workspace = Workspace(run.id)
    now = place(workspace.read_progress(), epoch_seconds(run), time.time())
    stopping = workspace.cancel_requested()
    with st.container(border=True):
        _title(run, "stopping" if stopping else "")
        draw_bars(run, now)
        _buttons(run, stopping)


def _waiting(run: Run, position: int) -> None:
    with st.container(border=True):
        _title(run, position_words(position) if run.launcher == LOCAL else f"for {words(run.launcher)}")
        _buttons(run, False)


def position_words(position: int) -> str:
    """Return the place of a waiting run in its queue, counted from 1."""
    return "next" if position == 1 else f"{position - 1} ahead"


def kind_words(run: Run) -> str:
    """Return what a run does."""
    if run.kind == "find-lr":
        return "learning-rate finder"
    if run.check:
        return "robustness check"
    if run.search:
        return "search"
    if run.trial:
        return "confirmation" if run.trial.confirms else "trial"
    return "training" if fine_tuned(run.config) else "instant baseline"


def _title(run: Run, more: str) -> None:
    word, colour, icon = STATES[run.status]
    st.markdown(
        f"**{escape(run.name)}** · {kind_words(run)} · {escape(model_words(run))} &nbsp; "
        f":{colour}-badge[{icon} {word}{', ' + more if more else ''}]"
    )


def _buttons(run: Run, stopping: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if may(Act.CANCEL, owner=run.owner) and st.button(
            "Stopping …" if stopping else "Cancel",
            key=f"train:cancel:{run.id}",
            disabled=stopping,
            icon=":material/stop_circle:",
            help=CANCEL_SEARCH if run.search else CANCEL,
        ):
            request_cancel(live_store.store(), run.id)
            live_store.refresh()
            st.rerun()
        link("runs", "Open", icon=":material/query_stats:", run=run.id)
