"""Which model marks tumours on Diagnose, beside the classifiers or alone."""

from __future__ import annotations

import streamlit as st

from brainseg.app import live_store
from brainseg.app.diagnose.address import PICKERS, forget_gone
from brainseg.app.diagnose.members import Member, run_words, with_model
from brainseg.diagnosis.words import judged
from brainseg.results.markdown import escape

NOBODY = ""


def choose_marker(alone: bool) -> Member | None:
    """Draw the picker of segmentation models; None where there is none, none is wanted, or it takes no single image.

    Args:
        alone: There is no classifier to ask, so that one of them must be chosen.

    Raises:
        BundleError: The chosen model's bundle is missing or damaged.
    """
    promoted, usable = live_store.promoted("segment"), with_model("segment")
    if promoted is None:
        return None
    offered, picker = [*usable] if alone else [NOBODY, *usable], PICKERS["segment"]
    forget_gone(picker, offered)
    chosen = st.selectbox(
        "Segmentation model",
        offered,
        index=offered.index(promoted.id),
        format_func=lambda run_id: run_words(usable[run_id], promoted) if run_id else "no model",
        key=picker,
        help="All finished runs that segment; the promoted one comes first, or else the one that finished last.",
    )
    if chosen == NOBODY:
        return None
    marker = Member.of(usable[chosen])
    st.caption(f"**{escape(marker.name)}** {escape(worth(marker))}")
    if sentence := refusal(marker):
        st.warning(escape(sentence), icon=":material/warning:")
        return None
    return marker


def worth(marker: Member) -> str:
    """Say how good its masks were on held-out slices; the run's evaluation knows of how many patients."""
    evaluation = live_store.details(marker.run)["evaluation"]
    return judged({**evaluation, **marker.description.validation})


def refusal(marker: Member) -> str:
    """Say why a model cannot mark the images that are put in here, each of which stands for a slice; "" if it can."""
    modalities = marker.description.modalities or ()
    if len(modalities) < 2:
        return ""
    return (
        f"{marker.description.name} needs {len(modalities)} images of each slice ({', '.join(modalities)}) and cannot "
        "mark a single one: choose another model, or give them to `predict --mask` on the command line."
    )
