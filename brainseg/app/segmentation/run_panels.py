"""The panels of a finished segmentation: scores, Dice by slice, patient and size, worst slices, pixels and slices."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from brainseg.app import live_store
from brainseg.app.frame import guarded, offer_csv
from brainseg.app.segmentation.failures import worst_panel
from brainseg.app.widgets.run_panels import MISSING, caveats, draw_plot, headline, report_of, training_panel
from brainseg.app.widgets.subsets import subsets_panel
from brainseg.errors import RunError
from brainseg.evaluation.case_wording import case_sentences
from brainseg.evaluation.segmentation.pixel_calibration import PIXEL_CALIBRATION
from brainseg.evaluation.stored import SegmentationEvaluation
from brainseg.results import stored_results as run_results
from brainseg.results.calibration_words import measures_words
from brainseg.results.exports import file_stem
from brainseg.runs import Run

UNKNOWN_PATIENTS = "Patients are unknown, so the intervals treat slices as independent and are too narrow."
FEW_PATIENTS = "Only {} patients were evaluated, so the intervals are too narrow."
SLICES = MISSING.format("slices.parquet")
FEW = 10
"""With fewer patients, the bootstrap underestimates how much patients differ."""


@guarded
def scores_panel(run: Run) -> None:
    """Dice with its intervals, the detection of tumours, and the scores of two baselines."""
    report = report_of(run, SegmentationEvaluation)
    caveats(report)
    found, bounds = report["detection"], report["intervals"]
    patients = f"{report['patients_counted']} of {report['patients']} {report['unit']}s counted"
    shown = (
        ("Dice, all pixels", report["dice"], "dice", f"n = {report['slices']} slices"),
        ("Dice, mean of slices", report["slice_dice"], "slice_dice", f"{report['slices_counted']} slices counted"),
        ("Dice, mean of patients", report["patient_dice"], "patient_dice", patients),
        _detected("sensitivity", found["sensitivity"], found["tp"], found["fn"], "slices with a tumour"),
        _detected("specificity", found["specificity"], found["tn"], found["fp"], "slices without one"),
    )
    for place, (title, value, name, counted) in zip(st.columns(len(shown)), shown, strict=True):
        with place:
            headline(title, value, bounds.get(name), counted)
    if report["unit"] != "patient":
        st.warning(UNKNOWN_PATIENTS)
    elif report["patients"] < FEW:
        st.warning(FEW_PATIENTS.format(report["patients"]))
    for sentence in case_sentences(report["cases"], report["unit"]) if "cases" in report else ():
        st.markdown(sentence)
    draw_plot(run, "mask_scores")
    st.caption(
        "Slice sensitivity and specificity count whether any tumour was marked. On the same slices, one baseline marks "
        "nothing, the other everything brighter than Otsu's threshold: a model that is not clearly better has learnt "
        "nothing useful. Pixel specificity is left out: with so much background it is near 1 for any model."
    )


def _detected(name: str, value: float | None, right: int, wrong: int, what: str) -> tuple[str, float | None, str, str]:
    return f"Slice {name}", value, f"detection_{name}", f"{right} of {right + wrong} {what}"


@guarded
def dice_panel(run: Run) -> None:
    """The distribution of Dice over slices, patients and tumour sizes."""
    draw_plot(run, "dice_distribution", SLICES)
    draw_plot(run, "dice_per_patient")
    draw_plot(run, "dice_size")


@guarded
def pixels_panel(run: Run) -> None:
    """The confusion matrix of the pixels."""
    caveats(report_of(run, SegmentationEvaluation))
    draw_plot(run, "pixel_matrix")


@guarded
def calibration_panel(run: Run) -> None:
    """How often the probabilities of single pixels come true."""
    found = run_results.pixel_calibration(live_store.store(), run)
    draw_plot(run, "pixel_calibration", MISSING.format(PIXEL_CALIBRATION))
    if found is None:
        return
    st.caption(
        f"Of {found['slices']:,} slices of {found['units']:,} patients (slices where no patient is known), by "
        "which the intervals are drawn. Most pixels are background, so look at the bins above 0.1. A mask shows no "
        "probability, so nothing is scaled."
    )
    words = measures_words(found["reliability"])
    st.markdown(f"{words[0].upper()}{words[1:]}.")


@guarded
def slices_panel(run: Run) -> None:
    """All evaluated slices as a table, lowest Dice first."""
    table = run_results.slices(live_store.store(), run)
    if table is None:
        raise RunError(SLICES)
    columns = ["path", "group", "dice", "true_pixels", "predicted_pixels", "spacing"]
    names = dict(
        zip(columns, ["Slice", "Patient", "Dice", "True pixels", "Predicted pixels", "Pixel size (mm)"], strict=True)
    )
    shown = table[columns].sort_values("dice", kind="stable").rename(columns=names)
    st.dataframe(
        shown,
        hide_index=True,
        column_config={"Dice": st.column_config.NumberColumn(format="%.3f")},
        alt="Evaluated slices",
    )
    st.caption("Dice is undefined where there is neither a tumour nor a marked pixel.")
    offer_csv("All slices as CSV", table, f"slices-{file_stem(run)}", "slices-csv")


PANELS: dict[str, Callable[[Run], None]] = {
    "Scores": scores_panel,
    "Training": training_panel,
    "Dice": dice_panel,
    "Worst slices": worst_panel,
    "Pixels": pixels_panel,
    "Calibration": calibration_panel,
    "Slices": slices_panel,
    "Subsets": subsets_panel,
}
"""Name of each panel of a finished segmentation -> the function that draws it."""
