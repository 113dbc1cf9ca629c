"""Options that several commands share, and the configuration they add up to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brainseg.config import RunConfig, parse_settings
from brainseg.errors import DataError, WeightsError
from brainseg.models.sources import is_weights_file

DataOption = Annotated[
    Path | None, typer.Option("--data", help="Dataset: a folder of class folders, or a CSV manifest.")
]
ArchOption = Annotated[str | None, typer.Option(help="resnet18, resnet34, resnet50, resnet101 or resnet152.")]
PresetOption = Annotated[str, typer.Option(help="default, paper, quick, demo or segment; see brainseg/presets.")]
WeightsOption = Annotated[
    str | None, typer.Option(help="imagenet, imagenet-v1, none, run:<id>, or a .safetensors or .pth file.")
]
NameOption = Annotated[str | None, typer.Option(help="Name of the run.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="section.field=value; may be given many times.")]
SkipBadOption = Annotated[bool, typer.Option("--skip-bad", help="Leave out unreadable files instead of stopping.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON, with nothing else on stdout.")]


def build_config(
    data: Path | None, arch: str | None, preset: str, weights: str | None, settings: list[str] | None, skip_bad: bool
) -> RunConfig:
    """Put a preset and the options together.

    Raises:
        ConfigError: A setting is unknown or its value is not allowed.
        DataError: There is no dataset at the path.
        WeightsError: There is no weights file at the path.
    """
    values: dict[str, object] = {}
    if data is not None:
        values["data.path"] = str(data)
    if arch is not None:
        values["model.arch"] = arch
    if weights is not None:
        values["model.weights"] = weights
    if skip_bad:
        values["data.skip_bad"] = True
    config = RunConfig.from_preset(preset, {**values, **parse_settings(settings or [])})
    return _with_whole_paths(config)


def _with_whole_paths(config: RunConfig) -> RunConfig:
    """Make paths absolute, since a worker runs in another folder, and refuse those that lead nowhere."""
    if not config.data.path:
        raise DataError("No dataset was named: give one with --data PATH.")
    data = Path(config.data.path).expanduser().resolve()
    if not data.exists():
        raise DataError(f"{config.data.path} does not exist: give a folder of class folders or a CSV manifest.")
    weights = config.model.weights
    if is_weights_file(weights):
        file = Path(weights).expanduser().resolve()
        if not file.is_file():
            raise WeightsError(
                f"The weights file {weights} does not exist: give another, or imagenet, none or run:<id>."
            )
        weights = str(file)
    return config.model_copy(
        update={
            "data": config.data.model_copy(update={"path": str(data)}),
            "model": config.model.model_copy(update={"weights": weights}),
        }
    )


def run_name(name: str | None, config: RunConfig) -> str:
    """Return the run's name, or one that says what it is."""
    if name:
        return name
    kind = config.preset if config.model.head == "concat-pool" else config.model.head
    return f"{config.model.arch}-{kind}"
