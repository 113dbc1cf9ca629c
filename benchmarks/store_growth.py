"""Does a page become slower with more runs in the store? Time, queries and opened files per page script.

    python -m benchmarks.store_growth [--runs 10 100 1000] [--home FOLDER] [--repeats 5]
    python -m benchmarks.store_growth --report

Every row is one page on a store of so many runs: copies of a ResNet34 and a small U-Net that were trained on synthetic
slices. `opened_s` is the first visit in a process that has imported everything and read nothing, `warm_s` the median of
reruns, `changed_s` the median of reruns after another process has written to the store, as a training does at every
epoch; all three in seconds of processor time, which other programs disturb less, and `warm_wall_s` in seconds that
pass. `queries` and `files` are those of one warm rerun. Rows are appended to `benchmarks/results/store_growth.jsonl`.
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import streamlit as st
from streamlit.testing.v1 import AppTest

from benchmarks.homes import CLASSIFIER, grow, machine, parser, prepared
from benchmarks.rows import Rows
from brainseg import paths
from brainseg.runs import RunStore

ROWS = Rows("store_growth", ("page", "runs", "date"))
PAGES = Path(__file__).parent.parent / "pages"
OPENED: list[str] = []
"""Files that this process has opened since the list was last cleared."""


def pages() -> dict[str, tuple[str, dict[str, str]]]:
    """Return the measured pages: name -> file and parameters of the address."""
    run = RunStore().get(CLASSIFIER).id
    single = {name: (name, {}) for name in ("home", "diagnose", "train", "runs", "compare", "data", "read", "about")}
    return {**single, "monitoring": ("monitoring", {}), "runs?run=": ("runs", {"run": run})}


def measure(count: int, repeats: int) -> Iterator[dict[str, Any]]:
    """Return a row per page for the open home, which has `count` runs."""
    for name, (file, query) in pages().items():
        app = AppTest.from_file(str(PAGES / f"{file}.py"), default_timeout=120)
        app.query_params.update(query)
        app.run()  # imports
        st.cache_data.clear()
        st.cache_resource.clear()
        first = AppTest.from_file(str(PAGES / f"{file}.py"), default_timeout=120)
        first.query_params.update(query)
        cold, _ = timed(first)
        with counted() as (queries, files):
            first.run()
        warm = [timed(first) for _ in range(repeats)]
        changed = []
        for number in range(repeats):
            touch_store(number)
            changed.append(timed(first)[0])
        if first.exception:
            raise SystemExit(f"{name}: {first.exception}")
        yield {
            "page": name, "runs": count, "opened_s": round(cold, 4), "warm_s": _median(cpu for cpu, _ in warm),
            "warm_wall_s": _median(wall for _, wall in warm), "changed_s": _median(changed),
            "queries": len(queries), "files": len(files),
            **machine(),
        }  # fmt: skip


def timed(app: AppTest) -> tuple[float, float]:
    """Run a page's script once, and return its seconds of processor time, and those that passed."""
    wall, cpu = time.perf_counter(), time.process_time()
    app.run()
    return time.process_time() - cpu, time.perf_counter() - wall


def _median(values: Iterable[float]) -> float:
    return round(statistics.median(values), 4)


def touch_store(number: int) -> None:
    """Write to the store, as a training does that logs a metric."""
    with sqlite3.connect(paths.home() / "mlflow.db") as database:
        database.execute("UPDATE tags SET value = ? WHERE key = 'touched'", (str(number),))
        database.execute(
            "INSERT OR REPLACE INTO tags (key, value, run_uuid) VALUES ('touched', ?, ?)",
            (str(number), RunStore().get(CLASSIFIER).id),
        )


@contextmanager
def counted() -> Iterator[tuple[list[str], list[str]]]:
    """Collect the questions to SQLite on new connections, and the files opened below the home."""
    queries: list[str] = []
    home, connect = str(paths.home()), sqlite3.connect

    def connected(*arguments: object, **options: object) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.set_trace_callback(queries.append)
        return connection

    OPENED.clear()
    with patch.object(sqlite3, "connect", connected):
        yield queries, (files := [])
    files += [file for file in OPENED if file.startswith(home) and "mlflow.db" not in file]


def _note_opening(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open":
        OPENED.append(str(arguments[0]))


def report(rows: Sequence[dict[str, Any]]) -> str:
    """Lay the newest row of each page and size out as a Markdown table."""
    newest = {(row["page"], row["runs"]): row for row in rows}
    sizes = sorted({runs for _, runs in newest})
    lines = [
        "| page | " + " | ".join(f"{size:,} runs: opened, warm, changed" for size in sizes) + " |",
        "|---|" + "---|" * len(sizes),
    ]
    for name in dict.fromkeys(page for page, _ in newest):
        cells = [newest.get((name, size)) for size in sizes]
        words = [f"{c['opened_s']:.2f}, {c['warm_s']:.3f}, {c['changed_s']:.3f} s" if c else "" for c in cells]
        lines.append(f"| {name} | " + " | ".join(words) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure, or print the table."""
    arguments = parser(__doc__)
    arguments.add_argument("--runs", type=int, nargs="+", default=[10, 100, 1000])
    arguments.add_argument("--repeats", type=int, default=5)
    options = arguments.parse_args()
    if not options.report:
        sys.addaudithook(_note_opening)  # Python has no way to remove it
        with prepared(options.home):
            for count in sorted(options.runs):
                grow(count)
                for row in measure(count, options.repeats):
                    ROWS.add(row)
    print(report(ROWS.stored()))


if __name__ == "__main__":
    main()
