"""Reading a folder of images and preparing it for training, beside a loop with Pillow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.speed.alternating import alternate, median_of, timing_of, together
from benchmarks.speed.data import class_folders
from benchmarks.speed.question import Family, Found, Question, times, under
from benchmarks.speed.session import Session
from benchmarks.speed.timing import Timing, extrapolated

IMAGES = 7019
SIZES = (100, 250)
"""Synthetic images of the two sets that are measured; what does not depend on their number counts once."""
FIRST = Question(
    "prepare-first",
    "reading and preparing 7,019 images for the first time, with checks, copies and groups",
    "a loop with Pillow in one process",
    times(2),
)
REPEATS = 2
SECOND = Question("prepare-second", "the same again", "", under(1))


def measure(session: Session) -> Iterator[Found]:
    """Let Pillow and brainseg read the same folders."""
    if session.data:
        count, plain, first, second = read_in_turns(session, session.data)
        note = f"{count:,} images of {session.data.name}; the files are in memory."
    else:
        sizes = (SIZES[0], IMAGES) if session.long else SIZES
        few, many = (read_in_turns(session, class_folders(session.cache, size)) for size in sizes)
        plain, first, second = (
            extrapolated((few[0], few[place]), (many[0], many[place]), IMAGES) for place in (1, 2, 3)
        )
        note = f"From {few[0]:,} and {many[0]:,} synthetic images, extrapolated; the files are in memory."
    yield Found(FIRST.name, plain, first, REPEATS, note=note)
    yield Found(SECOND.name, None, second, REPEATS, note=note)


def read_in_turns(session: Session, folder: Path) -> tuple[int, Timing, Timing, Timing]:
    """Return the number of images, and the times of Pillow, of brainseg's first and of its second reading."""
    sides = {
        "plain": session.side("baselines.pil_loop", data=str(folder), size=session.image_side),
        "ours": session.side("ours.preparing", data=str(folder), size=session.image_side),
    }
    with together(sides):
        sides["plain"].turn()  # brings the files into memory for both
        turns = alternate(sides, REPEATS, warm_up=0)
    second = Timing(median_of(turns["ours"], "second_wall"), median_of(turns["ours"], "second_cpu"))
    return turns["ours"][0]["images"], timing_of(turns["plain"]), timing_of(turns["ours"]), second


FAMILY = Family("prepare", (FIRST, SECOND), measure)
