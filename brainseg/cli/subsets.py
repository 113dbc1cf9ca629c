"""`subsets`: the main metric of a run on subsets of its evaluated images."""

from __future__ import annotations

from typing import Annotated

import typer

from brainseg import DISCLAIMER
from brainseg.cli.options import JsonOption, RunArgument
from brainseg.cli.output import ANSWERS, NOTES, counter, print_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(subsets)


def subsets(
    run: RunArgument,
    by: Annotated[
        str | None,
        typer.Option(
            help="Only this property: a column of the dataset's manifest, of split.csv or of the predictions, "
            "'image size' or 'brightness'. If not given: all that divide the images into 2 to 12 subsets.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compute a run's accuracy or Dice on subsets of its evaluated images, and the gap to all others."""
    from brainseg.results.subset_words import column_words, subset_sentences, subset_words, unknown_words
    from brainseg.results.subsets import subset_report
    from brainseg.runs import RunStore
    from brainseg.tasks import facts_of

    store = RunStore()
    found = store.get(run)
    bar, progress = counter("Reading images")
    with bar:
        report = subset_report(store, found, by, progress)
    for problem in report["problems"]:
        NOTES.print(problem, markup=False, soft_wrap=True)
    if as_json:
        print_json(report)
        return
    lines = [f"{found.name} ({found.id[:8]})"]
    for column in report["columns"]:
        notes = "; ".join(filter(None, [unknown_words(column, facts_of(report["task"]).units), column["method"]]))
        lines.append(f"By {column_words(column['column'])} ({notes}):")
        lines += [f"  {subset['name']}: {subset_words(subset)}" for subset in column["subsets"]]
    for line in [*lines, *subset_sentences(report), DISCLAIMER]:
        ANSWERS.print(line, markup=False, soft_wrap=True)
