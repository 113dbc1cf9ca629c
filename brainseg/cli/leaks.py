"""`leaks`: evaluated images of a run with a copy in its training set, and its metric without them."""

from __future__ import annotations

from typing import Annotated

import typer

from brainseg.cli.options import JsonOption, RunArgument
from brainseg.cli.output import ANSWERS, NOTES, counter, print_json

SHOWN = 40
"""Most images that are listed; JSON lists all."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(leaks)


def leaks(
    run: RunArgument,
    most: Annotated[int, typer.Option(min=1, help="Most images to list; --json lists all.")] = SHOWN,
    as_json: JsonOption = False,
) -> None:
    """Search a run's evaluated images for copies in its training set, and compute its metric without them."""
    from brainseg.results.leak_words import kind_words, leak_sentence, metric_words
    from brainseg.results.leaks import leak_report
    from brainseg.runs import RunStore

    store = RunStore()
    found = store.get(run)
    bar, progress = counter("Reading images")
    with bar:
        report = leak_report(store, found, progress)
    if report["problem"]:
        NOTES.print(report["problem"], markup=False, soft_wrap=True)
    if as_json:
        print_json(report)
        return
    lines = [f"{found.name} ({found.id[:8]}): {leak_sentence(report)}"]
    lines.append(f"All evaluated images: {metric_words(report['all_images'])}")
    if report["images"]:
        lines.append(f"Without those with a copy: {metric_words(report['without'])}")
    for image in report["images"][:most]:
        lines.append(f"  {image['path']} = {image['twin']}: {kind_words(image)}")
    if (hidden := len(report["images"]) - most) > 0:
        lines.append(f"  and {hidden:,} more: --json lists all")
    for line in lines:
        ANSWERS.print(line, markup=False, soft_wrap=True)
