"""Rows as they are stored: `benchmarks/results/latest.json`, a list with one row per line.

Every row has `what`, `baseline_s`, `ours_s`, `ratio` and `target`, and `ratio` is the baseline's time divided by ours:
a target is reached where `ratio` is at least `target`. Rows with an absolute target have `target_s` instead. `reached`
says which, for every row that has a target and was measured.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.rows import FOLDER
from benchmarks.speed.machine import machine, today, versions
from benchmarks.speed.question import Found, Question
from benchmarks.speed.session import Session
from benchmarks.speed.timing import Timing

LATEST = FOLDER / "latest.json"
Row = dict[str, Any]
DIGITS = 4
"""Significant digits of stored numbers."""


def row_of(question: Question, found: Found, session: Session) -> Row:
    """Return the row of an answer, with what it was measured on."""
    target, baseline, ours = question.target, found.baseline or Timing(), found.ours or Timing()
    return {
        "name": question.name,
        "what": question.what,
        "baseline": question.baseline,
        "baseline_s": _number(baseline.wall) if found.baseline else None,
        "ours_s": _number(ours.wall) if found.ours else None,
        "ratio": _number(found.found_ratio),
        "target": _number(target.ratio) if target else None,
        "target_s": target.seconds if target else None,
        "target_words": target.words if target else "",
        "reached": found.reached(target),
        "baseline_cpu_s": _number(baseline.cpu) if baseline.cpu else None,
        "ours_cpu_s": _number(ours.cpu) if ours.cpu else None,
        "repeats": found.repeats,
        "values": {name: _number(value) if isinstance(value, float) else value for name, value in found.values.items()},
        "note": found.note,
        "missing": found.missing,
        "kind": "limit" if question.of_limits else "growth" if question.growth else "row",
        "set": "long" if session.long else "short",
        "data": session.data.name if session.data else "synthetic",
        "weights": "pretrained" if session.weights else "random",
        "date": found.stored or today(),
        "machine": machine(),
        "versions": versions(),
    }


def read_rows(file: Path = LATEST) -> list[Row]:
    """Return the stored rows; none where there is no file."""
    rows: list[Row] = json.loads(file.read_text("utf-8")) if file.exists() else []
    return rows


def write_rows(rows: Sequence[Row], file: Path) -> None:
    """Write rows, one per line, so that a difference between two files shows which rows changed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n", "utf-8")


def merged(before: Sequence[Row], now: Sequence[Row], order: Mapping[str, Question]) -> list[Row]:
    """Return the newest row of each question, in the order of the table; rows of former questions are left out."""
    found = {row["name"]: row for row in (*before, *now)}
    return [found[name] for name in order if name in found]


def _number(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")
