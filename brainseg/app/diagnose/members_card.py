"""The evidence for the joint answer of several classifiers, and how well each of them and all together did."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from brainseg.app.diagnose.members import Member
from brainseg.diagnosis.ensemble import Consensus
from brainseg.diagnosis.operating_words import operating_lines
from brainseg.diagnosis.outcome_words import NOT_EVALUATED, members_sentence
from brainseg.diagnosis.words import evaluation_sentence
from brainseg.results.markdown import escape

DISAGREES = ":material/call_split:"
"""Icon of a member of an ensemble that predicts another class."""


def agreement_of_members(answer: Consensus) -> str:
    """Return the range and the standard deviation of the members' probabilities of the predicted class, as Markdown."""
    return f"**Agreement of the members.** {escape(members_sentence(answer))}"


def show_members(answer: Consensus, members: Sequence[Member]) -> None:
    """Draw how far the members of an ensemble disagree."""
    st.markdown(agreement_of_members(answer))
    for other in answer.dissenters:
        st.warning(f"Disagrees: {escape(other.sentence)}", icon=DISAGREES)
    table = pd.DataFrame(
        {
            "Model": [member.model for member in answer.members],
            "Prediction": [member.label for member in answer.members],
            f"Score of {answer.label}": [
                member.certainty.write(member.probabilities[answer.label]) for member in answer.members
            ],
        }
    )
    st.dataframe(table, hide_index=True, width="stretch")
    show_evaluations(members)
    _show_joint_evaluation(answer)


def _show_joint_evaluation(answer: Consensus) -> None:
    if answer.ensemble is None:
        st.caption(NOT_EVALUATED)
        return
    described = answer.ensemble.description
    st.caption(f"**{escape(answer.ensemble.name)}** {escape(evaluation_sentence(described.validation))}")
    lines = operating_lines(described.decides, described.positive, len(described.classes))
    st.caption(escape(" ".join(lines)))


def show_evaluations(members: Sequence[Member]) -> None:
    """Draw how well each model did on held-out images, and how it decides."""
    for member in members:
        described = member.description
        st.caption(f"**{escape(member.name)}** {escape(evaluation_sentence(described.validation))}")
        if described.operating_point:
            lines = operating_lines(described.operating_point, described.positive, len(described.classes))
            st.caption(escape(" ".join(lines)))
