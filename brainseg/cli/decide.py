"""`data decide`: whether two images that look the same are copies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brainseg.cli.output import ANSWERS, counter


def register(app: typer.Typer) -> None:
    """Add the command to those of `data`."""
    app.command()(decide)


def decide(
    dataset: Annotated[str, typer.Argument(help="Name or path of the dataset.")],
    first: Annotated[str, typer.Argument(help="An image, by its path in the dataset.")],
    second: Annotated[str, typer.Argument(help="Another image that looks the same.")],
    different: Annotated[
        bool, typer.Option("--different/--copies", help="They are different images, or copies after all.")
    ],
) -> None:
    """Decide whether two images that look the same are copies; splits keep copies together."""
    from brainseg.datasets.inspection import inspect_dataset
    from brainseg.datasets.library import resolve
    from brainseg.datasets.near_decisions import judge_copies, judge_different, pairs_of

    path = resolve(dataset)
    bar, progress = counter("Reading images")
    with bar:
        table = inspect_dataset(Path(path), progress).table
    pairs = pairs_of(first, [second], table)
    (judge_different if different else judge_copies)(pairs)
    ANSWERS.print("They count as different images." if different else "They count as copies if they look the same.")
