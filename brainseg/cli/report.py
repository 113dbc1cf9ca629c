"""Prints the evaluation of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainseg.cli.by_task import commands_of
from brainseg.cli.output import ANSWERS
from brainseg.datasets.patient_messages import as_sentence
from brainseg.diagnosis.calibrated import calibration_sentence
from brainseg.evaluation.caveats import caveats_of
from brainseg.evaluation.stored import Evaluation

if TYPE_CHECKING:
    from brainseg.evaluation.calibration import CalibrationReport


def print_report(task: str, report: Evaluation, calibration: CalibrationReport | None = None) -> None:
    """Print the headline metrics of an evaluation with their intervals and caveats.

    Args:
        task: The task of the run.
        report: Its evaluation.
        calibration: How far its probabilities are calibrated; None where this was not measured.
    """
    side = "test" if report.get("evaluated_on") == "test" else "validation"
    commands_of(task).print_metrics(report, f"{side} {{}} of a {report['split']} split")
    for caveat in caveats_of(report):
        ANSWERS.print(as_sentence(caveat.phrase), markup=False, soft_wrap=True)
    if calibration:
        ANSWERS.print(calibration_sentence(calibration["state"]), markup=False, soft_wrap=True)
