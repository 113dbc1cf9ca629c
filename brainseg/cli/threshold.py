"""`threshold`: choose how a classifier decides: its threshold, and which answers are not certain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from brainseg import DISCLAIMER
from brainseg.cli.by_task import refuse_without_probabilities
from brainseg.cli.options import CrossvalOption, JsonOption, RunArgument, named_crossval
from brainseg.cli.output import ANSWERS, print_json
from brainseg.errors import ConfigError
from brainseg.models.operating_point import MarginGoal, OperatingPoint, ThresholdGoal

if TYPE_CHECKING:
    from brainseg.models.ensemble import ModelDescription
    from brainseg.runs import Run

ThresholdKind = Literal["sensitivity", "specificity", "cost", "threshold"]
MarginKind = Literal["accuracy", "coverage", "margin"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(threshold)


def threshold(
    run: RunArgument,
    sensitivity: Annotated[float | None, typer.Option(help="Highest threshold with this sensitivity, 0 to 1.")] = None,
    specificity: Annotated[float | None, typer.Option(help="Lowest threshold with this specificity, 0 to 1.")] = None,
    cost: Annotated[
        float | None, typer.Option(help="Cheapest threshold, if a missed image costs so many false alarms.")
    ] = None,
    at: Annotated[float | None, typer.Option(help="The threshold itself, between 0 and 1.")] = None,
    accuracy: Annotated[
        float | None, typer.Option(help='"Not certain" where needed for this accuracy of the other answers, 0 to 1.')
    ] = None,
    coverage: Annotated[
        float | None, typer.Option(help="Certain answers for this fraction of the images, 0 to 1.")
    ] = None,
    margin: Annotated[
        float | None, typer.Option(help="Answers that are less ahead of the next class are not certain, 0 to 1.")
    ] = None,
    default: Annotated[
        bool, typer.Option("--default", help="Predict the class with the highest probability again.")
    ] = False,
    crossval: CrossvalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Choose from which probability on a model predicts its positive class, and which answers are not certain.

    Without options, print how it decides now. What is not named keeps its goal.
    """
    from brainseg.evaluation.operating import Goals
    from brainseg.results.bundle_changes import description_of
    from brainseg.results.classification.operating_point import current_point, set_operating_point
    from brainseg.runs import RunStore

    store = RunStore()
    found = store.get(run)
    refuse_without_probabilities(found, "has no threshold")
    by_threshold = _threshold_goal(sensitivity=sensitivity, specificity=specificity, cost=cost, threshold=at)
    by_margin = _margin_goal(accuracy=accuracy, coverage=coverage, margin=margin)
    point = current_point(store, found)
    if default and (by_threshold or by_margin):
        raise ConfigError("--default stands alone: leave out the other options, or leave out --default.")
    if crossval and not (by_threshold or by_margin):
        raise ConfigError("--from needs a goal, such as --sensitivity 0.95.")
    if default:
        point = set_operating_point(store, found, Goals())
    elif by_threshold or by_margin:
        goals = Goals(by_threshold or point.threshold_goal, by_margin or point.margin_goal)
        point = set_operating_point(store, found, goals, named_crossval(store, crossval))
    _answer(found, description_of(store, store.get(found.id)), point, as_json)


def _threshold_goal(**given: float | None) -> ThresholdGoal | None:
    kind, value = _only(given, {"threshold": "at"})
    if value is None:
        return None
    if kind == "cost" and not 0 < value < math.inf:
        raise ConfigError(f"--cost must be above 0, not {value:g}: 10 means that a missed image costs 10 false alarms.")
    if kind == "threshold" and not 0 < value < 1:
        raise ConfigError(f"--at must lie between 0 and 1, such as 0.3, not {value:g}.")
    if kind in ("sensitivity", "specificity") and not 0 < value <= 1:
        raise ConfigError(f"--{kind} must be above 0 and at most 1, such as 0.95, not {value:g}.")
    return ThresholdGoal.model_validate({"of": kind, "value": value})


def _margin_goal(**given: float | None) -> MarginGoal | None:
    kind, value = _only(given, {})
    if value is None:
        return None
    if not 0 <= value <= 1:
        raise ConfigError(f"--{kind} must lie between 0 and 1, not {value:g}.")
    return MarginGoal.model_validate({"of": kind, "value": value})


def _only(given: dict[str, float | None], options: dict[str, str]) -> tuple[str, float | None]:
    """Return the only option that was given, with its value; `options` are names that differ from the kind's.

    Raises:
        ConfigError: Several were given.
    """
    named = {kind: value for kind, value in given.items() if value is not None}
    if len(named) > 1:
        names = " and ".join(f"--{options.get(kind, kind)}" for kind in named)
        raise ConfigError(f"{names} contradict each other: choose one of them.")
    return next(iter(named.items()), ("", None))


def _answer(run: Run, description: ModelDescription, point: OperatingPoint, as_json: bool) -> None:
    from brainseg.diagnosis.operating_words import operating_lines

    if as_json:
        facts = {"run_id": run.id, "name": run.name, "positive": description.positive}
        print_json({**facts, **point.model_dump(mode="json")})
        return
    for line in operating_lines(point, description.positive, len(description.classes)):
        ANSWERS.print(line, markup=False, soft_wrap=True)
    ANSWERS.print(DISCLAIMER)
