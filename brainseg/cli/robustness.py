"""`robustness`: measure how a model's answers change when its held-out images get worse."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brainseg import DISCLAIMER
from brainseg.cli.options import JsonOption, RunArgument
from brainseg.cli.output import ANSWERS, counter, print_json, print_run
from brainseg.robustness.plan import HEATMAPS, IMAGES, SEED, CheckPlan

if TYPE_CHECKING:
    from brainseg.runs import Run, RunStore


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(robustness)


def robustness(
    run: RunArgument,
    images: Annotated[int, typer.Option(help="Most held-out images to measure on, drawn at random.")] = IMAGES,
    heatmaps: Annotated[
        int, typer.Option(help="Most of these images whose heatmaps are compared (classification only).")
    ] = HEATMAPS,
    corruption: Annotated[
        list[str] | None,
        typer.Option(
            help="noise, blur, contrast, rotation, jpeg, resolution, bias or motion; may be given several times. All "
            "if not given."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draw and of the corruptions.")] = SEED,
    queue: Annotated[bool, typer.Option("--queue", help="Put it into the queue instead of measuring here.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure how the answers of a finished run change when its held-out images get worse, at five strengths each.

    The result is stored with the run, in place of an earlier one: `show` prints it, and the run's page draws it.
    """
    from brainseg.jobs.robustness import measure_and_store, submit_check
    from brainseg.runs import RunStore

    store, plan = RunStore(), CheckPlan(images, heatmaps, seed, tuple(corruption or ()))
    found = store.get(run)
    if queue:
        _print_queued(submit_check(store, found, plan), as_json)
        return
    bar, progress = counter("Predicting")
    with bar, tempfile.TemporaryDirectory() as folder:
        measure_and_store(store, found, plan, Path(folder), progress)
    print_measured(store, found, as_json)


def _print_queued(check: Run, as_json: bool) -> None:
    print_run(check, f"Queued {check.name} ({check.id}); `show {check.id[:8]}` shows its progress.", as_json)


def print_measured(store: RunStore, run: Run, as_json: bool) -> None:
    """Print the stored robustness of a run."""
    from brainseg.results.robustness import basis_sentences, sentences, stored_robustness

    report = stored_robustness(store, run)
    if report is None:  # removed since it was stored
        return
    if as_json:
        print_json({"run_id": run.id, "name": run.name, **report})
        return
    for sentence in (*sentences(report), *basis_sentences(report, run)):
        ANSWERS.print(sentence, markup=False, soft_wrap=True)
    ANSWERS.print(DISCLAIMER)
