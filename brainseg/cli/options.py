"""Options that several commands share, and the configuration that they add up to."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec

import typer

from brainseg.config import RunConfig, default_preset, parse_settings, preset_names
from brainseg.errors import RunError
from brainseg.jobs.submission import validate

if TYPE_CHECKING:
    from brainseg.runs import Kind, Run, RunStore

CrossvalOption = Annotated[
    str | None,
    typer.Option("--from", help="A cross-validation of the same settings, whose out-of-fold predictions are used."),
]
Own = ParamSpec("Own")
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON, with nothing else on stdout.")]
LauncherOption = Annotated[
    str | None,
    typer.Option(
        "--launcher",
        help="What trains it: local (the worker of this machine), ray (a Ray cluster) or command (the command that "
        "BRAINSEG_LAUNCH_COMMAND names, such as sbatch). BRAINSEG_LAUNCHER sets the default.",
    ),
]
RunArgument = Annotated[str, typer.Argument(help="Id, start of the id, or name of a run.")]


@dataclass(frozen=True)
class RunOptions:
    """The options that configure a new run, in the order of `--help`; see `run_options`."""

    data: Annotated[
        Path | None, typer.Option("--data", help="Dataset: its name, a folder of class folders, or a CSV manifest.")
    ] = None
    arch: Annotated[str | None, typer.Option(help="resnet18, resnet34, resnet50, resnet101 or resnet152.")] = None
    preset: Annotated[
        str | None,
        typer.Option(
            help=f"{', '.join(preset_names())}. If not given: segment with --set task=segment, otherwise default."
        ),
    ] = None
    weights: Annotated[
        str | None, typer.Option(help="imagenet, imagenet-v1, none, run:<id>, or a .safetensors or .pth file.")
    ] = None
    name: Annotated[str | None, typer.Option(help="Name of the run.")] = None
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="section.field=value; may be given many times.")
    ] = None
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out unreadable files instead of stopping.")] = (
        False
    )

    def config(self, kind: Kind = "train") -> RunConfig:
        """Put the preset and the other options together.

        Raises:
            ConfigError: A setting is unknown, or its value is not allowed or makes no sense for this kind of run.
            DataError: There is no dataset at the path.
            WeightsError: There is no weights file at the path.
        """
        values: dict[str, object] = {}
        stored: dict[str, str | float] = {}
        if self.data is not None:
            from brainseg.datasets.library import resolve, stored_settings

            values["data.path"] = resolve(str(self.data))
            stored = stored_settings(str(values["data.path"]))
        if self.arch is not None:
            values["model.arch"] = self.arch
        if self.weights is not None:
            values["model.weights"] = self.weights
        if self.skip_bad:
            values["data.skip_bad"] = True
        values |= parse_settings(self.settings or [])
        preset = default_preset(values) if self.preset is None else self.preset
        return validate(RunConfig.from_preset(preset, values, stored), kind)


def named_crossval(store: RunStore, name: str | None) -> Run | None:
    """Return the cross-validation that `CrossvalOption` names; None if it was not given.

    Raises:
        RunError: There is no such run, or it is no cross-validation.
    """
    if name is None:
        return None
    parent = store.get(name)
    if parent.kind != "crossval":
        raise RunError(f"Run {parent.name!r} is no cross-validation: `brainseg crossval` makes one.")
    return parent


def run_options(
    *left_out: str,
) -> Callable[[Callable[Concatenate[RunOptions, Own], None]], Callable[..., None]]:
    """Return a decorator that gives a command the options of `RunOptions`, before its own ones.

    The command takes them as its first argument.

    Args:
        left_out: Fields of `RunOptions` that the command does not offer.
    """
    shared = [
        option
        for option in inspect.signature(RunOptions, eval_str=True).parameters.values()
        if option.name not in left_out
    ]

    def decorate(command: Callable[Concatenate[RunOptions, Own], None]) -> Callable[..., None]:
        @wraps(command)
        def run(**values: Any) -> None:  # noqa: ANN401 - whatever typer parsed
            options = RunOptions(**{option.name: values.pop(option.name) for option in shared})
            command(options, **values)  # type: ignore[call-arg]

        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
        options = [*shared, *own]
        # typer reads both to find the options of a command.
        run.__annotations__ = {option.name: option.annotation for option in options}
        run.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
        return run

    return decorate
