"""What a user waits for at the start: help, the first page, the first answer."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.speed.alternating import alternate, timing_of, together
from benchmarks.speed.commands import timed_command
from benchmarks.speed.question import Family, Found, NotHereError, Question, times
from benchmarks.speed.session import Session
from benchmarks.speed.side import environment_of
from benchmarks.speed.timing import Timing, middle

BUILD = "the reference build"
HELP = Question("help", "`brainseg --help`", BUILD, times(2))
PAGE = Question("first-page", "first page of a cold server, until the last byte is sent", BUILD, times(2))
ANSWER = Question("first-answer", "first answer of Diagnose after a cold start of the server", BUILD, times(2))


def measure(session: Session) -> Iterator[Found]:
    """Start each in a new process, the reference build and brainseg in turns."""
    builds: dict[str, Path | None] = {"ours": None}
    missing = ""
    try:
        builds = {"reference": session.reference, **builds}
    except NotHereError as error:
        missing = str(error)
    homes = {name: session.home_with_run(code) for name, code in builds.items()}
    more = 2 if session.long else 1
    found = in_turns(["-m", "brainseg", "--help"], builds, homes, 4 * more)
    yield Found(HELP.name, found.get("reference"), found["ours"], 4 * more, note=missing)
    for name, settings in {PAGE.name: {}, ANSWER.name: {"page": "diagnose", "sample": True}}.items():
        sides = {each: session.side("ours.first_page", code, homes[each], **settings) for each, code in builds.items()}
        with together(sides):
            found = {each: timing_of(turns) for each, turns in alternate(sides, 2 * more).items()}
        yield Found(name, found.get("reference"), found["ours"], 2 * more, note=missing)


def in_turns(
    command: Sequence[str], builds: Mapping[str, Path | None], homes: Mapping[str, Path], rounds: int
) -> dict[str, Timing]:
    """Return the median times of a command of Python in each build; a first start of each does not count."""
    taken: dict[str, list[Timing]] = {name: [] for name in builds}
    for _ in range(rounds + 1):
        for name, code in builds.items():
            taken[name].append(timed_command([sys.executable, *command], environment_of(homes[name], code), code))
    return {name: middle(each[1:]) for name, each in taken.items()}


FAMILY = Family("starting", (HELP, PAGE, ANSWER), measure)
