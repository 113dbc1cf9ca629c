"""What commands print about a search."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from brainseg.cli.output import ANSWERS, fraction, print_json, print_run

if TYPE_CHECKING:
    from brainseg.results.search.result import SearchResult
    from brainseg.runs import Run, RunStore


def print_queued_search(search: Run, as_json: bool) -> None:
    """Print that a search was queued, or that it ended at once."""
    counts = f" ({search.trials.words()})" if search.trials else ""
    words = (
        f"Queued search {search.name}, {search.id}{counts}; `search show {search.id[:8]}` shows its progress and its "
        "result."
    )
    if search.status in ("FINISHED", "FAILED"):  # a resumed search that has nothing left to do
        words = f"Search {search.name} is {search.status}. {search.reason}".strip()
    print_run(search, words, as_json)


def print_search(
    store: RunStore, search: Run, as_json: bool, csv: Path | None = None, figures: Path | None = None
) -> None:
    """Print the trials and the result of a search, and write them into files."""
    from brainseg.files import write_atomically
    from brainseg.results.search.reading import search_result
    from brainseg.results.search.tables import trials_table

    result = search_result(store, search)
    if csv:
        table = trials_table(result)
        write_atomically(csv, lambda temporary: table.to_csv(temporary, index=False))
    drawn: list[str] = []
    if figures:
        from brainseg.cli.outputs import folder_of_run
        from brainseg.plots import save_html
        from brainseg.results.exports import file_stem
        from brainseg.results.search.tables import plots_of

        folder = folder_of_run(figures, search.id, file_stem(search))
        for name, figure in plots_of(result).items():
            save_html(figure, folder / f"{name}.html")
            drawn.append(str(folder / f"{name}.html"))
    if as_json:
        print_json({**search.to_dict(), **result.values(), "figures": drawn})
        return
    print_result(result)
    for file in drawn:
        ANSWERS.print(f"plot: {file}", markup=False, soft_wrap=True)


def print_result(result: SearchResult) -> None:
    """Print the trials, the importance of the settings, and the winner with its confirmation."""
    from brainseg.results.search.wording import head_sentence, result_sentences, value_words

    ANSWERS.print(head_sentence(result), markup=False, soft_wrap=True)
    if result.search.reason:
        ANSWERS.print(result.search.reason, markup=False, soft_wrap=True)
    names = [name.rpartition(".")[2] for name in result.plan.names]
    table = Table("trial", "run", "state", result.plan.metric, *names, box=None, pad_edge=False)
    for trial in result.trials:
        best = " *" if result.best and trial.number == result.best.number else ""
        value = "" if trial.value is None else fraction(trial.value)
        settings = [escape(value_words(trial.point[name])) for name in result.plan.names]
        table.add_row(f"{trial.number}{best}", escape(trial.run.id[:8]), trial.state, value, *settings)
    ANSWERS.print(table)
    for name, importance in result.importance.items():
        ANSWERS.print(f"Importance of {name}: {importance:.2f} ({result.importance_method})", markup=False)
    for sentence in result_sentences(result):
        ANSWERS.print(sentence, markup=False, soft_wrap=True)
    if result.confirmation:
        run = result.confirmation.run
        ANSWERS.print(f"Confirmation: {run.name} ({run.id[:8]}), {run.status}", markup=False, soft_wrap=True)
