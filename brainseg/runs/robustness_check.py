"""A robustness check in the store: a queued run that measures the model of another run, and trains nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass

from brainseg.errors import RunError
from brainseg.robustness.plan import CheckPlan


@dataclass(frozen=True)
class RobustnessCheck:
    """What a check measures.

    Attributes:
        run: Id of the run whose model is measured.
        plan: The size of the check.
    """

    run: str
    plan: CheckPlan


def write_check(check: RobustnessCheck) -> str:
    """Return a check as the text of a tag."""
    plan = check.plan
    return json.dumps(
        {
            "run": check.run,
            "images": plan.images,
            "heatmaps": plan.heatmaps,
            "seed": plan.seed,
            "corruptions": list(plan.corruptions),
        }
    )


def read_check(text: str) -> RobustnessCheck:
    """Return the check in a tag.

    Raises:
        RunError: The tag is damaged; the message is the end of a sentence.

    Examples:
        >>> read_check(write_check(RobustnessCheck("0" * 32, CheckPlan(corruptions=("noise",))))).plan.images
        200
    """
    try:
        values = json.loads(text)
        images, heatmaps, seed = (int(values[name]) for name in ("images", "heatmaps", "seed"))
        plan = CheckPlan(images, heatmaps, seed, tuple(map(str, values["corruptions"])))
        check = RobustnessCheck(str(values["run"]), plan)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RunError("its tag brainseg.robustness is damaged: the run that it measures is lost") from error
    if not check.run or images < 1:
        raise RunError("its tag brainseg.robustness is damaged: it names no run or no images")
    return check
