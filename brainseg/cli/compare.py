"""`compare`: finished runs side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from brainseg import DISCLAIMER
from brainseg.cli.options import JsonOption
from brainseg.cli.output import ANSWERS, print_json

if TYPE_CHECKING:
    import pandas as pd

    from brainseg.results.comparison import Comparison


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(compare)


def compare(
    runs: Annotated[list[str], typer.Argument(help="Ids, starts of ids, or names of finished runs.")],
    as_json: JsonOption = False,
) -> None:
    """Compare finished runs; those evaluated on the same images are tested against each other."""
    from brainseg.results import comparison as results
    from brainseg.results.evaluated_runs import read_evaluated_run
    from brainseg.runs import RunStore

    store = RunStore()
    found = [store.get(run) for run in runs]
    results.check_comparable(found)
    comparison = results.compare([read_evaluated_run(store, run) for run in found])
    if as_json:
        print_json(_values(comparison))
    else:
        _print(comparison)


def _values(comparison: Comparison) -> dict[str, Any]:
    """Return the whole comparison as values that JSON can hold."""
    from brainseg.results.by_task import results_of
    from brainseg.results.comparison_table import for_csv, runs_table

    results = results_of(comparison.task)
    return {
        "runs": for_csv(runs_table(comparison)).to_dict(orient="records"),
        "sets": [
            {
                "set": letter,
                "runs": names,
                "pairs": [{**vars(pair), "better": pair.better} for pair in results.tests(comparison, letter)],
                "disagreements": results.differing(comparison, letter).to_dict(orient="records"),
            }
            for letter, names in comparison.groups.items()
        ],
        "comparable": len(comparison.groups) == 1,
        "disclaimer": DISCLAIMER,
    }


def _print(comparison: Comparison) -> None:
    from brainseg.results.by_task import results_of
    from brainseg.results.comparison_table import crossval_lines, group_lines, runs_in_words
    from brainseg.results.comparison_wording import caveats
    from brainseg.tasks import facts_of

    results, units = results_of(comparison.task), facts_of(comparison.task).units
    for line in [*group_lines(comparison), *crossval_lines(comparison)]:
        ANSWERS.print(line, markup=False, soft_wrap=True)
    _print_table(runs_in_words(comparison))
    for name, evaluated in comparison.runs.items():
        if reason := caveats(evaluated.report):
            ANSWERS.print(f"{name}: {reason}.", markup=False, soft_wrap=True)
    for letter, names in comparison.groups.items():
        if len(names) < 2:
            continue
        where = f" of set {letter}" if len(comparison.groups) > 1 else ""
        differing, count = len(results.differing(comparison, letter)), len(results.aligned(comparison, letter))
        ANSWERS.print(f"\nThe runs{where} {results.differ} on {differing} of {count} {units}.", markup=False)
        for pair in results.pairs_in_words(results.tests(comparison, letter)).to_dict(orient="records"):
            values = "; ".join(f"{name} {value}" for name, value in list(pair.items())[3:])
            line = f"{pair['First']} and {pair['Second']}: {pair['Test']}; {values}"
            ANSWERS.print(line, markup=False, soft_wrap=True)
    ANSWERS.print(DISCLAIMER)


def _print_table(values: pd.DataFrame) -> None:
    """Print one column per run: metrics with their intervals are too long for one row per run."""
    table = Table("", *map(escape, values["Run"]), box=None, pad_edge=False)
    for name in values.columns[1:]:
        table.add_row(name, *(escape(str(cell)) for cell in values[name]))
    ANSWERS.print(table)
