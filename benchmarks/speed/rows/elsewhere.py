"""Rows whose numbers other commands measure and store: pages with many runs, simultaneous users, and the test suite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.rows import Rows
from benchmarks.speed.question import Family, Found, NotHereError, Question, Target, times, under
from benchmarks.speed.session import Session
from benchmarks.speed.timing import Timing

MANY_RUNS, FEW_RUNS = 1000, 10
MANY_SESSIONS = 16
MEBI = 2**20 / 1e6
AS_GOOD_AS_FLAT = 1.5
"""A page counts as flat if `MANY_RUNS` make its script at most so many times slower than `FEW_RUNS`."""
WARM = Question("pages-1000", "slowest page script, warm, with 1,000 runs in the store", "", under(0.3))
FLAT = Question(
    "pages-flat",
    "the same page with 1,000 runs",
    "with 10 runs",
    Target(f"flat: at most {AS_GOOD_AS_FLAT} times", 1 / AS_GOOD_AS_FLAT),
)
USERS = Question("memory-16-sessions", "memory of a server with 16 sessions", "", Target("stated"))
TESTS = Question(
    "make-test", "`make test` on 2 cores", "the reference build", Target("two thirds of the time", times(1.5).ratio)
)


def newest(name: str, command: str) -> list[dict[str, Any]]:
    """Return the stored rows of another benchmark, those of the newest date.

    Raises:
        NotHereError: There are none.
    """
    rows = Rows(name, ("date",)).stored()
    if not rows:
        raise NotHereError(f"Nothing is stored yet: `{command}` measures it.")
    last = max(row["date"] for row in rows)
    return [row for row in rows if row["date"] == last]


def measure_pages(_session: Session) -> Iterator[Found]:
    """Take the slowest page from what `benchmarks.store_growth` stored."""
    command = "python -m benchmarks.store_growth"
    rows = newest("store_growth", command)
    many = max((row for row in rows if row["runs"] == MANY_RUNS), key=lambda row: row["warm_s"], default=None)
    if many is None:
        raise NotHereError(f"No store of {MANY_RUNS:,} runs is stored: `{command}` measures it.")
    note, date = f"From `{command}`.", many["date"]
    ours, page = Timing(many["warm_s"]), {"page": many["page"]}
    yield Found(WARM.name, None, ours, values=page, note=note, stored=date)
    few = [row for row in rows if row["runs"] == FEW_RUNS and row["page"] == many["page"]]
    for row in few[-1:]:
        yield Found(FLAT.name, Timing(row["warm_s"]), ours, values=page, note=note, stored=date)


def measure_sessions(_session: Session) -> Iterator[Found]:
    """Take the memory of a server with many sessions from what `benchmarks.memory` stored."""
    command = "python -m benchmarks.memory"
    rows = [row for row in newest("memory", command) if row["what"] == "sessions"]
    names = {1: "with_1_mb", MANY_SESSIONS: f"with_{MANY_SESSIONS}_mb", -1: "after_all_left_mb"}
    values = {names[row["count"]]: row["mb"] * MEBI for row in rows if row["count"] in names}
    if names[MANY_SESSIONS] not in values:
        raise NotHereError(f"Sessions are not stored yet: `{command}` measures them.")
    yield Found(USERS.name, values=values, note=f"From `{command}`.", stored=rows[-1]["date"])


def measure_suite(_session: Session) -> Iterator[Found]:
    """Take the times of the test suite from what `benchmarks.suite_time` stored."""
    command = "python -m benchmarks.suite_time"
    found = {row["build"]: row for row in newest("suite_time", command)}
    if "now" not in found:
        raise NotHereError(f"This build is not stored: `{command}` measures it.")
    now, before = found["now"], found.get("reference")
    values = {"tests": float(now["tests"]), **({"tests_before": float(before["tests"])} if before else {})}
    baseline = Timing(before["seconds"], before["cpu_seconds"]) if before else None
    ours = Timing(now["seconds"], now["cpu_seconds"])
    yield Found(TESTS.name, baseline, ours, values=values, note=f"From `{command}`.", stored=now["date"])


PAGES = Family("pages", (WARM, FLAT), measure_pages)
SESSIONS = Family("sessions", (USERS,), measure_sessions)
SUITE = Family("suite", (TESTS,), measure_suite)
