"""`heatmaps`: measure a classifier's heatmaps on held-out images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from brainseg import DISCLAIMER
from brainseg.cli.by_task import commands_of
from brainseg.cli.options import JsonOption
from brainseg.cli.output import ANSWERS, counter, print_json
from brainseg.diagnosis.heatmap_checks import IMAGES
from brainseg.errors import RunError

if TYPE_CHECKING:
    from brainseg.diagnosis.pointing import Pointing
    from brainseg.results.classification.heatmaps import MeasuredHeatmaps


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(heatmaps)


def heatmaps(
    run: Annotated[str, typer.Argument(help="Id, start of the id, or name of a finished run that classifies.")],
    images: Annotated[
        int, typer.Option(min=2, help="Most held-out images to check, drawn at random with a fixed seed.")
    ] = IMAGES,
    as_json: JsonOption = False,
) -> None:
    """Measure a model's heatmaps on held-out images, and store the result with the run.

    The heatmap is the one that Diagnose shows first: for the predicted class, by the model's own method. With masks:
    how often it finds the tumour. On a sample of all images: deletion and insertion, ROAD, random weights, and how
    similar the heatmaps of a class are. It takes minutes.
    """
    from brainseg.results.classification.heatmaps import measure_run_heatmaps
    from brainseg.runs import RunStore
    from brainseg.tasks import facts_of

    store = RunStore()
    found = store.get(run)
    if not commands_of(found.config.task).has_heatmaps:
        does = facts_of(found.config.task).does
        raise RunError(f"Run {found.name!r} {does} and has no heatmaps: choose a run that classifies.")
    if not found.has_model and found.kind == "train":
        raise RunError(f"Run {found.name!r} has no model yet ({found.status}): choose a finished run.")
    bar, progress = counter("Measuring heatmaps")
    with bar:
        measured = measure_run_heatmaps(store, found, images, progress)
    stored = measured.stored
    if as_json:
        about = {"run_id": found.id, "name": found.name, "schema": stored["schema"], "problem": measured.problem}
        print_json({**about, **(stored["pointing"] or {}), "checks": stored["checks"]})
    else:
        _print(measured)


def _print(measured: MeasuredHeatmaps) -> None:
    from brainseg.diagnosis.heatmap_checks.words import check_rows, sample_sentence

    if measured.pointing:
        _print_pointing(measured.pointing)
    else:
        ANSWERS.print(measured.problem, markup=False, soft_wrap=True)
    if checks := measured.stored["checks"]:
        ANSWERS.print(sample_sentence(checks), markup=False, soft_wrap=True)
    for row in check_rows(measured.stored):
        found = f"{row.measure}: {row.value} (95 % interval {row.interval}; n = {row.n}). {row.meaning}"
        ANSWERS.print(found, markup=False, soft_wrap=True)
    ANSWERS.print(DISCLAIMER)


def _print_pointing(pointing: Pointing) -> None:
    from brainseg.diagnosis.pointing import pointing_sentence

    ANSWERS.print(pointing_sentence(pointing.to_dict()), markup=False, soft_wrap=True)
    if pointing.empty:
        ANSWERS.print(f"{pointing.empty} of the heatmaps are empty and count as misses.")
