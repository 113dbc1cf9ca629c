"""Generate documentation pages from the code: commands, settings and the Python API.

MkDocs calls `on_files` before it builds the site. These pages exist only in the built site, so they always match the
code. The table of rooms is in `architecture.md` itself: `python docs/generate.py` updates it, and a test checks it.
"""

from __future__ import annotations

import ast
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from pydantic import BaseModel

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "brainseg"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to the site."""
    pages = {
        "reference/commands.md": commands_page(),
        "reference/settings.md": settings_page(),
        **{f"reference/api/{room}.md": api_page(room) for room in rooms()},
    }
    for address, text in pages.items():
        files.append(File.generated(config, address, content=text))
    return files


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Replace the navigation's `reference/api/` by one page per room."""
    sys.path.insert(0, str(ROOT))  # here, because MkDocs undoes what a hook changes while it is imported
    reference = next(part["Reference"] for part in config.nav if "Reference" in part)
    entry = next(item for item in reference if "Python API" in item)
    entry["Python API"] = [{room: f"reference/api/{room}.md"} for room in rooms()]
    return config


def rooms() -> list[str]:
    """Return the names of brainseg's rooms, in alphabetical order."""
    return sorted(file.parent.name for file in PACKAGE.glob("*/__init__.py"))


def first_paragraph(room: str) -> str:
    """Return the first paragraph of a room's docstring, on one line."""
    docstring = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text("utf-8"))) or ""
    return " ".join(docstring.split("\n\n")[0].split())


def api_page(room: str) -> str:
    """Return the page of one room: everything public in it, with its docstrings."""
    return f"# brainseg.{room}\n\n::: brainseg.{room}\n    options:\n      show_root_heading: false\n"


def rooms_table() -> str:
    """Return the table of rooms for `docs/architecture.md`, from the highest room down."""
    from tests.test_floors import FLOORS

    order = [room for floor in reversed(FLOORS) for room in sorted(floor) if (PACKAGE / room / "__init__.py").is_file()]
    rows = [f"| `brainseg/{room}/` | {first_paragraph(room)} |" for room in order]
    return "\n".join(["| room | what it contains |", "|---|---|", *rows])


def commands_page() -> str:
    """Return the page of all commands with their arguments and options."""
    from brainseg.cli.app import app

    parts = [
        "# Commands",
        "`brainseg --help` lists the commands, and `brainseg COMMAND --help` describes one. In a checkout, run "
        "`.venv/bin/python -m brainseg` instead of `brainseg`.",
        "With `--json`, a command prints JSON and nothing else to standard output. A user error prints one sentence to "
        "standard error and exits with code 2. Commands find a run by its name, its id or the first digits of its id.",
    ]
    group = typer.main.get_group(app)
    parts += [part for name in group.commands for part in command_parts(group.load(name), f" {name}")]
    return "\n\n".join(parts) + "\n"


def command_parts(command: typing.Any, name: str) -> list[str]:  # noqa: ANN401 - Typer keeps its classes to itself
    """Return the sections of a command, or of all commands of a group."""
    if hasattr(command, "commands"):
        own = command_section(command, name) if name and command.invoke_without_command else []
        below = [part for word, each in command.commands.items() for part in command_parts(each, f"{name} {word}")]
        return [*own, *below]
    return command_section(command, name)


def command_section(command: typing.Any, name: str) -> list[str]:  # noqa: ANN401 - Typer keeps its classes to itself
    """Return the section of one command."""
    parameters = [each for each in command.params if each.name != "help"]
    arguments = [
        f"{each.name.upper()}{'...' if each.nargs == -1 else ''}"
        for each in parameters
        if each.param_type_name == "argument"
    ]
    required = [
        f"{each.opts[0]} {each.name.upper()}" for each in parameters if each.opts[0][0] == "-" and each.required
    ]
    usage = " ".join(["brainseg", name.strip(), *arguments, *required, "[OPTIONS]"])
    parts = [f"## {name.strip()}", f"```\n{usage}\n```", command.help or ""]
    rows = [parameter_row(each) for each in parameters]
    if rows:
        parts.append("\n".join(["| argument or option | default | what it does |", "|---|---|---|", *rows]))
    return parts


