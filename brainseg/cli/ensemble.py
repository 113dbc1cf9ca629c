"""`ensemble`: join finished classifiers, and evaluate their mean answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from brainseg import DISCLAIMER
from brainseg.cli.options import JsonOption
from brainseg.cli.output import ANSWERS, print_json
from brainseg.cli.report import print_report

if TYPE_CHECKING:
    from brainseg.runs import Run, RunStore


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(ensemble)


def ensemble(
    runs: Annotated[list[str], typer.Argument(help="Ids, starts of ids, or names of 2 to 5 finished classifiers.")],
    name: Annotated[str | None, typer.Option(help="Name of the ensemble's run.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Join finished classifiers into an ensemble, and evaluate their mean answer.

    It is evaluated on images that all members held out and none learned from, so train them on the same split.

    The ensemble is a run: `show`, `compare`, `predict`, `calibrate`, `threshold`, `promote` and `export` take it.
    """
    from brainseg.results.ensembles.making import make_ensemble
    from brainseg.runs import RunStore

    store = RunStore()
    made = make_ensemble(store, [store.get(run) for run in runs], name)
    if as_json:
        from brainseg.results.run_details import details_json, run_details

        print_json(details_json(run_details(store, made)))
        return
    ANSWERS.print(f"{made.name} ({made.id}): {made.status}", markup=False, soft_wrap=True)
    print_ensemble(store, made)
    from brainseg.results import stored_results

    if report := stored_results.evaluation(store, made):
        print_report(made.config.task, report, stored_results.calibration(store, made))
    ANSWERS.print(DISCLAIMER)


def print_ensemble(store: RunStore, run: Run) -> None:
    """Print the members of an ensemble, each with its accuracy on the same images, and why it cannot answer, if so."""
    from brainseg.results.ensembles.words import member_lines

    for line in member_lines(store, run):
        ANSWERS.print(line, markup=False, soft_wrap=True)
