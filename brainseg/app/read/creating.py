"""The form that makes a reader study."""

from __future__ import annotations

import streamlit as st

from brainseg.app import live_store
from brainseg.app.widgets.dataset_reading import progress_bar
from brainseg.datasets.library import KnownDataset, add_phantom, known_datasets
from brainseg.reading.creating import FEWEST, MOST, StudyRequest, create_study
from brainseg.reading.model import ChosenModel
from brainseg.reading.words import planning_sentence
from brainseg.results.run_wording import model_words
from brainseg.runs import Run

PHANTOM = "New synthetic slices, for teaching"
NO_MODEL = "None: readers alone"
TEACHING = "Show the truth after each case (teaching)"
TEACHING_HELP = (
    "Otherwise it is shown when all who began have finished. The study and its results say which of the two it was."
)
SAMPLE_HELP = (
    "Drawn at random, as many of each class as possible, at most one image per patient where patients are known, and "
    "none that the model was trained on."
)
DEFAULT_CASES = 20


def draw_creating() -> None:
    """Draw the form."""
    with st.expander("Create a study", icon=":material/add:", expanded=True, key="create-study"):
        known = {dataset.name: dataset for dataset in known_datasets() if dataset.exists}
        left, right = st.columns(2)
        source = left.selectbox("Images", [PHANTOM, *known], index=1 if known else 0, key="create-source")
        runs = {run.id: run for run in live_store.runs() if run.offers_answers and run.config.task == "classify"}
        run_id = right.selectbox(
            "Model",
            ["", *runs],
            index=_first(runs),
            format_func=lambda each: f"{runs[each].name} · {model_words(runs[each])}" if each else NO_MODEL,
            key="create-model",
            help="Its classes must be those of the images. The promoted model is offered first.",
        )
        first, second, third = st.columns(3)
        cases = first.number_input("Cases", FEWEST, MOST, DEFAULT_CASES, key="create-cases", help=SAMPLE_HELP)
        seed = second.number_input(
            "Seed", 0, 2**31 - 1, 0, key="create-seed", help="Of the sample and of each reader's order."
        )
        name = third.text_input("Name (optional)", key="create-name", help="Defaults to the name of the images.")
        teaching = st.checkbox(TEACHING, key="create-teaching", help=TEACHING_HELP)
        st.caption(planning_sentence(int(cases)))
        if st.button("Create the study", type="primary", key="create"):
            chosen = runs.get(run_id or "")
            _create(known.get(source), int(cases), int(seed), name, teaching, chosen)


def _first(runs: dict[str, Run]) -> int:
    promoted = live_store.promoted("classify")
    return 1 + list(runs).index(promoted.id) if promoted and promoted.id in runs else 0


def _create(known: KnownDataset | None, cases: int, seed: int, name: str, teaching: bool, run: Run | None) -> None:
    """Make the study, and open it."""
    model = ChosenModel(live_store.store(), run) if run else None
    with progress_bar("Drawing and reading slices" if known is None else "Reading images") as report_progress:
        dataset = known or add_phantom(max(cases, 4), seed, report_progress, slices_per_subject=1)
        request = StudyRequest(dataset, cases, name, seed, teaching)
        study = create_study(request, model, report_progress)
    st.query_params["study"] = study.id
    st.rerun()
