"""Options that several commands share, and the configuration they add up to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brainseg.config import RunConfig, default_preset, parse_settings, preset_names
from brainseg.jobs.submission import validate

if TYPE_CHECKING:
    from brainseg.runs import Kind

DataOption = Annotated[
    Path | None, typer.Option("--data", help="Dataset: its name, a folder of class folders, or a CSV manifest.")
]
ArchOption = Annotated[str | None, typer.Option(help="resnet18, resnet34, resnet50, resnet101 or resnet152.")]
PresetOption = Annotated[
    str | None,
    typer.Option(
        help=f"{', '.join(preset_names())}. If not given: segment with --set task=segment, otherwise default."
    ),
]
WeightsOption = Annotated[
    str | None, typer.Option(help="imagenet, imagenet-v1, none, run:<id>, or a .safetensors or .pth file.")
]
NameOption = Annotated[str | None, typer.Option(help="Name of the run.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="section.field=value; may be given many times.")]
SkipBadOption = Annotated[bool, typer.Option("--skip-bad", help="Leave out unreadable files instead of stopping.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON, with nothing else on stdout.")]


def build_config(
    data: Path | None,
    arch: str | None,
    preset: str | None,
    weights: str | None,
    settings: list[str] | None,
    skip_bad: bool,
    kind: Kind = "train",
) -> RunConfig:
    """Put a preset and the options together.

    Raises:
        ConfigError: A setting is unknown, or its value is not allowed or makes no sense for this kind of run.
        DataError: There is no dataset at the path.
        WeightsError: There is no weights file at the path.
    """
    values: dict[str, object] = {}
    stored: dict[str, str | float] = {}
    if data is not None:
        from brainseg.datasets.library import resolve, stored_settings

        values["data.path"] = resolve(str(data))
        stored = stored_settings(str(values["data.path"]))
    if arch is not None:
        values["model.arch"] = arch
    if weights is not None:
        values["model.weights"] = weights
    if skip_bad:
        values["data.skip_bad"] = True
    values |= parse_settings(settings or [])
    config = RunConfig.from_preset(default_preset(values) if preset is None else preset, values, stored)
    return validate(config, kind)
