"""`labels`: images whose label is likely wrong."""

from __future__ import annotations

from typing import Annotated

import typer

from brainseg import DISCLAIMER
from brainseg.cli.options import JsonOption, RunArgument
from brainseg.cli.output import ANSWERS, counter, print_json

SHOWN = 30
"""Most images that are listed; JSON lists all."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(labels)


def labels(
    run: RunArgument,
    top: Annotated[int, typer.Option(min=1, help="Most images to list; --json lists all.")] = SHOWN,
    all_images: Annotated[
        bool,
        typer.Option(
            "--all-images",
            help="For an instant baseline: judge all images of its dataset, by a cross-validation of its classifier. "
            "The predictions are stored with the run.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the images whose label is likely wrong, most suspicious first.

    RUN is a cross-validation, which judges every image, or a single run, which judges its held-out images.
    """
    from brainseg.results.label_report import label_report
    from brainseg.results.label_words import label_sentences, why_words
    from brainseg.runs import RunStore

    store = RunStore()
    found = store.get(run)
    if all_images:
        from brainseg.results.label_check import judge_all_images

        bar, progress = counter("Judging images")
        with bar:
            judge_all_images(store, found, progress)
    report = label_report(store, found)
    if as_json:
        print_json(report)
        return
    lines = [f"{found.name} ({found.id[:8]}):", *label_sentences(report)]
    for number, label in enumerate(report["labels"][:top], start=1):
        fold = "" if label["fold"] is None else f", fold {label['fold']}"
        lines.append(
            f"{number:3d}. {label['path']}: label {label['label']}, suggested {label['suggested'] or 'unknown'}{fold}: "
            f"{why_words(label)}"
        )
    if (hidden := len(report["labels"]) - top) > 0:
        lines.append(f"and {hidden:,} more: --json lists all")
    for line in [*lines, DISCLAIMER]:
        ANSWERS.print(line, markup=False, soft_wrap=True)
