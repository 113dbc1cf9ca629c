"""`uncertainty`: whether wrong answers of a classifier are more uncertain than right ones."""

from __future__ import annotations

from typing import Annotated

import typer

from brainseg import DISCLAIMER
from brainseg.cli.by_task import refuse_without_probabilities
from brainseg.cli.options import JsonOption, RunArgument
from brainseg.cli.output import ANSWERS, counter, print_json

IMAGES = 200


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(uncertainty)


def uncertainty(
    run: RunArgument,
    images: Annotated[int, typer.Option(min=1, help="Most held-out images to measure, drawn at random.")] = IMAGES,
    as_json: JsonOption = False,
) -> None:
    """Measure on held-out images whether wrong answers are more uncertain than right ones.

    Each image is answered again in slightly changed versions, and with random parts of the network left out.
    """
    from brainseg.results.classification.uncertainty import uncertainty_lines, uncertainty_report
    from brainseg.runs import RunStore

    store = RunStore()
    found = store.get(run)
    refuse_without_probabilities(found)
    bar, progress = counter("Measuring uncertainty")
    with bar:
        report = uncertainty_report(store, found, images, progress)
    if as_json:
        print_json(report)
        return
    for line in uncertainty_lines(report):
        ANSWERS.print(line, markup=False, soft_wrap=True)
    ANSWERS.print(DISCLAIMER)
