"""`calibrate`: calibrate a classifier's probabilities on its validation set."""

from __future__ import annotations

import typer

from brainseg import DISCLAIMER
from brainseg.cli.by_task import refuse_without_probabilities
from brainseg.cli.options import CrossvalOption, JsonOption, RunArgument, named_crossval
from brainseg.cli.output import ANSWERS, print_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(calibrate)


def calibrate(
    run: RunArgument,
    crossval: CrossvalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Calibrate the probabilities of a finished run on its validation set, by temperature scaling.

    Training does this by itself. Use the command for runs of earlier versions, and with --from for small datasets.
    """
    from brainseg.evaluation.calibration import calibration_values
    from brainseg.results.classification.calibration import calibrate_run, calibration_lines
    from brainseg.runs import RunStore

    store = RunStore()
    found = store.get(run)
    refuse_without_probabilities(found)
    report = calibrate_run(store, found, named_crossval(store, crossval))
    if as_json:
        print_json({"run_id": found.id, "name": found.name, **calibration_values(report)})
        return
    for line in calibration_lines(report):
        ANSWERS.print(line, markup=False, soft_wrap=True)
    ANSWERS.print(DISCLAIMER)
