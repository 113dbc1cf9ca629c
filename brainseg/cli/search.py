"""`search` and `search show`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brainseg.cli.options import JsonOption, LauncherOption, RunArgument, RunOptions, run_options
from brainseg.cli.output import NOTES, counter
from brainseg.cli.search_output import print_queued_search, print_search
from brainseg.cli.waiting import INCOMPLETE, wait_for
from brainseg.errors import RunError
from brainseg.jobs.submission import run_name
from brainseg.search.plan import TRIALS, check_budget, plan_search, refuse_changed_ranges
from brainseg.search.ranges import parse_ranges

if TYPE_CHECKING:
    from brainseg.runs import Run, RunStore
    from brainseg.search.plan import SearchPlan

app = typer.Typer(no_args_is_help=True)


def register(main: typer.Typer) -> None:
    """Add the commands."""
    app.callback(invoke_without_command=True)(search)
    app.command()(show)
    main.add_typer(app, name="search")


@run_options()
def search(
    options: RunOptions,
    context: typer.Context = None,  # type: ignore[assignment] # Typer passes it, wherever it stands
    set_range: Annotated[
        list[str] | None,
        typer.Option(
            "--set-range",
            help="section.field=LOW:HIGH, with :log or :step=S, or section.field=value,value; may be given many times.",
        ),
    ] = None,
    trials: Annotated[int | None, typer.Option(help=f"Most trials; {TRIALS} if not given.")] = None,
    hours: Annotated[
        float | None, typer.Option(help="Hours of training after which no further trial begins; 0: no limit.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Most epochs of all trials together; 0: no limit.")] = None,
    method: Annotated[str, typer.Option(help="tpe (Bayesian), random or grid.")] = "tpe",
    metric: Annotated[
        str, typer.Option(help="Metric of the validation set to maximise; accuracy or dice if not given.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Seed of the proposals.")] = 42,
    prune: Annotated[
        bool, typer.Option("--prune/--no-prune", help="End trials early that are worse than the median of the others.")
    ] = True,
    parallel: Annotated[
        int, typer.Option(help="Trials in the queue at a time; 0: as many as the launcher trains at a time.")
    ] = 0,
    confirm: Annotated[
        str,
        typer.Option(
            help="How the best trial is confirmed. test: on a test set that no trial sees (a fifth of the images "
            "unless data.test_fraction is set); folds: by a cross-validation on other folds; none."
        ),
    ] = "test",
    resume: Annotated[
        str | None, typer.Option(help="Continue this search instead; --trials, --hours and --epochs raise its budget.")
    ] = None,
    launcher: LauncherOption = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end of the search, and print the result.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Queue a search: trials with different settings, pruned by epoch, then a confirmation of the best one.

    Each trial is a run in the queue. `show` prints the search with its trials; `cancel` and `resume` take it, too.
    """
    if context.invoked_subcommand:
        return
    from brainseg.runs import RunStore

    store = RunStore()
    if resume is not None:
        found = _resume(store, resume, set_range or [], trials, hours, epochs, launcher)
    else:
        plan_of = partial(
            plan_search,
            trials=TRIALS if trials is None else trials,
            hours=hours or 0.0,
            epochs=epochs or 0,
            method=method,
            metric=metric,
            seed=seed,
            prune=prune,
            parallel=parallel,
            confirm=confirm,
        )
        found = _submit(store, options, set_range or [], plan_of, launcher)
    if not wait:
        print_queued_search(found, as_json)
        return
    found = wait_for(store, found, "Trials ended", _ended, f"The search goes on; `cancel {found.id[:8]}` cancels it.")
    print_search(store, found, as_json)
    if found.status != "FINISHED":
        raise typer.Exit(INCOMPLETE)


def _submit(
    store: RunStore,
    options: RunOptions,
    set_range: list[str],
    plan_of: partial[SearchPlan],
    launcher: str | None,
) -> Run:
    from brainseg.jobs.search import check_dataset, search_config, submit_search, with_absolute_weights
    from brainseg.results.search.reading import metrics_of

    config = options.config()
    ranges = with_absolute_weights(parse_ranges(set_range, config), config)
    plan = plan_of(ranges, config, list(metrics_of(config.task)))
    if plan_of.keywords["prune"] and not plan.prune:
        NOTES.print("Nothing is pruned: the epochs of these trials cannot be compared.", markup=False)
    config = search_config(config, plan)
    bar, report_progress = counter("Reading images")
    with bar:
        check_dataset(config, plan, report_progress)
    return submit_search(store, config, options.name or f"{run_name(None, config)}-search", plan, launcher)


def _resume(
    store: RunStore,
    wanted: str,
    set_range: list[str],
    trials: int | None,
    hours: float | None,
    epochs: int | None,
    launcher: str | None,
) -> Run:
    """Resume a search, with another budget or launcher if one is given.

    Raises:
        ConfigError: The ranges differ from its own, or a budget is not allowed.
        RunError: There is no such search, or nothing to resume.
    """
    from brainseg.jobs.actions import change_launcher
    from brainseg.jobs.queue import reconcile
    from brainseg.jobs.search import resume_search

    reconcile(store)
    found = store.get(wanted)
    if (plan := found.search) is None:
        raise RunError(f"Run {found.name!r} is no search: `brainseg search` makes one.")
    if set_range:
        refuse_changed_ranges(plan, parse_ranges(set_range, found.config))
    plan = replace(
        plan,
        trials=plan.trials if trials is None else trials,
        hours=plan.hours if hours is None else hours,
        epochs=plan.epochs if epochs is None else epochs,
    )
    check_budget(plan)
    if launcher:
        found = change_launcher(store, found, launcher)
    return resume_search(store, found, plan)


def _ended(search: Run) -> tuple[int, int] | None:
    return (search.trials.ended, search.trials.total) if search.trials else None


def show(
    run: RunArgument,
    csv: Annotated[Path | None, typer.Option(help="CSV file to write the trials into.")] = None,
    figures: Annotated[Path | None, typer.Option(help="Folder for the plots of the search.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a search: its trials, the importance of the settings, and the confirmation of the best trial."""
    from brainseg.jobs.queue import reconcile
    from brainseg.runs import RunStore

    store = RunStore()
    reconcile(store)
    found = store.get(run)
    if found.search is None:
        raise RunError(f"Run {found.name!r} is no search: `brainseg search` makes one, and `show` shows any run.")
    print_search(store, found, as_json, csv, figures)
