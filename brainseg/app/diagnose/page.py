"""Diagnose: upload slices, and see what models predict, where they looked and what they mark."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from brainseg.app import live_store
from brainseg.app import model_cache as models
from brainseg.app.address import copy_link
from brainseg.app.diagnose.address import preselect, remember
from brainseg.app.diagnose.answers import answer_all
from brainseg.app.diagnose.cases import Case, choose_cases
from brainseg.app.diagnose.marker import choose_marker
from brainseg.app.diagnose.members import Member, Wishes, choose_members, choose_wishes
from brainseg.app.diagnose.results import STYLE, show_results
from brainseg.app.diagnose.waiting import all_ready, invite, wait_for_loading, wait_for_model
from brainseg.app.frame import page


def draw_answers(cases: Sequence[Case], members: Sequence[Member], marker: Member | None, wishes: Wishes) -> None:
    """Draw what there is to see: an invitation, a model on its way, or the answers."""
    asked = [*members, marker] if marker else members
    if live_store.promoted() is None:
        wait_for_model()
    elif not all_ready(asked):
        wait_for_loading(asked)
    elif cases and asked:
        with st.container(key="answer"):
            show_results(answer_all(cases, members, wishes, marker), members, marker)
            if "sample" in st.session_state:  # uploads belong to their session alone
                copy_link()
    else:
        invite(bool(members), bool(marker))


def draw() -> None:
    """Draw the page."""
    with page("Diagnose", "Upload brain MRI slices to see the model's prediction and the regions that influenced it."):
        st.html(STYLE)
        models.warm_up()
        left, right = st.columns([1, 3], gap="medium")
        with left:
            inputs = st.container()
            preselect()
            members = choose_members()
            marker = choose_marker(alone=not members)
            wishes = choose_wishes(members) if members else Wishes()
            remember(members, marker, wishes)
            with inputs:
                cases = choose_cases([*members, marker] if marker else members)
        with right:
            draw_answers(cases, members, marker, wishes)
