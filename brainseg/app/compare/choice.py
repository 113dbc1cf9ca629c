"""The choice of runs on the Compare page, by the visitor or by the address."""

from __future__ import annotations

from typing import Any

import streamlit as st

from brainseg.app import live_store, state
from brainseg.app.address import SHOWN, named_run, parameter, set_parameters
from brainseg.app.tasks import VIEWS
from brainseg.errors import RunError
from brainseg.results.comparison import MOST, EvaluatedRun
from brainseg.results.evaluated_runs import read_evaluated_run
from brainseg.results.markdown import escape
from brainseg.results.run_wording import model_words
from brainseg.runs import Run

RUNS = "runs"
"""Parameter of the address: the ids of the runs, separated by commas."""
FIRST = 3
"""Runs that are shown initially."""


def choose() -> list[Run]:
    """Draw the choice, and return the runs chosen, in order."""
    offered = {run.id: run for run in live_store.runs() if run.has_metrics and not run.is_inner}
    if state.COMPARED not in st.session_state:
        st.session_state[state.COMPARED] = _initial_choice(offered)
    else:  # drop runs that were deleted in the meantime
        st.session_state[state.COMPARED] = [run_id for run_id in st.session_state[state.COMPARED] if run_id in offered]
    chosen = st.multiselect(
        "Runs",
        list(offered),
        key=state.COMPARED,
        format_func=lambda run_id: _short(offered[run_id]),
        max_selections=MOST,
        placeholder="Choose two runs or more",
        help=f"Finished trainings of one task, newest first; {MOST} at most. Learning-rate searches have no metrics.",
    )
    set_parameters(**{RUNS: ",".join(chosen)})
    return [offered[run_id] for run_id in chosen]


def _initial_choice(offered: dict[str, Run]) -> list[str]:
    """Return the runs that the address names (`?runs=id,id`), or else the newest."""
    wanted = [part.strip() for part in parameter(RUNS).split(",") if part.strip()]
    if not wanted:
        tasks = {run.config.task for run in offered.values()}
        first = next((task for task in VIEWS if task in tasks), "")
        own = [run for run in offered.values() if run.config.task == first and not run.is_part]
        pooled = bool(own) and own[0].kind == "crossval"
        return [run.id for run in own if (run.kind == "crossval") == pooled][:FIRST]
    found = [(part, named_run(part, list(offered.values()))) for part in wanted]
    if missing := [part[:SHOWN] for part, (run, _) in found if run is None]:
        st.warning(
            f"No finished run, or more than one, matches {escape(' or '.join(missing))}: choose from the runs below.",
            icon=":material/link_off:",
        )
    known = list(dict.fromkeys(run.id for _, (run, _) in found if run))
    if len(known) > MOST:
        st.warning(f"The address names {len(known)} runs: the first {MOST} are shown.", icon=":material/filter_list:")
    return known[:MOST]


def _short(run: Run) -> str:
    """Return a run's label in the picker, short enough for six in one field."""
    what = "cross-validation of " if run.kind == "crossval" else ""
    return f"{run.name} · {what}{model_words(run)} · {run.id[:6]}"


def read_chosen(runs: list[Run]) -> list[EvaluatedRun[Any]]:
    """Read the chosen runs, and draw a warning for each that cannot be read."""
    found = []
    for run in runs:
        try:
            found.append(_read(live_store.store().uri, run.id, str(run.ended)))
        except RunError as error:
            st.warning(str(error), icon=":material/broken_image:")
    return found


@st.cache_resource(max_entries=50, show_spinner=False)
def _read(uri: str, run_id: str, ended: str) -> EvaluatedRun[Any]:
    """Cached: an ended run no longer changes. All visitors share the result: do not change it."""
    return read_evaluated_run(live_store.store(), live_store.run(run_id))
