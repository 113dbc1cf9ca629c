"""`heatmaps`: measure how often a classifier's heatmap finds the tumour on held-out slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from brainseg import DISCLAIMER
from brainseg.cli.by_task import commands_of
from brainseg.cli.options import JsonOption
from brainseg.cli.output import ANSWERS, counter, print_json
from brainseg.errors import RunError

if TYPE_CHECKING:
    from brainseg.diagnosis.pointing import Pointing


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(heatmaps)


def heatmaps(
    run: Annotated[str, typer.Argument(help="Id, start of the id, or name of a finished run that classifies.")],
    as_json: JsonOption = False,
) -> None:
    """Measure how often a model's heatmap finds the tumour, on held-out slices with masks.

    The heatmap is the one that Diagnose shows first: for the predicted class, by the model's own method.
    """
    from brainseg.diagnosis.heatmap_measurement import measure_heatmaps
    from brainseg.results.stored_results import split
    from brainseg.runs import RunStore
    from brainseg.runs.dataset_location import dataset_location
    from brainseg.tasks import facts_of

    store = RunStore()
    found = store.get(run)
    if not commands_of(found.config.task).has_heatmaps:
        does = facts_of(found.config.task).does
        raise RunError(f"Run {found.name!r} {does} and has no heatmaps: choose a run that classifies.")
    if not found.has_model and found.kind == "train":
        raise RunError(f"Run {found.name!r} has no model yet ({found.status}): choose a finished run.")
    bundle, sides = store.bundle(found), split(store, found)
    if sides is None:
        raise RunError(f"Run {found.name!r} has no split.csv, so its held-out slices are unknown: train it again.")
    bar, progress = counter("Drawing heatmaps")
    with bar:
        pointing = measure_heatmaps(bundle, sides, dataset_location(found), progress)
    if as_json:
        print_json({"run_id": found.id, "name": found.name, **pointing.to_dict()})
    else:
        _print(pointing)


def _print(pointing: Pointing) -> None:
    from brainseg.diagnosis.pointing import pointing_sentence

    ANSWERS.print(pointing_sentence(pointing.to_dict()), markup=False, soft_wrap=True)
    ANSWERS.print(
        f"{100 * pointing.energy_inside:.1f} % of the heatmap lies inside the tumour, which covers "
        f"{100 * pointing.chance:.1f} % of the image: {pointing.energy_ratio:.1f} times that of a uniform heatmap.",
        soft_wrap=True,
    )
    if pointing.empty:
        ANSWERS.print(f"{pointing.empty} of the heatmaps are empty and count as misses.")
    ANSWERS.print(DISCLAIMER)
