"""The choice of the segmentation model on Diagnose, used with the classifiers or alone."""

from __future__ import annotations

import streamlit as st

from brainseg.app import live_store, state
from brainseg.app.diagnose.address import clear_missing
from brainseg.app.diagnose.members import Member, run_words, with_model
from brainseg.diagnosis.words import evaluation_sentence
from brainseg.evaluation.stored import as_validation
from brainseg.models.validation import Validation
from brainseg.results.markdown import escape

NO_MODEL = ""


def choose_segmentation_model(alone: bool, volumes: bool = False) -> Member | None:
    """Draw the picker of segmentation models; None if there is none, none is wanted, or it takes no single images.

    Args:
        alone: Whether there is no classifier: the visitor must then choose a segmentation model.
        volumes: Whether it is to mark volumes, which may have the sequences that a model needs side by side.

    Raises:
        BundleError: The chosen model's bundle is missing or damaged.
    """
    promoted, usable = live_store.promoted("segment"), with_model("segment")
    if promoted is None:
        return None
    offered = [*usable] if alone else [NO_MODEL, *usable]
    clear_missing(state.SEGMENTATION_MODEL, offered)
    chosen = st.selectbox(
        "Segmentation model",
        offered,
        index=offered.index(promoted.id),
        format_func=lambda run_id: run_words(usable[run_id], promoted) if run_id else "no model",
        key=state.SEGMENTATION_MODEL,
        help="All finished segmentation runs. The promoted run comes first, or else the one that finished last.",
    )
    if chosen == NO_MODEL:
        return None
    model = Member.of(usable[chosen])
    st.caption(f"**{escape(model.name)}** {escape(evaluation_words(model))}")
    if not volumes and (sentence := refusal(model)):
        st.warning(escape(sentence), icon=":material/warning:")
        return None
    return model


def evaluation_words(model: Member) -> str:
    """Return how good a model's masks were on held-out slices, with the number of patients that the run recorded."""
    evaluation = live_store.details(model.run)["evaluation"]
    recorded = as_validation(evaluation) if evaluation else Validation()
    return evaluation_sentence({**recorded, **model.description.validation})


def refusal(model: Member) -> str:
    """Return why a model cannot take single images, each of which stands for a slice here; "" if it can."""
    sequences = model.description.modalities or ()
    if len(sequences) < 2:
        return ""
    return (
        f"{model.description.name} needs {len(sequences)} images of each slice ({', '.join(sequences)}), not a single "
        "one: choose another model, or Volume above for a study with all of them."
    )
