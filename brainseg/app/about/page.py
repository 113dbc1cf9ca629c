"""About: versions, storage places, the card of the model in use, and how to cite."""

from __future__ import annotations

import re

import pandas as pd
import streamlit as st

from brainseg.app import live_store, state
from brainseg.app.about.audit_panel import audit_panel
from brainseg.app.about.facts import CITE_BRAINSEG, CITE_PAPER, places, readable_size, versions
from brainseg.app.frame import guarded, link, page
from brainseg.app.navigation import demo_mode
from brainseg.results.run_card import card_of
from brainseg.results.run_wording import run_label
from brainseg.runs import Run
from brainseg.users.actor import current
from brainseg.users.policy import Act, may

NO_MODEL = "There is no model yet: train one, and its card appears here."
HIDDEN = "This is a demo session: places on the server are not shown."
ONLY_ADMINS = "Places on the server are shown to administrators."
LICENCES = """
* brainseg is under the Apache License 2.0: free to use, change and share, without any warranty.
* The synthetic slices are drawn from the MNI152 templates that nilearn provides.
* Your own images and weights have their own licences, which may also bind a model trained on them.
"""


@st.fragment
@guarded
def card() -> None:
    """Show the model card of the promoted model, or of another one."""
    models = {run.id: run for run in live_store.runs() if run.offers_answers}
    promoted = live_store.promoted()
    if not promoted:
        st.info(NO_MODEL, icon=":material/info:")
        link("train", "Train a model", icon=":material/model_training:")
        return
    asked = st.query_params.get("run", promoted.id)
    ids = list(models)
    chosen = st.selectbox(
        "Model",
        ids,
        index=ids.index(asked if asked in models else promoted.id),
        format_func=lambda run_id: model_label(models[run_id], promoted),
        help="The model in use is the one that Diagnose offers first.",
    )
    text = card_of(live_store.store(), models[chosen])
    name = f"model-card-{chosen[:8]}.md"
    st.download_button(
        "Card as Markdown",
        text.encode(),
        name,
        "text/markdown",
        key="card",
        icon=":material/download:",
        on_click="ignore",
    )
    with st.container(border=True):
        st.markdown(nested(text))


def nested(card: str) -> str:
    """Return a model card with its headings one level lower, below those of the page."""
    return re.sub("^#", "##", card, flags=re.MULTILINE)


def model_label(run: Run, promoted: Run) -> str:
    """Return a model's label in the picker."""
    return f"{run_label(run)}{' · in use' if run.id == promoted.id else ''}"


@st.fragment
@guarded
def where() -> None:
    """Draw where everything is stored, with sizes on request."""
    found = places(live_store.store().uri)
    measure = st.button(
        "Measure sizes",
        key="measure-sizes",
        icon=":material/straighten:",
        help="This reads the size of every file and may take a while.",
    )
    table = pd.DataFrame(
        {
            "What": [place.what for place in found],
            "Where": [place.shown for place in found],
            "Note": [place.note for place in found],
        }
    )
    if measure:
        with st.spinner("Measuring …"):
            table.insert(1, "Size", [readable_size(place.path) for place in found])
    st.dataframe(table, hide_index=True, width="stretch")


def _sees_audit() -> bool:
    """Return whether the visitor sees the audit log: an administrator, or whoever sits at this machine."""
    visitor = current()
    return may(Act.SEE_AUDIT, visitor) and (visitor.signed_in or not visitor.confined)


def draw() -> None:
    """Draw the page."""
    with page("About", "Versions, the model in use, where files are stored, and how to cite brainseg."):
        names = ["Model card", "Versions", "Places", "Cite and licences"]
        audited = _sees_audit()
        card_tab, versions_tab, places_tab, cite_tab, *more = st.tabs(
            [*names, "Audit log"] if audited else names, key=state.ABOUT_TAB, on_change="rerun"
        )
        if audited and more[0].open:
            with more[0]:
                audit_panel()
        with card_tab:
            card()
        with versions_tab:
            st.dataframe(
                pd.DataFrame(versions(), columns=["Name", "Version", "Used for"]), hide_index=True, height="content"
            )
        with places_tab:
            if demo_mode():
                st.info(HIDDEN, icon=":material/info:")
            elif current().has("admin"):
                where()
            else:
                st.info(ONLY_ADMINS, icon=":material/info:")
        with cite_tab:
            st.markdown("Please cite brainseg, with its version:")
            st.code(CITE_BRAINSEG, language=None)
            st.markdown(
                "and the paper whose recipe it reproduces, [DOI 10.47750/pnr.2024.14.01.03]"
                "(https://doi.org/10.47750/pnr.2024.14.01.03):"
            )
            st.code(CITE_PAPER, language=None)
            st.markdown(LICENCES)
