"""`rename`, `note`, `tag`, `promote` and `delete`: the actions of the Runs page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from brainseg.cli.options import JsonOption, RunArgument
from brainseg.cli.output import print_run
from brainseg.errors import RunError

if TYPE_CHECKING:
    from brainseg.runs.run import StoredEntry


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (rename, note, tag, promote, delete):
        app.command()(command)


def rename(
    run: RunArgument, name: Annotated[str, typer.Argument(help="The new name.")], as_json: JsonOption = False
) -> None:
    """Give a run another name; its bundle keeps the original one."""
    from brainseg.runs import RunStore

    store = RunStore()
    found = store.get(run)
    store.rename(found.id, name)
    _answer(store.get(found.id), f"renamed from {found.name}", as_json)


def note(
    run: RunArgument,
    text: Annotated[str, typer.Argument(help='The note, which replaces an earlier one; "" removes it.')],
    as_json: JsonOption = False,
) -> None:
    """Write a note on a run."""
    from brainseg.runs import RunStore

    store = RunStore()
    found = store.get(run)
    store.write_note(found.id, text)
    _answer(store.get(found.id), "noted" if text.strip() else "note removed", as_json)


def tag(
    run: RunArgument,
    tags: Annotated[list[str] | None, typer.Argument(help="Tags to add: word or word=value.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="Word of a tag to remove; may be given many times.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Add tags to a run or remove them; without either, list them."""
    from brainseg.runs import RunStore
    from brainseg.runs.labels import parse_tags, tag_text

    store = RunStore()
    found = store.get(run)
    if unknown := [word for word in remove or [] if word not in found.tags]:
        raise RunError(f"Run {found.name!r} has no tag {unknown[0]!r}: it has {', '.join(found.tags) or 'none'}.")
    kept = {word: value for word, value in found.tags.items() if word not in (remove or [])}
    store.tag(found.id, {**kept, **parse_tags(tags or [])})
    changed = store.get(found.id)
    _answer(changed, ", ".join(tag_text(*each) for each in changed.tags.items()) or "no tags", as_json)


def promote(run: RunArgument, as_json: JsonOption = False) -> None:
    """Make Diagnose offer a run's model first."""
    from brainseg.runs import RunStore

    store = RunStore()
    found = store.get(run)
    store.promote(found.id)
    _answer(store.get(found.id), "offered first in Diagnose", as_json)


def delete(
    run: RunArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete an ended run with its model, plots and log; with a cross-validation or a search, all its runs.

    This also works for a run that cannot be read.
    """
    from brainseg.jobs.actions import breaks
    from brainseg.jobs.actions import delete as remove
    from brainseg.jobs.queue import reconcile
    from brainseg.runs import Run, RunStore
    from brainseg.runs.run import default_run

    store = RunStore()
    reconcile(store)
    found = store.find(run)
    offered = default_run(store.list(), found.config.task) if isinstance(found, Run) else None
    if offered and offered.id == found.id:
        typer.echo("Its model is the one that Diagnose offers first.", err=True)
    if broken := breaks(store, found):
        typer.echo(broken, err=True)
    parts = len(store.all_children(found)) if isinstance(found, Run) and found.is_parent else 0
    if not yes:
        kind = "search" if isinstance(found, Run) and found.search else "cross-validation"
        what = f"{kind} {found.name} with its {parts} runs" if parts else f"run {found.name}"
        typer.confirm(f"Delete {what} ({found.id[:8]}) for good?", abort=True, err=True)
    _answer(remove(store, found.id), "deleted", as_json)


def _answer(run: StoredEntry, what: str, as_json: bool) -> None:
    print_run(run, f"{run.name} ({run.id[:8]}): {what}", as_json)
