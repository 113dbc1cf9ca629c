"""How stable the answer of each model is, measured when the visitor asks for it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from brainseg.app import model_cache, state
from brainseg.app.diagnose.members import Member
from brainseg.diagnosis.calibrated import Certainty
from brainseg.results.markdown import escape
from brainseg.scans import Scan

HELP = (
    "Asks the model again about slightly changed versions of the image, and with random parts of the network left out. "
    "A stable answer may still be wrong."
)


def show_stability(scan: Scan, members: Sequence[Member]) -> None:
    """Draw a switch, and if it is on, a sentence for each model."""
    if not st.toggle("How stable is the answer?", key=state.STABILITY, help=HELP):
        return
    for member in members:
        named = f"**{escape(member.name)}** " if len(members) > 1 else ""
        st.markdown(f"{named}{escape(_sentence(member.run.id, member.version, scan.sha256, scan))}")


@st.cache_data(max_entries=200, show_spinner="Asking again")
def _sentence(run_id: str, version: str, sha256: str, _scan: Scan) -> str:
    """Cached: the card is drawn again with each change of its opacity."""
    from brainseg.diagnosis.uncertainty import measure_uncertainty, uncertainty_sentence

    predictor = model_cache.predictor(run_id)
    certainty = Certainty((predictor.description.calibration,))
    return uncertainty_sentence(measure_uncertainty(predictor, _scan), certainty.write)
