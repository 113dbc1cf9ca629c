"""The checks of a run's heatmaps in words: one row with one sentence for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from brainseg.diagnosis.heatmap_checks.road import REMOVED
from brainseg.diagnosis.heatmap_checks.stored import HeatmapChecks, Measured, StoredHeatmaps
from brainseg.diagnosis.methods import drawn_by
from brainseg.diagnosis.pointing import StoredPointing, pointing_interval

NO_INTERVAL = "none"


class CheckRow(NamedTuple):
    """One measure of a run's heatmaps.

    Attributes:
        measure: Its name.
        value: The value, in words.
        interval: Its 95 % interval, in words.
        n: Images that it is of.
        meaning: One sentence on what it shows.
    """

    measure: str
    value: str
    interval: str
    n: int
    meaning: str


def check_rows(found: StoredHeatmaps) -> list[CheckRow]:
    """Return one row for each measure of a run's heatmaps."""
    rows = list(_pointing_rows(found["pointing"])) if found["pointing"] else []
    return [*rows, *_check_rows(found["checks"])] if found["checks"] else rows


def sample_sentence(checks: HeatmapChecks) -> str:
    """Return which images and which heatmaps were checked."""
    drawn = f"all {checks['held_out']:,} held-out images"
    if checks["images"] < checks["held_out"]:
        drawn = f"{checks['images']:,} of {checks['held_out']:,} held-out images, drawn at random"
    empty = f" {checks['empty']:,} of the heatmaps are empty." if checks["empty"] else ""
    return (
        f"Heatmaps for the predicted class by {drawn_by(checks['method'], checks['stage'])}, on {drawn} "
        f"({checks['groups']:,} independent patients, images or groups of copies). Removed pixels come from "
        f"{checks['curves']['fill']}.{empty}"
    )


def _pointing_rows(found: StoredPointing) -> Iterator[CheckRow]:
    intervals = found.get("intervals", {})
    count = found["slices"]
    if not count:
        return
    yield CheckRow(
        "Pointing game",
        f"{found['pointing_game']:.3f}",
        _bounds(pointing_interval(found)),
        count,
        f"Fraction of tumour slices whose hottest point lies in the tumour; a random point: {found['chance']:.3f}.",
    )
    yield CheckRow(
        "Energy in the tumour",
        f"{found['energy_inside']:.3f}",
        _bounds(intervals.get("energy_inside")),
        count,
        f"Fraction of the heatmap's sum that lies in the tumour; a uniform heatmap: {found['chance']:.3f}.",
    )
    yield CheckRow(
        "Energy ratio",
        f"{found['energy_ratio']:.2f}",
        _bounds(intervals.get("energy_ratio")),
        count,
        "That fraction divided by the fraction of the image that the tumour covers; a uniform heatmap: 1.",
    )


def _check_rows(checks: HeatmapChecks) -> Iterator[CheckRow]:
    curves = checks["curves"]
    yield _row(
        "Deletion area",
        curves["deletion_area"]["heatmap"],
        "Mean probability of the predicted class while the hottest pixels are removed first; small is good.",
    )
    yield _row(
        "Deletion gain over a random order",
        curves["deletion_gain"]["random"],
        "How much smaller that area is than if pixels are removed in random order; above 0 is good.",
    )
    yield _row(
        "Deletion gain over the centre",
        curves["deletion_gain"]["centre"],
        "The same against removing pixels from the centre outwards, which ignores the image; above 0 is good.",
    )
    yield _row(
        "Insertion area",
        curves["insertion_area"]["heatmap"],
        "Mean probability of the predicted class while the hottest pixels are inserted first; large is good.",
    )
    yield _row(
        "Insertion gain over a random order",
        curves["insertion_gain"]["random"],
        "How much larger that area is than if pixels are inserted in random order; above 0 is good.",
    )
    yield _row(
        "Insertion gain over the centre",
        curves["insertion_gain"]["centre"],
        "The same against inserting pixels from the centre outwards; above 0 is good.",
    )
    if checks["road"]:
        removed = ", ".join(f"{100 * fraction:.0f}" for fraction in REMOVED)
        yield _row(
            "ROAD",
            checks["road"],
            f"Half the difference in probability without the coldest and without the hottest pixels ({removed} % of "
            "them, filled from their neighbours); a random order: 0; above 0 is good.",
        )
    for depth in checks["randomisation"]:
        yield _row(
            f"Random weights: {depth['layers']}",
            depth["similarity"],
            "Correlation with the heatmaps of the same network with random weights in these layers; near 0 is good.",
        )
    yield from _class_rows(checks)


def _class_rows(checks: HeatmapChecks) -> Iterator[CheckRow]:
    classes = checks["classes"]
    yield _row(
        "Similarity within a class",
        classes["within"],
        "Correlation of the heatmaps of two correct answers of one class; tumours lie in different places, so a low "
        "value is no fault.",
    )
    yield _row(
        "Similarity between classes",
        classes["between"],
        "The same for two classes; a high value means that the heatmap shows the same place in every image.",
    )
    yield _row(
        "Within minus between",
        classes["difference"],
        "Above 0, heatmaps of one class resemble each other more than those of other classes.",
    )


def _row(measure: str, found: Measured, meaning: str) -> CheckRow:
    return CheckRow(measure, _value(found), _bounds(found["interval"]), found["n"], meaning)


def _value(found: Measured) -> str:
    return "not defined" if found["value"] is None else _number(found["value"])


def _bounds(interval: tuple[float, float] | None) -> str:
    return f"{_number(interval[0])} to {_number(interval[1])}" if interval else NO_INTERVAL


def _number(value: float) -> str:
    """Return a number with three decimals, and without the minus of one that rounds to 0."""
    return f"{round(value, 3) + 0.0:.3f}"
