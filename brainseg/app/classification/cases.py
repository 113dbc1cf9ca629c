"""Single images of a run: their class, the prediction, and where the model looked."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd
import streamlit as st

from brainseg.app import live_store, model_cache, state
from brainseg.app.widgets.run_image import State, image_state, png, run_image
from brainseg.diagnosis.calibrated import write_value
from brainseg.errors import BrainsegError, ScanError
from brainseg.results import stored_results as run_results
from brainseg.results.markdown import escape
from brainseg.results.run_images import read_image
from brainseg.runs import Run

COLUMNS = 3
LOOKED = "The colours show where the model looked, not where the tumour is."


def draw_cases(run: Run, cases: pd.DataFrame, key: str, *, all_maps: bool = False) -> None:
    """Draw images in rows, each with its heatmap on request.

    Args:
        run: An ended run.
        cases: Rows of its predictions.
        key: Unique on the page.
        all_maps: Draw every heatmap at once.
    """
    digests = run_results.digests(live_store.store(), run)
    records: list[dict[Hashable, Any]] = cases.to_dict(orient="records")
    for start in range(0, len(records), COLUMNS):
        places = st.columns(COLUMNS)
        for place, case in zip(places, records[start : start + COLUMNS], strict=False):
            with place.container(border=True):
                draw_case(run, case, digests.get(str(case["path"])), f"{key}-{case['path']}", all_maps)


def draw_case(run: Run, case: dict[Hashable, Any], sha256: str | None, key: str, mapped: bool = False) -> None:
    """Draw one image with its prediction, or a message that says why it cannot be shown.

    Args:
        run: An ended run.
        case: A row of its predictions.
        sha256: Hash of the image when it was evaluated, if known.
        key: Unique on the page.
        mapped: Draw its heatmap at once.
    """
    caption, path = "", str(case["path"])
    wanted = run.has_model and (mapped or st.session_state.get(state.heatmap_shown(key), False))
    try:
        if wanted:
            with st.spinner("Computing the heatmap …"):
                image, caption = _heatmap(run.id, path, sha256, str(case["prediction"]), image_state(run, path))
        else:
            image = run_image(run, path, sha256)
        st.image(
            image,
            width="stretch",
            output_format="PNG",
            alt=f"{path}: {case['label']}, predicted as {case['prediction']}",
        )
    except BrainsegError as error:
        st.info(escape(error), icon=":material/image_not_supported:")
    st.markdown(case_words(case))
    st.caption(escape(case["path"]))
    if run.has_model and not mapped:
        st.toggle(
            "Where the model looked",
            key=state.heatmap_shown(key),
            help="Heatmap of the predicted class. This takes a moment, longer the first time.",
        )
    if caption:
        st.caption(escape(caption))


def case_words(case: dict[Hashable, Any]) -> str:
    """Return the label, the prediction and the loss of an image, as Markdown.

    Args:
        case: A row of a run's predictions.
    """
    right = case["label"] == case["prediction"]
    verdict = ":green-badge[:material/check: right]" if right else ":red-badge[:material/close: wrong]"
    score = write_value(float(case[f"p_{case['prediction']}"]))
    return (
        f"{verdict} Actual: **{escape(case['label'])}**, predicted: **{escape(case['prediction'])}**  \n"
        f"Score of {escape(case['prediction'])} {score}, loss {case['loss']:.3f}"
    )


@st.cache_data(max_entries=300, show_spinner=False)
def _heatmap(run_id: str, path: str, sha256: str | None, explain: str, state: State) -> tuple[bytes, str]:
    """Return the image with its heatmap over it as PNG, and the caption."""
    from brainseg.diagnosis.doubts import empty_heatmap
    from brainseg.diagnosis.images import overlay

    scan = read_image(live_store.run(run_id), path, sha256)
    try:
        diagnosis = model_cache.predictor(run_id).diagnose(scan, explain)
    except ValueError as error:
        raise ScanError(f"The model of this run does not know the class {explain!r}.") from error
    caption = empty_heatmap(diagnosis) or f"{diagnosis.heatmap_title}. {LOOKED}"
    return png(overlay(scan.pixels, diagnosis.heatmap)), caption
