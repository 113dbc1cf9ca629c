"""`show`: one run with its metrics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brainseg.cli.ensemble import print_ensemble
from brainseg.cli.jobs import warn_if_no_worker
from brainseg.cli.options import JsonOption, RunArgument
from brainseg.cli.output import ANSWERS, NOTES, end_lines, print_json
from brainseg.cli.report import print_report
from brainseg.tasks import facts_of

if TYPE_CHECKING:
    from brainseg.results.crossval.result import CrossvalResult
    from brainseg.results.run_details import RunDetails
    from brainseg.runs import Run, RunStore


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(show)


def show(
    run: RunArgument,
    figures: Annotated[
        Path | None,
        typer.Option(help="Folder for the run's plots. If it holds other plots, they go into a new folder inside it."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show one run: settings, progress, epochs, metrics and the hardest cases."""
    from brainseg.cli.outputs import folder_of_run
    from brainseg.jobs.queue import reconcile
    from brainseg.results.crossval.result import plain_values
    from brainseg.results.exports import file_stem
    from brainseg.results.run_details import details_json, run_details
    from brainseg.results.run_plots import check_drawable, write_run_plots
    from brainseg.runs import RunStore

    store = RunStore()
    reconcile(store)
    found = store.get(run)
    warn_if_no_worker(store, list(store.all_children(found)) if found.is_parent else [found])
    if found.search:
        from brainseg.cli.search_output import print_search

        print_search(store, found, as_json, figures=figures)
        return
    result = _crossval(store, found, needed=figures is not None)
    drawn: list[Path] = []
    if figures:
        check_drawable(store, found)
        drawn = write_run_plots(store, found, folder_of_run(figures, found.id, file_stem(found)))
    details, plots = run_details(store, found), [str(file) for file in drawn]
    if as_json:
        print_json({**details_json(details), **plain_values(result), "figures": plots})
    else:
        _print_run(store, found, details, plots, result)


def _crossval(store: RunStore, run: Run, needed: bool) -> CrossvalResult | None:
    """Return the result of a cross-validation; None for other runs. If it is `needed`, it must be complete."""
    if run.kind != "crossval":
        return None
    from brainseg.results.crossval.reading import complete_result, crossval_result

    return complete_result(store, run) if needed else crossval_result(store, run)


def _print_run(
    store: RunStore, found: Run, details: RunDetails, plots: list[str], result: CrossvalResult | None
) -> None:
    from brainseg.jobs.launcher import words
    from brainseg.runs.run import LOCAL

    waits = f", for {words(found.launcher)}" if found.status == "SCHEDULED" and found.launcher != LOCAL else ""
    ANSWERS.print(f"{found.name} ({found.id}): {found.status}{waits}", markup=False)
    _print_labels(found)
    for line in end_lines(found):
        ANSWERS.print(line, markup=False, soft_wrap=True)
    for sentence in details["damaged"]:
        NOTES.print(sentence, markup=False, soft_wrap=True)
    if details["progress"]:
        ANSWERS.print(f"Progress: {json.dumps(details['progress'])}", markup=False, soft_wrap=True)
    facts = facts_of(found.config.task)
    for row in details["epochs"]:
        ANSWERS.print(
            f"epoch {row['epoch']:3d} {row['phase']:9} loss {row['train_loss']:.4f} / {row['valid_loss']:.4f}  "
            f"{facts.headline_words} {row['dice'] if 'dice' in row else row['accuracy']:.3f}  {row['seconds']:.1f} s"
        )
    _print_metrics(store, found, details, result)
    _print_robustness(found, details)
    if details["learning_rate"]:
        ANSWERS.print(f"Suggested learning rate: {details['learning_rate']['suggestion']:.2e}")
    for case in details["hardest"]:
        ANSWERS.print(
            f"hard: {case['path']}: actual {case['label']}, predicted {case['prediction']}, loss {case['loss']:.3f}",
            markup=False,
        )
    for file in plots:
        ANSWERS.print(f"plot: {file}", markup=False, soft_wrap=True)


def _print_metrics(store: RunStore, found: Run, details: RunDetails, result: CrossvalResult | None) -> None:
    if found.members:
        print_ensemble(store, found)
    if result:
        from brainseg.cli.crossval import print_result

        print_result(result)
    elif details["evaluation"]:
        print_report(found.config.task, details["evaluation"], details["calibration"])


def _print_robustness(found: Run, details: RunDetails) -> None:
    """Print what a robustness check measured: of the run, or where the result of a check is."""
    from brainseg.results.robustness import sentences

    for sentence in sentences(details["robustness"]) if details["robustness"] else ():
        ANSWERS.print(sentence, markup=False, soft_wrap=True)
    if found.check:
        ANSWERS.print(f"Robustness check of run {found.check.run[:8]}.", markup=False)


def _print_labels(run: Run) -> None:
    from brainseg.runs.labels import tag_text

    if run.promoted:
        ANSWERS.print("Promoted: its model was chosen for Diagnose.")
    if run.tags:
        ANSWERS.print(f"Tags: {', '.join(tag_text(*tag) for tag in run.tags.items())}", markup=False, soft_wrap=True)
    if run.note:
        ANSWERS.print(f"Note: {run.note}", markup=False, soft_wrap=True)
