"""Commands that are listed without being imported: the program starts fast, however many commands it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from typer._click import Command, Context


@dataclass(frozen=True)
class ListedCommand:
    """A command that was not imported.

    Attributes:
        module: Name of its module in `brainseg.cli`, whose `register(app)` adds it.
        help: Its line in the list of commands.
    """

    module: str
    help: str


class LazyGroup(TyperGroup):
    """A group whose commands are imported when one of them runs, or when its own help is shown.

    Until then, an empty command with the same name and help stands in its place, in lists and for suggestions.

    Attributes:
        listed: The commands by name.
    """

    listed: ClassVar[Mapping[str, ListedCommand]]

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - Typer's own
        super().__init__(**options)
        for name, command in self.listed.items():
            self.add_command(TyperCommand(name, help=command.help))

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """Return the command that the arguments name, imported."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, self.load(name) if name is not None and name in self.listed else command, rest

    def load(self, name: str) -> Command:
        """Import a command, and return it."""
        registered = typer.Typer()
        import_module(f"brainseg.cli.{self.listed[name].module}").register(registered)
        return typer.main.get_group(registered).commands[name]
