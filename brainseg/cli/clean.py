"""`clean`: delete what is older than the rules that were set allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from brainseg.cli.options import JsonOption
from brainseg.cli.output import ANSWERS, NOTES, print_json

if TYPE_CHECKING:
    from brainseg.operations.retention import Expired


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(clean)


def clean(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be deleted, and why.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete what is older than your rules allow; without a rule, nothing is ever deleted.

    Rules are environment variables with a number of days: BRAINSEG_KEEP_RUNS_DAYS, BRAINSEG_KEEP_CHECKPOINTS_DAYS,
    BRAINSEG_KEEP_UPLOADS_DAYS, BRAINSEG_KEEP_ANSWERS_DAYS, BRAINSEG_KEEP_LOGS_DAYS, BRAINSEG_KEEP_AUDIT_DAYS and
    BRAINSEG_KEEP_DELETED_DAYS.
    Exit code 1 if something could not be deleted.
    """
    from brainseg.operations.retention import RULES, expired, remove, rules
    from brainseg.runs import RunStore

    set_rules = rules()
    found = expired(RunStore()) if set_rules else []
    kept = [] if dry_run else remove(found)
    if as_json:
        print_json(
            {
                "rules": set_rules,
                "dry_run": dry_run,
                "expired": [_values(each) for each in found],
                "not_deleted": [vars(each) for each in kept],
            }
        )
    elif not set_rules:
        NOTES.print(f"No rule is set, so nothing is deleted: set one of {', '.join(RULES)}.", soft_wrap=True)
    else:
        _print(found, {each.what for each in kept}, dry_run)
        for each in kept:
            NOTES.print(f"{each.what} was not deleted: {each.reason}", markup=False, soft_wrap=True)
    if kept:
        raise typer.Exit(1)


def _values(each: Expired) -> dict[str, object]:
    return {"rule": each.rule, "what": each.what, "days": round(each.days, 2), "bytes": each.bytes}


def _print(found: list[Expired], kept: set[str], dry_run: bool) -> None:
    verb = "Would delete" if dry_run else "Deleted"
    gone = [each for each in found if each.what not in kept]
    for each in gone:
        size = f", {each.bytes / 1e6:,.1f} MB" if each.bytes else ""
        why = f"{each.days:,.1f} days old, kept for {each.kept:g} ({each.rule}){size}"
        ANSWERS.print(f"{verb} {each.what}: {why}.", markup=False, soft_wrap=True)
    total = sum(each.bytes for each in gone) / 1e6
    ANSWERS.print(
        f"{verb} {len(gone):,} things, {total:,.1f} MB." if gone else "Nothing is older than your rules allow."
    )
