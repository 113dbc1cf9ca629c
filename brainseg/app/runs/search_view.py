"""A search on the Runs page: its trials, live or ended, the winner with its confirmation, and the plots."""

from __future__ import annotations

import streamlit as st

from brainseg.app import live_store
from brainseg.app.charts import chart
from brainseg.app.frame import dark, guarded, link, offer_csv
from brainseg.app.runs.live_parent import EVERY, current
from brainseg.app.tasks import Panels
from brainseg.results.exports import file_stem
from brainseg.results.markdown import escape
from brainseg.results.search.reading import search_result
from brainseg.results.search.result import SearchResult
from brainseg.results.search.tables import plots_of, trials_table
from brainseg.results.search.wording import head_sentence, result_sentences
from brainseg.runs import ENDED, Run

SHOWN = 20
"""Most trials with a link."""


@st.fragment(run_every=EVERY)
@guarded
def live_trials(run_id: str) -> None:
    """Draw a search that has not ended, and keep it up to date."""
    trials_panel(current(run_id))


def search_panels() -> Panels:
    """Return the panels of an ended search."""
    return {"Trials": trials_panel, "Parallel coordinates": parallel_panel, "Importance": importance_panel}


@guarded
def trials_panel(run: Run) -> None:
    """The winner, its confirmation, the best value so far, and the table of trials."""
    result = search_result(live_store.store(), run)
    if run.trials and run.status not in ENDED:
        st.progress(min(1.0, run.trials.ended / run.trials.total), f"{run.trials.words()}.")
    else:
        st.markdown(escape(head_sentence(result)))
    for sentence in result_sentences(result):
        st.markdown(f"- {escape(sentence)}")
    table = trials_table(result)
    _plot(result, "best_so_far")
    st.dataframe(
        table.drop(columns="run_id"),
        hide_index=True,
        width="stretch",
        height="content" if len(table) <= SHOWN else "auto",
        column_config={"value": st.column_config.NumberColumn(format="%.3f")},
        placeholder="–",
        key="trials-table",
        alt="Trials of the search",
    )
    with st.container(horizontal=True):
        shown = sorted(result.trials, key=lambda trial: -1.0 if trial.value is None else trial.value, reverse=True)
        if result.confirmation:
            _open(result.confirmation.run)
        for trial in shown[:SHOWN]:
            _open(trial.run)
    offer_csv("Trials as CSV", table, f"trials-{file_stem(run)}", "trials-csv")


def _open(run: Run) -> None:
    link("runs", f"Open {run.name}", icon=":material/query_stats:", run=run.id)


@guarded
def parallel_panel(run: Run) -> None:
    """The settings of the trials as lines over parallel axes."""
    _plot(search_result(live_store.store(), run), "parallel")


@guarded
def importance_panel(run: Run) -> None:
    """How much each setting mattered."""
    result = search_result(live_store.store(), run)
    _plot(result, "importance")
    st.caption(
        "Optuna's PED-ANOVA: how differently the settings of the better trials are distributed from those of all "
        "trials. With few trials, this is a rough estimate; a setting with a narrow range seems unimportant."
    )


def _plot(result: SearchResult, name: str) -> None:
    figure = plots_of(result, dark=dark())[name]
    chart(figure, f"search-{name}", name=f"{name}-{file_stem(result.search)}")
