"""Finds and opens the result files of a run: in its workspace while it runs, in the store after it ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from pydantic import TypeAdapter

from brainseg.errors import DataError, RunError
from brainseg.jobs.workspace import Workspace
from brainseg.runs import Run, RunStore

Arguments = ParamSpec("Arguments")
Found = TypeVar("Found")


def run_file(store: RunStore, run: Run, name: str) -> Path | None:
    """Return a result file of a run, live or stored; None if it does not exist (yet)."""
    live = Workspace(run.id).results / name
    if live.exists():
        return live
    try:
        return store.path(run.id, name)
    except RunError:
        return None


def read_json(store: RunStore, run: Run, name: str) -> dict[str, Any] | None:
    """Return the object in a JSON file of a run, whose fields are not checked.

    Raises:
        RunError: The file is damaged.
    """
    file = run_file(store, run, name)
    if not file:
        return None
    with reading(name, run):
        values = json.loads(file.read_text("utf-8"))
        if not isinstance(values, dict):
            raise TypeError("not a JSON object")
        return values


def read_checked(check: TypeAdapter[Found], store: RunStore, run: Run, name: str) -> Found | None:
    """Return a JSON file of a run, with the types of its fields checked.

    Raises:
        RunError: The file is damaged.
    """
    values = read_json(store, run, name)
    if values is None:
        return None
    with reading(name, run):
        return check.validate_python(values)


def readable(
    damaged: list[str], read: Callable[Arguments, Found], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Found | None:
    """Return what a reader of stored results returns, or None where the file is damaged.

    Args:
        damaged: List to which the sentence about a damaged file is added.
        read: The reader.
        arguments: Arguments of the reader.
        named: Named arguments of the reader.
    """
    try:
        return read(*arguments, **named)
    except RunError as error:
        damaged.append(str(error))
        return None


def refuse_newer(values: Mapping[str, Any], known: int, name: str, run: Run) -> None:
    """Refuse a file of a run that a newer brainseg wrote; a file without the field `schema` is of version 1.

    Raises:
        RunError: Names the file, its schema, and the newest one that this brainseg reads.
    """
    if values.get("schema", 1) not in range(1, known + 1):
        raise RunError(
            f"{name} of run {run.name!r} has schema {values['schema']}, and this brainseg reads up to {known}: "
            "install a newer brainseg."
        )


@contextmanager
def reading(name: str, run: Run) -> Iterator[None]:
    """Turn the errors that a damaged file causes inside the `with` block into one sentence that names the file.

    Raises:
        RunError: The file is damaged.
    """
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError, RecursionError, DataError) as error:
        raise RunError(
            f"{name} of run {run.name!r} is damaged, so its contents cannot be shown: put the file back, or train the "
            "run again."
        ) from error
