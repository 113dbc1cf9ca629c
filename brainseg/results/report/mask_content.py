"""What a report says about the mask of one image."""

from __future__ import annotations

from collections.abc import Iterator

from brainseg.diagnosis.mask_images import CAPTION
from brainseg.diagnosis.outcome_words import BOTH_WRONG, NO_SPACING
from brainseg.diagnosis.segmenter import Segmentation
from brainseg.results.report.content import Block, Section, Table, Text

LISTED = 20
"""Largest regions that are listed one by one."""


def mask_section(marked: Segmentation, agreement: str = "") -> Section:
    """Return the measurements of a mask.

    Args:
        marked: The answer of a segmentation model.
        agreement: The sentence on how well the mask and a heatmap agree; "" without a heatmap.
    """
    return Section("Marked area", tuple(_mask(marked, agreement)))


def _mask(marked: Segmentation, agreement: str) -> Iterator[Block]:
    areas = tuple((name, f"{area:,.0f}") for name, area in marked.areas.items())
    yield Table(("Class", f"Area, {marked.area_unit}"), areas, (3, 1), frozenset({1}))
    if marked.regions:
        head = (
            "Region",
            f"Area, {marked.area_unit}",
            f"Largest diameter, {marked.length_unit}",
            "Centre: row",
            "column",
        )
        rows = tuple(
            (str(number), f"{each.area:,.0f}", f"{each.diameter:,.1f}", *(f"{place:,.1f}" for place in each.centre))
            for number, each in enumerate(marked.regions[:LISTED], start=1)
        )
        yield Table(head, rows, (1, 1.4, 2, 1.2, 1), frozenset(range(1, 5)))
    if rest := marked.regions[LISTED:]:
        ones = "1 smaller region" if len(rest) == 1 else f"{len(rest):,} smaller regions"
        yield Text(f"Not listed: {ones} of {sum(each.area for each in rest):,.0f} {marked.area_unit} in total.")
    if agreement:
        yield Text(f"{agreement} {BOTH_WRONG}")
    yield Text(CAPTION, "strong")
    places = "Centres are counted in pixels from the top left." if marked.regions else ""
    note = " ".join(filter(None, [places, "" if marked.spacing else NO_SPACING]))
    if note:
        yield Text(note, "note")
