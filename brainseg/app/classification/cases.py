"""Single images of a run: their class, the prediction, and where the model looked."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from brainseg.app import live_store, model_cache, state
from brainseg.app.widgets.image import draw_png
from brainseg.app.widgets.run_image import State, image_state, run_image, square_png
from brainseg.diagnosis.calibrated import Certainty
from brainseg.errors import BrainsegError, ScanError
from brainseg.evaluation.calibration import scaled
from brainseg.models.calibration import CalibrationState, temperature_of
from brainseg.results import stored_results as run_results
from brainseg.results.markdown import escape
from brainseg.results.run_files import readable
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
    store = live_store.store()
    digests, report = run_results.digests(store, run), readable([], run_results.calibration, store, run)
    calibration = report["state"] if report else None
    records: list[dict[Hashable, Any]] = cases.to_dict(orient="records")
    for start in range(0, len(records), COLUMNS):
        places = st.columns(COLUMNS)
        for place, case in zip(places, records[start : start + COLUMNS], strict=False):
            with place.container(border=True):
                draw_case(run, case, digests.get(str(case["path"])), f"{key}-{case['path']}", all_maps, calibration)


def draw_case(
    run: Run,
    case: dict[Hashable, Any],
    sha256: str | None,
    key: str,
    mapped: bool = False,
    calibration: CalibrationState = None,
) -> None:
    """Draw one image with its prediction, or a message that says why it cannot be shown.

    Args:
        run: An ended run.
        case: A row of its predictions.
        sha256: Hash of the image when it was evaluated, if known.
        key: Unique on the page.
        mapped: Draw its heatmap at once.
        calibration: The calibration of the run's model.
    """
    caption, path = "", str(case["path"])
    wanted = run.has_model and (mapped or st.session_state.get(state.heatmap_shown(key), False))
    try:
        if wanted:
            with st.spinner("Computing the heatmap …"):
                image, caption = _heatmap(run.id, path, sha256, str(case["prediction"]), image_state(run, path))
        else:
            image = run_image(run, path, sha256)
        draw_png(image, f"{path}: {case['label']}, predicted as {case['prediction']}")
    except BrainsegError as error:
        st.info(escape(error), icon=":material/image_not_supported:")
    st.markdown(case_words(case, calibration))
    st.caption(escape(case["path"]))
    if run.has_model and not mapped:
        st.toggle(
            "Where the model looked",
            key=state.heatmap_shown(key),
            help="Heatmap of the predicted class. This takes a moment, longer the first time.",
        )
    if caption:
        st.caption(escape(caption))


def case_words(case: dict[Hashable, Any], calibration: CalibrationState = None) -> str:
    """Return the label, the prediction, its probability or score, and the loss of an image, as Markdown.

    Args:
        case: A row of a run's predictions.
        calibration: That of the run's model; without one, the value is called a score.
    """
    right = case["label"] == case["prediction"]
    verdict = ":green-badge[:material/check: right]" if right else ":red-badge[:material/close: wrong]"
    certainty = Certainty((calibration,))
    names = [str(name) for name in case if str(name).startswith("p_")]
    chances = scaled(np.array([[float(case[name]) for name in names]]), temperature_of(calibration))[0]
    value = certainty.write(float(chances[names.index(f"p_{case['prediction']}")]))
    basis = f" ({certainty.short})" if certainty.calibrated else ""
    return (
        f"{verdict} Actual: **{escape(case['label'])}**, predicted: **{escape(case['prediction'])}**  \n"
        f"{certainty.noun.capitalize()} of {escape(case['prediction'])} {value}{basis}, loss {case['loss']:.3f}"
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
    return square_png(overlay(scan.pixels, diagnosis.heatmap)), caption
