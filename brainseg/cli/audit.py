"""`audit`: who did what, to what, when, and through which door."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from brainseg.cli.options import JsonOption
from brainseg.cli.output import ANSWERS, NOTES, print_json
from brainseg.errors import ConfigError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(audit)


def audit(
    since: Annotated[
        str, typer.Option(help="Only from this day or time on, such as 2026-11-29; UTC unless it has an offset.")
    ] = "",
    user: Annotated[str, typer.Option(help="Only of a person, by identifier or name.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Show the audit log: who did what, to what, when, and whether it was allowed.

    It holds sign-ins, everything that changed something or was refused, downloads, and answers of models, of pages and
    of the command line. BRAINSEG_KEEP_AUDIT_DAYS lets `brainseg clean` remove old lines.
    """
    from brainseg.users.audit import entries

    found = list(entries(_moment(since) if since else None, user))
    if as_json:
        print_json([asdict(entry) for entry in found])
        return
    for entry in found:
        who = entry.name or entry.user or "somebody"
        what = f"{entry.action} {entry.target[:12]}".strip() + (f" ({entry.count:,})" if entry.count else "")
        where = f"{entry.role}, {entry.door}"
        ANSWERS.print(f"{entry.time[:19]}  {entry.result:8} {what}: {who} ({where})", markup=False, soft_wrap=True)
    if not found:
        NOTES.print("The audit log has no such lines.")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"--since is {text!r}: give a day such as 2026-11-29, or a time in ISO 8601.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
