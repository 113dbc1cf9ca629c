"""The ranges of a search as Optuna's distributions, and the points of a finite space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from brainseg.search.plan import SearchPlan
from brainseg.search.ranges import Range, choice_words


def distributions(ranges: Sequence[Range]) -> dict[str, BaseDistribution]:
    """Return the distribution of each setting. Choices are text, since Optuna stores no lists."""
    return {each.name: _distribution(each) for each in ranges}


def _distribution(found: Range) -> BaseDistribution:
    if found.choices:
        return CategoricalDistribution([choice_words(choice) for choice in found.choices])
    if found.whole:
        return IntDistribution(int(found.low), int(found.high), log=found.log, step=int(found.step or 1))
    return FloatDistribution(found.low, found.high, log=found.log, step=found.step)


def point_of(ranges: Sequence[Range], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that Optuna's parameters mean."""
    point: dict[str, Any] = {}
    for each in ranges:
        value = params[each.name]
        if each.choices:
            value = next(choice for choice in each.choices if choice_words(choice) == value)
        elif each.step is not None and not each.whole:
            value = float(f"{value:.12g}")  # not 0.30000000000000004
        point[each.name] = value
    return point


def params_of(ranges: Sequence[Range], point: Mapping[str, Any]) -> dict[str, Any]:
    """Return Optuna's parameters of a point: the opposite of `point_of`."""
    return {each.name: choice_words(point[each.name]) if each.choices else point[each.name] for each in ranges}


def all_points(plan: SearchPlan) -> Iterator[dict[str, Any]]:
    """Yield every point of a finite space, the last setting varying fastest."""
    names = plan.names
    for values in product(*(each.values or () for each in plan.ranges)):
        yield dict(zip(names, values, strict=True))
