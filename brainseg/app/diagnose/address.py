"""Diagnose's address: it names the models, the sample and the heatmap for a link, and chooses them in a new visit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from brainseg.app import live_store
from brainseg.app.address import keep, named_run, parameter
from brainseg.results.markdown import escape
from brainseg.runs import Run

if TYPE_CHECKING:
    from brainseg.app.diagnose.members import Member, Wishes

PICKERS = {"classify": "model", "segment": "marker"}
"""Task -> key of the picker of its models."""
RUN, MARKER, NOBODY = "run", "marker", "none"
"""Parameters of the address, and the marker that stands for none."""
OTHERS, EXPLAIN, METHOD, LAYER = "with", "explain", "method", "layer"
"""Parameters of the address: the other members of an ensemble, by their ids with commas, and the heatmap's settings."""
_ASKED = "asked for"


def preselect() -> None:
    """Start with the run that the address names; say so where it has no model."""
    wanted, marker, promoted = parameter(RUN), parameter(MARKER), live_store.promoted()
    if promoted is None or not wanted:
        return
    if st.session_state.get(_ASKED) == (wanted, marker) and any(key in st.session_state for key in PICKERS.values()):
        return  # without the pickers' choices, which end with a visit, the visitor has come back to this address
    st.session_state[_ASKED] = (wanted, marker)
    models = [run for run in live_store.runs() if run.has_model]
    found, _ = named_run(wanted, models)
    shown = found or promoted
    st.session_state[PICKERS[shown.config.task]] = shown.id
    if marker == NOBODY:
        st.session_state[PICKERS["segment"]] = ""
    elif (beside := named_run(marker, models)[0]) and beside.config.task == "segment":
        st.session_state[PICKERS["segment"]] = beside.id
    if not found:
        st.info(
            f"The run {escape(wanted[:8])} that this address names has no model here (yet): {escape(promoted.name)} is "
            "shown instead.",
            icon=":material/info:",
        )


def remember(members: Sequence[Member], marker: Member | None, wishes: Wishes) -> None:
    """Keep what is asked, of which models, in the address, so that a link asks the same tomorrow."""
    if not members and not marker:
        return
    first = members[0] if members else marker
    beside = "" if not members else marker.run.id if marker else NOBODY if live_store.promoted("segment") else ""
    keep(
        **{
            RUN: first.run.id,
            MARKER: beside,
            OTHERS: ",".join(member.run.id for member in members[1:]),
            EXPLAIN: wishes.explain,
            METHOD: wishes.method,
            LAYER: str(wishes.stage) if wishes.stage else "",
        }
    )
    st.session_state[_ASKED] = (first.run.id, beside)


def named_others(fitting: dict[str, Run], most: int) -> list[str]:
    """Return the ids of the other members that the address names, those that fit; at most as many as may be chosen."""
    named = [named_run(wanted, list(fitting.values()))[0] for wanted in parameter(OTHERS).split(",") if wanted.strip()]
    return list(dict.fromkeys(run.id for run in named if run))[:most]


def new_visit() -> bool:
    """Say whether the heatmap's settings were not drawn yet in this visit, so that those of the address count."""
    return METHOD not in st.session_state


def named_option(name: str, offered: Iterable[object]) -> object | None:
    """Return the option that a parameter of the address names; None where it names none."""
    return next((option for option in offered if str(option) == parameter(name)), None)


def forget_gone(picker: str, offered: Iterable[str]) -> None:
    """Forget a chosen run that is not offered any more."""
    if st.session_state.get(picker) not in offered:
        st.session_state.pop(picker, None)
