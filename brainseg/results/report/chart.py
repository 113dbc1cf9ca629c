"""The shapes of a curve's drawing, in points from the top left: HTML and PDF draw the same ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from brainseg.results.report.content import Curve

WIDTH, HEIGHT = 480.0, 150.0
"""Size of the drawing, in points."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 8.0, 20.0, 34.0
_TICKS_UP, _TICKS_ACROSS = 4, 8
Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A line through points."""

    points: tuple[Point, ...]
    kind: Literal["grid", "axis", "curve"]


@dataclass(frozen=True)
class Area:
    """The filled area below a curve."""

    points: tuple[Point, ...]


@dataclass(frozen=True)
class Words:
    """A text whose baseline starts, has its middle or ends at a place."""

    text: str
    place: Point
    anchor: Literal["start", "middle", "end"]


Shape = Line | Area | Words


def shapes_of(curve: Curve) -> list[Shape]:
    """Return what is drawn of a curve, from back to front."""
    count, top = len(curve.values), max(curve.values)
    up, across = _ticks(0, top, _TICKS_UP), _ticks(1, max(2, count), _TICKS_ACROSS, whole=True)
    highest = up[-1] or 1.0

    def x(place: float) -> float:
        return _LEFT + (place - 1) / max(1, count - 1) * (WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return HEIGHT - _BOTTOM - value / highest * (HEIGHT - _TOP - _BOTTOM)

    points = tuple((x(place), y(value)) for place, value in enumerate(curve.values, start=1))
    shapes: list[Shape] = []
    for value in up:
        shapes.append(Line(((x(1), y(value)), (x(max(2, count)), y(value))), "grid" if value else "axis"))
        shapes.append(Words(f"{value:,g}", (_LEFT - 6, y(value) + 3), "end"))
    for place in across:
        shapes.append(Line(((x(place), y(0)), (x(place), y(0) + 4)), "axis"))
        shapes.append(Words(f"{place:,g}", (x(place), y(0) + 15), "middle"))
    shapes.append(Area(((points[0][0], y(0)), *points, (points[-1][0], y(0)))))
    shapes.append(Line(points, "curve"))
    shapes.append(Words(curve.up, (2, 10), "start"))
    shapes.append(Words(curve.across, ((x(1) + x(max(2, count))) / 2, HEIGHT - 4), "middle"))
    return shapes


def _ticks(low: float, high: float, most: int, *, whole: bool = False) -> list[float]:
    """Return round values from the lowest on, of which the last is at least `high` unless they are whole places."""
    rough = max((high - low) / most, 1.0 if whole else 1e-9)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    if whole:
        inside = [step * number for number in range(1, int(high // step) + 1)]
        return [low, *(place for place in inside if place - low > step / 2)]
    return [step * number for number in range(math.ceil(high / step - 1e-9) + 1)]
