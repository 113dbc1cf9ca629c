"""The Runs page without a run in its address: the table of all runs, and the buttons for several of them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from brainseg.app import live_store
from brainseg.app.address import copy_link
from brainseg.app.frame import guarded, link, offer_csv
from brainseg.app.runs.actions import announce
from brainseg.app.tasks import view_of
from brainseg.errors import BrainsegError
from brainseg.files import sha256_bytes
from brainseg.jobs.actions import delete
from brainseg.models.ensemble import LEAST_MEMBERS, MOST_MEMBERS
from brainseg.results.dataset_names import dataset_namer
from brainseg.results.ensembles.making import make_ensemble
from brainseg.results.markdown import escape
from brainseg.results.run_table import METRICS, Filters, filtered, runs_table, unreadable_table
from brainseg.runs import Run
from brainseg.runs.crossval import nested
from brainseg.users.policy import Act, may

COMPARED = 6
"""Most runs that Compare shows."""
EMPTY_COLUMNS = ("Accuracy", "Dice", *METRICS, "Tags", "Note", "Owner")
"""Columns that are left out if they are empty for all runs."""
NO_MATCH = "No run matches these filters: change or clear some of them."
HOW = "Click a column's title to sort. Tick rows on the left to open, compare or delete runs."


@guarded
def draw_overview(runs: list[Run]) -> None:
    """Draw the filters, the table, and the buttons for the ticked rows.

    Args:
        runs: All runs, at least one, newest first.
    """
    table = runs_table([run for run in nested(runs) if isinstance(run, Run)], dataset_namer())
    found = filtered(table, _filters(table))
    st.markdown(f"**{len(found)} of {len(table)}** runs. {HOW}")
    if found.empty:
        st.info(NO_MATCH, icon=":material/filter_alt_off:")
        return
    ticked = _draw_table(found)
    _buttons([run for run in runs if run.id in ticked], found)


@guarded
def draw_unreadable() -> None:
    """List the runs that this version of brainseg cannot read, each with the reason; draw nothing if there are none."""
    if unreadable := live_store.unreadable():
        st.markdown(f"**{len(unreadable)}** of the stored runs cannot be read.")
        st.dataframe(unreadable_table(unreadable), hide_index=True, width="stretch", key="unreadable-runs")


def _filters(table: pd.DataFrame) -> Filters:
    """Draw the filters, which Streamlit writes into the address."""
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    text = left.text_input(
        "Search",
        key="find",
        bind="query-params",
        placeholder="Words in any order, such as: resnet18 finished kaggle",
        help="Finds runs with every word in their name, state, task, model, dataset, tags, note, score or date.",
    )
    with right.popover("Filters", icon=":material/filter_alt:", width="stretch", key="filters"):
        states, tasks, models, datasets = (
            _pick(name, set(table[name])) for name in ("State", "Task", "Model", "Dataset")
        )
        owners = _pick("Owner", set(table["Owner"]) - {""}) if table["Owner"].any() else []
        tags = _pick("Tag", {tag for tags in table["Tags"] for tag in tags})
        least, most = (
            st.number_input(
                f"Accuracy or Dice of at {key}",
                0.0,
                1.0,
                None,
                0.05,
                key=key,
                bind="query-params",
                placeholder="Any",
                help="Dice for segmentation, accuracy for classification.",
            )
            for key in ("least", "most")
        )
    return Filters(text or "", states, tasks, models, datasets, tags, least, most, owners)


def _pick(label: str, options: set[str]) -> list[str]:
    key = label.lower()  # a parameter of the address
    return st.multiselect(label, sorted(options), key=key, bind="query-params", placeholder="Any")


def _draw_table(found: pd.DataFrame) -> set[str]:
    """Draw the table, and return the ids of the ticked rows."""
    shown = found.drop(columns=[name for name in EMPTY_COLUMNS if _is_empty(found[name])])
    # Streamlit stores ticks by row number: a table with other rows needs another key, or ticks would move.
    key = sha256_bytes(" ".join(found.index).encode())[:12]
    chosen = st.dataframe(
        shown,
        hide_index=True,
        width="stretch",
        height=min(36 * len(shown) + 38, 560),
        column_config=_columns(),
        placeholder="–",
        on_select="rerun",
        selection_mode="multi-row",
        key=f"all-runs-{key}",
        alt="All runs that match the filters",
    )
    rows = [row for row in chosen["selection"]["rows"] if row < len(found)]
    return set(found.index[rows])


def _is_empty(column: pd.Series) -> bool:
    return not (column.map(bool) & column.notna()).any()


def _columns() -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "Name": st.column_config.TextColumn(pinned=True),
        **{name: number(format="%.3f") for name in METRICS if name != "n"},
        "95 % low": number(format="%.3f", help="Lower end of the 95 % interval of accuracy or Dice."),
        "95 % high": number(format="%.3f", help="Upper end of the 95 % interval of accuracy or Dice."),
        "n": number(format="localized", help="Images or slices on which the run was evaluated."),
        "Created": st.column_config.DatetimeColumn("Created (UTC)", format="YYYY-MM-DD HH:mm"),
        "Minutes": number("Took (min)", format="%.1f"),
        "Tags": st.column_config.ListColumn(width="medium"),
        "Id": st.column_config.TextColumn(help="First digits of the id, which commands and addresses accept."),
    }


def _buttons(ticked: list[Run], found: pd.DataFrame) -> None:
    models = [run for run in ticked if run.has_metrics]
    with st.container(horizontal=True, vertical_alignment="center"):
        if len(ticked) == 1:
            link("runs", f"Open {ticked[0].name}", icon=":material/open_in_full:", run=ticked[0].id)
        if len(ticked) > 1 and not (reason := not_comparable(ticked, models)):
            link("compare", f"Compare {len(models)} runs", icon=":material/compare:", runs=_ids(models))
        if can_join(ticked) and may(Act.TRAIN):
            _join(ticked)
        if ticked and all(may(Act.DELETE_RUN, owner=run.owner) for run in ticked):
            with st.popover(f"Delete {len(ticked)} …", icon=":material/delete:", key="delete-many"):
                _delete(ticked)
        offer_csv("Table as CSV", _for_csv(found), "runs", "runs-csv")
        copy_link()
    if len(ticked) > 1 and reason:
        st.caption(reason)


def can_join(ticked: list[Run]) -> bool:
    """Return whether the button for an ensemble is offered: for classifiers, whose fit is checked when it is made."""
    fitting = all(run.offers_model and not view_of(run.config.task).masks for run in ticked)
    return fitting and LEAST_MEMBERS <= len(ticked) <= MOST_MEMBERS


@guarded
def _join(ticked: list[Run]) -> None:
    if st.button(
        f"Join {len(ticked)} as ensemble",
        key="join-runs",
        icon=":material/join:",
        help="A new run that answers with the mean of these models, evaluated on images that all of them held out.",
    ):
        made = make_ensemble(live_store.store(), ticked)
        announce(f"{made.name} joins {', '.join(run.name for run in ticked)}: tick it to open it.")


def not_comparable(ticked: list[Run], models: list[Run]) -> str:
    """Return why Compare cannot show these runs; "" if it can.

    Args:
        ticked: The chosen runs.
        models: Those of them that have metrics.
    """
    if others := [run.name for run in ticked if run not in models]:
        return f"Only finished trainings can be compared: untick {escape(', '.join(others[:3]))}."
    if len({run.config.task for run in models}) > 1:
        return "Only runs of one task can be compared: tick classifications or segmentations."
    if len({run.kind == "crossval" for run in models}) > 1:
        return "A cross-validation can be compared only with other cross-validations: tick one kind."
    if len(models) > COMPARED:
        return f"Compare shows at most {COMPARED} runs: tick fewer."
    return ""


def _ids(runs: list[Run]) -> str:
    return ",".join(run.id for run in runs)


@guarded
def _delete(ticked: list[Run]) -> None:
    names = ", ".join(escape(run.name) for run in ticked[:10])
    more = f" and {len(ticked) - 10} more" if len(ticked) > 10 else ""
    parents = any(run.is_parent for run in ticked)
    folds = " Cross-validations and searches are deleted with all their runs." if parents else ""
    st.markdown(f"Deletes **{names}**{more} with their models, plots and logs.{folds} This cannot be undone.")
    typed = st.text_input(f"Type {len(ticked)} to confirm", key=f"delete-{_key(ticked)}", autocomplete="off")
    if st.button("Delete for good", type="primary", disabled=typed.strip() != str(len(ticked)), key="delete-many-now"):
        deleted, refused = delete_all(ticked)
        announce(f"{deleted} of {len(ticked)} runs are deleted.", refused)


def delete_all(runs: list[Run]) -> tuple[int, list[str]]:
    """Delete runs one by one; return how many are gone, and a sentence for each that is not."""
    deleted: set[str] = set()
    refused = []
    # An ensemble needs its members, and a cross-validation is deleted with its folds.
    for run in sorted(runs, key=lambda run: (not run.members, bool(run.parent))):
        if run.parent in deleted:
            deleted.add(run.id)
            continue
        try:
            delete(live_store.store(), run.id)
            deleted.add(run.id)
        except BrainsegError as error:
            refused.append(f"{run.name}: {error}")
    return len(deleted), refused


def _key(runs: list[Run]) -> str:
    return sha256_bytes(_ids(runs).encode())[:12]


def _for_csv(found: pd.DataFrame) -> pd.DataFrame:
    tags = found["Tags"].map("; ".join)
    return found.assign(Tags=tags, Id=found.index).reset_index(drop=True)
