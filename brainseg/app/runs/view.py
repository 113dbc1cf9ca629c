"""The Runs page: the choice of a run, its head, and the panels that fit its state."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from brainseg.app import state
from brainseg.app.address import named_run, parameter, set_parameters
from brainseg.app.frame import link
from brainseg.app.messages import end_reason
from brainseg.app.runs.actions import OFFERED, draw_actions
from brainseg.app.runs.crossval_view import folds_panel, live_folds, result_panels
from brainseg.app.runs.ensemble_view import ensemble_panels
from brainseg.app.runs.leaks_panel import leaks_panel
from brainseg.app.runs.record_panels import data_panel, settings_panel
from brainseg.app.runs.robustness_panel import TAB, check_panel, robustness_panel
from brainseg.app.runs.search_view import live_trials, search_panels
from brainseg.app.tasks import Panels, view_of
from brainseg.app.widgets.live_run import live_view
from brainseg.app.widgets.run_panels import log_panel, training_panel
from brainseg.results.dataset_names import dataset_namer
from brainseg.results.markdown import escape
from brainseg.results.run_wording import STATES, lasted, model_words, moment, run_label
from brainseg.results.search.wording import METHODS
from brainseg.runs import ENDED, Run
from brainseg.runs.labels import tag_text
from brainseg.runs.run import default_run

NO_RUNS = "There are no runs yet. Train a model, and it appears here at once."
RECORD: Panels = {"Settings": settings_panel, "Data and split": data_panel, "Log": log_panel}
KINDS = {"find-lr": "learning-rate search only", "robustness": "robustness check"}
"""Kind of a run that trains nothing to the end -> what it is."""
CONFIRMATION = "confirmation of a search's best trial on images that no trial has seen"
TRIAL = "trial {} of a search, which chose on the images of its metrics"


def choose_run(runs: list[Run]) -> Run | None:
    """Return the run that the address names, and draw a field to choose another; None if it names none.

    If the run does not exist, the page shows a warning and no other run in its place.
    """
    wanted = parameter("run")
    if not wanted:
        return None
    run, problem = named_run(wanted, runs)
    if run is None:
        st.warning(problem, icon=":material/link_off:")
        return None
    set_parameters(run=run.id)
    by_id = {each.id: each for each in runs}
    st.session_state[state.SHOWN_RUN] = run.id
    left, right = st.columns([5, 1], vertical_alignment="bottom")
    left.selectbox(
        "Run",
        list(by_id),
        format_func=lambda run_id: run_label(by_id[run_id]),
        key=state.SHOWN_RUN,
        on_change=_write_choice,
        help="Newest first. Type to search: name, state, model, date or id. All runs shows them as a table.",
    )
    with right:
        link("runs", "All runs", icon=":material/table_rows:")
    return run


def _write_choice() -> None:
    set_parameters(run=st.session_state[state.SHOWN_RUN])


def draw_run(run: Run, runs: list[Run]) -> None:
    """Draw everything about a run.

    Args:
        run: The run.
        runs: All runs.
    """
    _head(run, runs)
    draw_actions(run, runs)
    if run.kind == "crossval":
        _crossval(run)
    elif run.search:
        _search(run)
    elif run.status not in ENDED:
        live_view(run.id)
    elif run.kind == "robustness":
        _check(run)
    elif run.status == "FINISHED" and run.kind == "train":
        measured: Panels = {"Leaks": leaks_panel, TAB: robustness_panel}
        _panels(run, view_of(run.config.task).run_panels() | measured | RECORD)
    elif run.members:
        _ensemble(run)
    elif run.status == "FINISHED":
        training_panel(run)
        _panels(run, RECORD)
    else:
        _unfinished(run)


def _check(run: Run) -> None:
    if run.status == "FINISHED":
        check_panel(run)
    else:
        _ended_early(run)
    with st.expander("Log", icon=":material/notes:"):
        log_panel(run)


def _ensemble(run: Run) -> None:
    if run.status == "FINISHED":
        _panels(run, ensemble_panels(run))
    else:
        _ended_early(run)


def _crossval(run: Run) -> None:
    if run.status not in ENDED:
        live_folds(run.id)
    elif run.status == "FINISHED":
        record = {name: panel for name, panel in RECORD.items() if name != "Log"}  # each fold has its own
        _panels(run, result_panels(run) | record)
    else:
        _panels(run, {"Folds": folds_panel, "Settings": settings_panel})


def _search(run: Run) -> None:
    if run.status not in ENDED:
        live_trials(run.id)
        return
    if run.reason:
        (st.info if run.status == "FINISHED" else st.warning)(escape(end_reason(run)), icon=STATES[run.status][2])
    _panels(run, {**search_panels(), "Settings": settings_panel})


def _head(run: Run, runs: list[Run]) -> None:
    word, colour, icon = STATES[run.status]
    with st.container(horizontal=True):
        st.badge(word, color=colour, icon=icon)
        offered = default_run(runs, run.config.task)
        if offered is not None and offered.id == run.id:
            st.badge("offered first in Diagnose", color="violet", icon=OFFERED)
        for tag in run.tags.items():
            st.badge(escape(tag_text(*tag)), color="gray", icon=":material/sell:")
    st.markdown(head_words(run))
    if run.note:
        st.markdown(f"> {escape(run.note)}")


def head_words(run: Run) -> str:
    """Return the network, preset, dataset and time of a run, as Markdown."""
    what = KINDS.get(run.kind, f"preset {escape(run.config.preset)}")
    if run.members:
        what = f"joining the runs {escape(', '.join(member.name for member in run.members))}"
    if run.plan:
        repeats = f", {run.plan.repeats} times" if run.plan.repeats > 1 else ""
        what = f"cross-validation with {run.plan.folds} folds{repeats}, {what}"
    if run.search:
        what = f"{METHODS[run.search.method]} over {', '.join(run.search.names)}, {what}"
    if run.trial:
        what = f"{CONFIRMATION if run.trial.confirms else TRIAL.format(run.trial.number)}, {what}"
    return f"{escape(model_words(run))}, {what}, on {escape(dataset_namer()(run))}; {when_words(run)}"


def when_words(run: Run) -> str:
    """Return when a run was queued or started, and how long it took."""
    if run.status == "SCHEDULED":
        return f"queued {moment(datetime.fromtimestamp(run.queued, UTC) if run.queued else run.created)}"
    if not run.started and run.status == "KILLED":  # it may have been stopped in the queue
        return f"created {moment(run.created)}"
    return f"started {moment(run.begun)}" + (f", took {lasted(run)}" if run.ended else "")


def _panels(run: Run, panels: Panels) -> None:
    """Draw tabs, and fill only the open one."""
    tabs = st.tabs(list(panels), key=state.RUN_PANEL, on_change="rerun", bind="query-params")
    for tab, draw in zip(tabs, panels.values(), strict=True):
        if tab.open:
            with tab:
                draw(run)


def _ended_early(run: Run) -> None:
    draw = st.error if run.status == "FAILED" else st.warning
    draw(escape(end_reason(run)), icon=STATES[run.status][2])


def _unfinished(run: Run) -> None:
    _ended_early(run)
    with st.expander("Log", icon=":material/notes:"):
        log_panel(run)
    _panels(run, {"Training": training_panel, "Settings": settings_panel, "Data and split": data_panel})


def no_runs() -> None:
    """Draw what to do while there are no runs."""
    st.info(NO_RUNS, icon=":material/info:")
    link("train", "Train a model", icon=":material/model_training:")
