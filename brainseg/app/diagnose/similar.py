"""The training images that a model sees as most similar to the image, with their classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from brainseg.app import live_store
from brainseg.app.diagnose.members import Member
from brainseg.app.widgets.image import draw_png
from brainseg.app.widgets.run_image import run_image
from brainseg.errors import RunError, ScanError
from brainseg.results.markdown import escape
from brainseg.results.similar_cases import SHOWN, SimilarCases, similar_cases

if TYPE_CHECKING:
    from brainseg.diagnosis.answer import Diagnosis
    from brainseg.diagnosis.ensemble import Consensus

MEANING = (
    "Similar to this network, not to a radiologist: 1 is the same image, 0 an unrelated one. Neighbours of another "
    "class are a reason for doubt."
)


def show_similar(answer: Diagnosis | Consensus, members: Sequence[Member]) -> None:
    """Draw the similar training images of each model's own answer."""
    answers = getattr(answer, "members", (answer,))
    st.subheader("Similar training images", anchor=False)
    for each, member in zip(answers, members, strict=True):
        if len(members) > 1:
            st.markdown(f"**{escape(member.name)}**")
        if member.run.config.data.private:
            st.caption("The training images of this model are private, so they are not shown.")
            continue
        try:
            found = _found(live_store.store().uri, member.run.id, each.digest, each.image_sha256, each.features)
        except RunError as error:
            st.info(escape(str(error)))
            continue
        if found is None:
            st.caption("This run did not store what its training images look like to its network: train it again.")
        else:
            _draw(found, member)
    st.caption(MEANING)


@st.cache_data(max_entries=200, show_spinner=False)
def _found(uri: str, run_id: str, digest: str, image_sha256: str, _features: np.ndarray) -> SimilarCases | None:
    """Cached: the answer is drawn again with each change of its opacity."""
    return similar_cases(live_store.store(), live_store.run(run_id), _features)


def _draw(found: SimilarCases, member: Member) -> None:
    searched = f"{found.searched:,} training images"
    if found.searched < found.learnt:
        searched = f"{found.searched:,} of {found.learnt:,} training images, drawn at random"
    counted = " and ".join(f"{count} {escape(name)}" for name, count in found.labels.items())
    st.markdown(f"Of the {len(found.cases)} most similar among {searched}: {counted}.")
    for column, case in zip(st.columns(SHOWN, gap="small"), found.cases, strict=False):
        words = f"{case.label}, similarity {case.similarity:.2f}"
        with column:
            try:
                image = run_image(member.run, case.path, case.sha256)
            except ScanError:
                st.caption(f"{escape(words)}; the image was moved or changed")
                continue
            draw_png(image, f"Training image {case.path}: {words}", escape(words))