def parameter_row(parameter: typing.Any) -> str:  # noqa: ANN401 - Typer keeps its classes to itself
    """Return the table row of an argument or option."""
    names = [parameter.name.upper()] if parameter.param_type_name == "argument" else parameter.opts
    shown = ", ".join(f"`{name}`" for name in [*names, *parameter.secondary_opts])
    plain = isinstance(parameter.default, (str, int, float)) and not isinstance(parameter.default, bool)
    about = (parameter.help or "").replace("|", "\\|").replace("\n", " ")
    return f"| {shown} | {f'`{parameter.default}`' if plain else ''} | {about} |"


def settings_page() -> str:
    """Return the page of all settings of a run, from the schema."""
    from brainseg.config import TASKS, RunConfig

    tasks = [f"| `{name}` | {task.about} | `{task.default_preset}` |" for name, task in TASKS.items()]
    parts = [
        "# Settings",
        "Set any of these with `--set section.field=value`, or under All settings on the Train page. "
        "brainseg refuses a value that is not allowed, and names the field, the value and what is allowed. It also "
        "refuses a setting that has no effect on the run's task.",
        "\n".join(["| task | a model predicts | preset |", "|---|---|---|", *tasks]),
    ]
    for heading, about, rows in [("The run itself", "", setting_rows(RunConfig)), *sections(RunConfig)]:
        table = "\n".join(["| setting | type | default | meaning |", "|---|---|---|---|", *rows])
        parts += [f"## {heading}", " ".join(about.split()), table]
    return "\n\n".join(part for part in parts if part) + "\n"


def sections(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, list[str]]]:
    """Yield the dotted name, the description and the table rows of each section below a model."""
    for name, field in model.model_fields.items():
        if is_section(field.annotation):
            dotted = f"{prefix}{name}"
            yield dotted, field.annotation.__doc__ or "", setting_rows(field.annotation, f"{dotted}.")
            yield from sections(field.annotation, f"{dotted}.")


def setting_rows(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Return the table rows of a model's own settings, without those of its sections."""
    fields = model.model_fields.items()
    return [setting_row(f"{prefix}{name}", field) for name, field in fields if not is_section(field.annotation)]


def is_section(annotation: object) -> bool:
    """Return whether a type is a model that contains settings."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def setting_row(name: str, field: typing.Any) -> str:  # noqa: ANN401 - pydantic's FieldInfo
    """Return the table row of one setting."""
    value = None if field.is_required() else field.get_default(call_default_factory=True)
    default = "" if value in (None, "") else f"`{str(value).lower() if isinstance(value, bool) else value}`"
    about = " ".join((field.description or "").split()).replace("|", "\\|")
    return f"| `{name}` | {type_words(field.annotation)} | {default} | {about} |"


def type_words(annotation: object) -> str:
    """Return a type in words for the reader of the settings: the values of a choice, or the name of a type."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin is typing.Annotated:
        return type_words(arguments[0])
    if origin in (list, tuple):
        return f"list of {type_words(arguments[0])}"
    if origin is None and isinstance(annotation, type):
        return {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}.get(
            annotation.__name__, annotation.__name__
        )
    return " or ".join(dict.fromkeys(type_words(part) for part in arguments if part is not type(None)))


def write_rooms_table() -> None:
    """Write the table of rooms into `docs/architecture.md`."""
    file = ROOT / "docs" / "architecture.md"
    before, rest = file.read_text("utf-8").split("docstrings; tests/test_docs.py says how to update it -->\n", 1)
    after = rest[rest.index("<!-- end of rooms -->") :]
    begin = "docstrings; tests/test_docs.py says how to update it -->\n"
    file.write_text(f"{before}{begin}\n{rooms_table()}\n\n{after}", "utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    write_rooms_table()
