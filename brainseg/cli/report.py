"""Prints the evaluation of a run."""

from __future__ import annotations

from brainseg.cli.by_task import commands_of
from brainseg.cli.output import ANSWERS
from brainseg.datasets.copy_messages import learnt_from
from brainseg.datasets.patient_messages import as_sentence, unknown_patients
from brainseg.evaluation.collapse import collapse_sentence
from brainseg.evaluation.stored import Evaluation


def print_report(task: str, report: Evaluation) -> None:
    """Print the headline metrics of an evaluation with their intervals and caveats.

    Args:
        task: The task of the run.
        report: Its evaluation.
    """
    side = "test" if report.get("evaluated_on") == "test" else "validation"
    commands_of(task).print_metrics(report, f"{side} {{}} of a {report['split']} split")
    if collapsed := collapse_sentence(report):
        ANSWERS.print(collapsed)
    if copies := learnt_from(report):
        ANSWERS.print(f"{copies}: the metrics are too good.")
    if unknown := unknown_patients(report):
        ANSWERS.print(as_sentence(unknown))
    if report.get("selected_on_these_images"):
        ANSWERS.print("The kept epoch was chosen on these images, so the metrics are a little too good.")
