"""`monitor`: what models answered on this machine, and whether the images have changed."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brainseg.cli.options import JsonOption
from brainseg.cli.output import ANSWERS, NOTES, print_json

if TYPE_CHECKING:
    from brainseg.results.monitoring import MonitoredModel

DAYS = 30.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(monitor)


def monitor(
    days: Annotated[float, typer.Option(min=0.001, help="Only answers of the last days.")] = DAYS,
    clear: Annotated[bool, typer.Option("--clear", help="Delete the log.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what models answered, and whether the newest images still look like those that they were tested on.

    The log holds time, model, hash of the image, outcome, confidence and what the guard said: no images and no names.
    """
    from brainseg.monitoring import AnswerLog
    from brainseg.results.monitoring import monitored_models
    from brainseg.runs import RunStore

    if clear:
        AnswerLog().clear()
        NOTES.print("The log of answers is empty now.")
        return
    models = monitored_models(RunStore(), days)
    if as_json:
        print_json([_values(each) for each in models])
    elif not models:
        NOTES.print(f"No model has answered in the last {days:g} days.")
    for each in [] if as_json else models:
        _print(each)


def _values(model: MonitoredModel) -> dict[str, Any]:
    answers = model.answers
    return {
        "model": model.model,
        "run_id": model.run.id if model.run else None,
        "answers": len(answers),
        "images": int(answers["image_sha256"].nunique()),
        "first": answers["time"].iloc[0].isoformat(),
        "last": answers["time"].iloc[-1].isoformat(),
        "outcomes": {str(name): int(count) for name, count in answers["outcome"].value_counts().items()},
        "signs": [{**asdict(sign), "alarming": sign.alarming} for sign in model.signs],
    }


def _print(model: MonitoredModel) -> None:
    from brainseg.results.monitoring import sign_sentence, verdict_sentence

    values = _values(model)
    outcomes = ", ".join(f"{name} {count}" for name, count in values["outcomes"].items())
    lines = [f"{model.model}: {values['answers']} answers, {values['images']} different images: {outcomes}."]
    lines += [f"  {verdict_sentence(model)}", *(f"  {sign_sentence(sign)}" for sign in model.signs)]
    for line in lines:
        ANSWERS.print(line, markup=False, soft_wrap=True)
