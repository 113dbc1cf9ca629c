"""The robustness of a run: the one reader of `robustness.json`, its table, and what it says in sentences."""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd

from brainseg.diagnosis.methods import METHODS, drawn_by
from brainseg.errors import RunError
from brainseg.results.run_files import read_json, reading, refuse_newer
from brainseg.robustness.result import FILE, ROBUSTNESS_TYPE, SCHEMA, Curve, Measured, Point, RobustnessReport
from brainseg.runs import Run, RunStore
from brainseg.tasks import facts_of

Measure = Literal["metric", "changed", "stability", "ece", "nll"]
CAVEAT = (
    "Each corruption changes one thing by a formula, while images of another scanner differ in many ways at once. An "
    "interval that still holds the value of the untouched images does not show that nothing changed: few images give "
    "wide intervals."
)


def stored_robustness(store: RunStore, run: Run) -> RobustnessReport | None:
    """Return how a run's answers change when its images get worse; None if that was not measured.

    Raises:
        RunError: The file is damaged, or a newer brainseg wrote it.
    """
    values = read_json(store, run, FILE)
    if values is None:
        return None
    refuse_newer(values, SCHEMA, FILE, run)
    with reading(FILE, run):
        return ROBUSTNESS_TYPE.validate_python(values)


def measures_of(report: RobustnessReport) -> dict[Measure, str]:
    """Return the measures that a report has, with their names."""
    masks = report["metric"] == "dice"
    names: dict[Measure, str] = {
        "metric": "Dice, all pixels" if masks else "Accuracy",
        "changed": "Slices marked in one case only" if masks else "Answers changed",
        "stability": "Dice with the untouched mask" if masks else "Heatmap correlation",
        "ece": "Calibration error",
        "nll": "Negative log-likelihood (nats)",
    }
    first = next((point for curve in report["curves"] for point in curve["points"]), report["reference"])
    return {name: words for name, words in names.items() if first[name] is not None}


def sentences(report: RobustnessReport) -> list[str]:
    """Return one sentence on each corruption: up to which strength the metric's interval holds the untouched value."""
    return [_sentence(curve, report) for curve in report["curves"]]


def _sentence(curve: Curve, report: RobustnessReport) -> str:
    title, points, untouched = curve["title"], curve["points"], report["reference"]["metric"]["value"]
    word = "Dice" if report["metric"] == "dice" else "accuracy"
    last = points[-1]
    if untouched is None or any(point["metric"]["interval"] is None for point in points):
        values = (
            f"{_number(last['metric']['value'])} at {last['strength']:g} and {_number(untouched)} on untouched images"
        )
        return f"{title} ({curve['unit']}): the {word} has no interval; it is {values}."
    held = _held(points, untouched)
    if held == len(points):
        return (
            f"{title} ({curve['unit']}): at every strength {_reach(curve)} {last['strength']:g}, the interval of the "
            f"{word} still holds {untouched:.3f}, the value of the untouched images{_changed(last, report)}."
        )
    broken = points[held]
    found = f"at {broken['strength']:g}, the {word} is {_bounded(broken['metric'])}"
    if not held:
        return (
            f"{title} ({curve['unit']}): already {found}, and the interval does not hold {untouched:.3f}, the value of "
            f"the untouched images{_changed(broken, report)}."
        )
    kept = points[held - 1]
    return (
        f"{title} ({curve['unit']}): {_reach(curve)} {kept['strength']:g}, the interval of the {word} still holds "
        f"{untouched:.3f}, the value of the untouched images{_changed(kept, report)}; {found}."
    )


def _reach(curve: Curve) -> str:
    """Return "down to" for a corruption that is stronger at lower values, such as the quality of a JPEG."""
    strengths = [point["strength"] for point in curve["points"]]
    return "down to" if strengths[0] > strengths[-1] else "up to"


def _held(points: list[Point], untouched: float) -> int:
    """Return how many strengths, from the weakest on without a gap, have an interval that holds a value."""
    for number, point in enumerate(points):
        bounds = point["metric"]["interval"]
        if bounds is None or not bounds[0] <= untouched <= bounds[1]:
            return number
    return len(points)


def _changed(point: Point, report: RobustnessReport) -> str:
    changed = point["changed"]
    if changed is None or changed["value"] is None:
        return ""
    what = "slices are marked in one case only" if report["metric"] == "dice" else "answers changed"
    return f" ({round(changed['value'] * changed['count'])} of {changed['count']} {what})"


def _bounded(measured: Measured) -> str:
    bounds = measured["interval"]
    return _number(measured["value"]) + (f" ({bounds[0]:.3f} to {bounds[1]:.3f})" if bounds else "")


def _number(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.3f}"


def basis_sentences(report: RobustnessReport, run: Run) -> list[str]:
    """Return what a report stands on: its images, its probabilities and its heatmaps, and whether it is out of date."""
    units = facts_of(run.config.task).units
    side = "test" if report["evaluated_on"] == "test" else "validation"
    some = "all" if report["images"] == report["held_out"] else f"{report['images']:,} random ones of"
    found = [
        f"Measured on {some} {report['held_out']:,} {side} {units} ({report['groups']:,} independent groups; seed "
        f"{report['seed']})."
    ]
    if report["metric"] == "accuracy":
        of = f"the probability of {report['judged']}" if report["judged"] else "the highest probability"
        basis = report["calibrated"]
        kind = f"calibrated on {basis:,} images" if basis is not None else "not calibrated, so they are called scores"
        found.append(f"The calibration error is that of {of}; the model's probabilities are {kind}.")
        found.append(_heatmap_sentence(report))
    if run.bundle_digest and report["digest"] not in run.bundle_digest.split():
        found.append("The model was calibrated again after this measurement: measure again for its calibration now.")
    return [*found, CAVEAT]


def _heatmap_sentence(report: RobustnessReport) -> str:
    method, stage = report["method"], report["stage"]
    if method is None or stage is None:
        return "No heatmaps were compared: none were asked for, or the model's method takes minutes per image."
    drawn = drawn_by(method, stage) if method in METHODS else method
    return (
        f"Heatmaps were compared on {report['heatmaps']} of these images, by {drawn}: the rank "
        "correlation with the heatmap of the untouched image, both for the class that the model predicts there."
    )


def robustness_table(report: RobustnessReport) -> pd.DataFrame:
    """Return one row per strength, the untouched images first, with a value and its bounds for each measure."""
    names = measures_of(report)
    rows = [_row("none", "", report["reference"], names)]
    for curve in report["curves"]:
        rows += [_row(curve["corruption"], curve["unit"], point, names) for point in curve["points"]]
    return pd.DataFrame(rows)


def _row(corruption: str, unit: str, point: Point, names: dict[Measure, str]) -> dict[str, Any]:
    row: dict[str, Any] = {"corruption": corruption, "strength": point["strength"], "unit": unit}
    for name, words in names.items():
        measured = point[name]
        low, high = (measured["interval"] if measured else None) or (None, None)
        row |= {words: measured["value"] if measured else None, f"{words}, low": low, f"{words}, high": high}
    return row


def finished_words(store: RunStore, check: Run) -> str:
    """Return where the result of a finished check is, as a sentence."""
    if check.check is None:
        return ""
    try:
        measured = store.get(check.check.run)
    except RunError:
        return "The run that it measured was deleted, and its result with it."
    return f"Its result is stored with run {measured.name!r} ({measured.id[:8]})."
