"""The recently finished runs on the Train page: how they ended, and what can be done next."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from brainseg.app import live_store
from brainseg.app.frame import link
from brainseg.app.messages import end_reason
from brainseg.app.widgets.run_panels import log_panel
from brainseg.diagnosis.words import evaluation_sentence
from brainseg.jobs.actions import resubmit, retry
from brainseg.jobs.workspace import Workspace
from brainseg.results import stored_results
from brainseg.results.markdown import escape
from brainseg.results.robustness import finished_words
from brainseg.results.run_files import readable
from brainseg.results.run_wording import STATES, model_words, moment
from brainseg.results.search.reading import search_result
from brainseg.results.search.wording import result_sentences
from brainseg.runs import ENDED, FINAL, Run
from brainseg.users.policy import Act, may

SHOWN = 5
FOLDS_AGAIN = "Queues the folds that failed, were cancelled or have no run."
TRIALS_AGAIN = "Continues the search: interrupted trials from their last epoch, then further ones."
COMPARED = 3
"""Most models that a link to Compare names: this one, and the last ones to finish."""


def draw_ended(runs: list[Run]) -> None:
    """Draw the runs that ended last, with the reason if one failed or was stopped; for all folds, their parent.

    Args:
        runs: All runs of this home.
    """
    parents = {run.id for run in runs}
    shown = [run for run in runs if run.status in ENDED and run.ended and run.parent not in parents]
    ended = sorted(shown, key=_when, reverse=True)
    if not ended:
        return
    st.header("Recently finished", anchor=False)
    for run in ended[:SHOWN]:
        with st.container(border=True):
            _draw(run, ended)


def _when(run: Run) -> datetime:
    """Return when a run ended; one that has not ended counts as just created."""
    return run.ended or run.created


def rivals(run: Run, runs: list[Run]) -> list[Run]:
    """Return the other models of a run's task on its dataset, in the order of `runs`: those to compare it with."""
    return [
        other
        for other in runs
        if other.answers
        and other.id != run.id
        and (other.config.task, other.config.data.path) == (run.config.task, run.config.data.path)
    ]


def _draw(run: Run, runs: list[Run]) -> None:
    word, colour, icon = STATES[run.status]
    kind = {
        "crossval": " · cross-validation",
        "robustness": " · robustness check",
        "search": " · search",
    }.get(run.kind, "")
    what = f"{model_words(run)}{kind}"
    st.markdown(f"**{escape(run.name)}** · {escape(what)} &nbsp; :{colour}-badge[{icon} {word}]")
    st.caption(f"{moment(_when(run))}. {escape(outcome(run))}")
    with st.container(horizontal=True, vertical_alignment="center"):
        if run.status != "FINISHED" and not run.members:
            _draw_retry(run)
            if not run.check and may(Act.TRAIN):
                link("train", "Edit and retry", icon=":material/edit:", **{"from": run.id})
        link("runs", "Open", icon=":material/query_stats:", run=run.id)
        if run.answers:
            link("diagnose", "Diagnose with it", icon=":material/radiology:", run=run.id)
            if others := rivals(run, runs):
                ids = ",".join(each.id for each in (run, *others[: COMPARED - 1]))
                link("compare", "Compare", icon=":material/compare:", runs=ids)
    if run.status != "FINISHED":
        log = st.expander("Log", key=f"train:log:{run.id}", on_change="rerun")
        if log.open:  # the log is not read at every update while it is closed
            with log:
                log_panel(run)


def outcome(run: Run) -> str:
    """Return in one sentence how a run ended."""
    if run.status != "FINISHED":
        return end_reason(run)
    if run.search:
        return " ".join(result_sentences(search_result(live_store.store(), run)))
    if run.kind == "find-lr":
        return f"Suggests a learning rate of {run.metrics[FINAL + 'learning_rate']:.2e}; a search produces no model."
    if run.check:
        return finished_words(live_store.store(), run)
    return evaluation_sentence(live_store.details(run)["evaluation"] or {})


def _draw_retry(run: Run) -> None:
    epochs = epochs_kept(run)
    again = TRIALS_AGAIN if run.search else FOLDS_AGAIN
    how = f"Continues after epoch {epochs}, in the queue." if epochs else again
    if not may(Act.RESUME, owner=run.owner):
        return
    if (epochs or run.is_parent) and st.button(
        "Resume", key=f"train:resume:{run.id}", icon=":material/resume:", help=how
    ):
        resubmit(live_store.store(), run.id)
        _redraw()
    if st.button(
        "Retry",
        key=f"train:retry:{run.id}",
        icon=":material/replay:",
        help="A new run with the same settings, from the beginning.",
    ):
        retry(live_store.store(), run.id)
        _redraw()


def epochs_kept(run: Run) -> int:
    """Return the number of epochs after which an unfinished run can be resumed; 0 if it cannot."""
    if not (Workspace(run.id).results / "checkpoint").is_dir():
        return 0
    table = readable([], stored_results.epochs, live_store.store(), run)
    return 0 if table is None else len(table)


def _redraw() -> None:
    live_store.refresh()
    st.rerun()
