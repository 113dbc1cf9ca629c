"""All rows, in the order of the table."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.speed.question import Family, Question
from benchmarks.speed.rows import (
    batch,
    diagnosis,
    elsewhere,
    epochs,
    image_size,
    limits,
    mask,
    memory,
    panels,
    preparing,
    protocol,
    sharing,
    starting,
    unet,
)

FAMILIES: tuple[Family, ...] = (
    limits.FAMILY,
    *epochs.FAMILIES,
    protocol.FAMILY,
    unet.FAMILY,
    sharing.FAMILY,
    *diagnosis.FAMILIES,
    mask.FAMILY,
    batch.FAMILY,
    panels.FAMILY,
    preparing.FAMILY,
    elsewhere.PAGES,
    starting.FAMILY,
    memory.FAMILY,
    elsewhere.SESSIONS,
    elsewhere.SUITE,
    image_size.FAMILY,
)
QUESTIONS: dict[str, Question] = {each.name: each for family in FAMILIES for each in family.questions}


def chosen(names: Sequence[str]) -> tuple[Family, ...]:
    """Return the families that are named or that hold a named row; all without names.

    Raises:
        ValueError: A name is neither.
    """
    known = {family.name for family in FAMILIES} | set(QUESTIONS)
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"{unknown[0]!r} is no row: --list names them.")
    wanted = set(names)
    return tuple(
        family
        for family in FAMILIES
        if not wanted or family.name in wanted or wanted & {each.name for each in family.questions}
    )
