"""`compare`: finished runs side by side."""

from __future__ import annotations

from dataclasses import asdict
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
    from brainseg.results.comparison import check_comparable, read_evaluated_run
    from brainseg.results.comparison import compare as sort_out
    from brainseg.runs import RunStore

    store = RunStore()
    found = [store.get(run) for run in runs]
    check_comparable(found)
    comparison = sort_out([read_evaluated_run(store, run) for run in found])
    if as_json:
        print_json(_answer(comparison))
    else:
        _print(comparison)


def _answer(comparison: Comparison) -> dict[str, Any]:
    """Return the whole comparison as plain values."""
    from brainseg.results.comparison_table import runs_table

    return {
        "runs": runs_table(comparison).drop(columns="has_epochs").to_dict(orient="records"),
        "sets": [
            {
                "set": letter,
                "runs": names,
                "pairs": [{**asdict(pair), "better": pair.better} for pair in comparison.pairs(letter)],
                "disagreements": _disagreements(comparison, letter).to_dict(orient="records"),
            }
            for letter, names in comparison.groups.items()
        ],
        "comparable": len(comparison.groups) == 1,
        "disclaimer": DISCLAIMER,
    }


def _disagreements(comparison: Comparison, letter: str) -> pd.DataFrame:
    from brainseg.evaluation.comparison import differing_slices, disagreements
    from brainseg.tasks import facts_of

    differing = differing_slices if facts_of(comparison.task).has_masks else disagreements
    return differing(comparison.aligned(letter), comparison.groups[letter])


def _print(comparison: Comparison) -> None:
    from brainseg.results.comparison_table import pairs_table, runs_in_words, runs_table
    from brainseg.results.comparison_wording import caveats, group_lines
    from brainseg.tasks import facts_of

    facts = facts_of(comparison.task)

    for line in group_lines(comparison):
        ANSWERS.print(line, markup=False, soft_wrap=True)
    _print_table(runs_in_words(runs_table(comparison)))
    for name, evaluated in comparison.runs.items():
        if reason := caveats(evaluated.report):
            ANSWERS.print(f"{name}: {reason}.", markup=False, soft_wrap=True)
    for letter, names in comparison.groups.items():
        if len(names) < 2:
            continue
        where = f" of set {letter}" if len(comparison.groups) > 1 else ""
        differing, count = len(_disagreements(comparison, letter)), len(comparison.aligned(letter))
        do = "differ in Dice" if facts.has_masks else "disagree"
        ANSWERS.print(f"\nThe runs{where} {do} on {differing} of {count} {facts.units}.", markup=False)
        for pair in pairs_table(comparison.pairs(letter)).to_dict(orient="records"):
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
