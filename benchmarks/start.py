"""How long do the command line and the dashboard take to start? This checkout beside an older one, alternating.

    python -m benchmarks.start [--baseline CHECKOUT] [--what commands page answer visit] [--repeats 5]
    python -m benchmarks.start --report

`commands`: `brainseg --help`, `runs` and `predict --help`, wall and processor seconds. `page`: from the start of
`brainseg dashboard` to Home in Chromium. `answer`: from the start to the answer to an image dropped onto Diagnose.
`visit`: from the click on Diagnose to that answer, 8 seconds after Home was opened. Each row is a median. Rows are
appended to `benchmarks/results/start.jsonl`; `checkout` is "this" or "baseline".
"""

from __future__ import annotations

import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.homes import grow, machine, parser, prepared
from benchmarks.rows import Rows
from brainseg import paths
from brainseg.cli.server import free_port

ROWS = Rows("start", ("what", "checkout", "date"))
COMMANDS = {"--help": ["--help"], "runs": ["runs"], "predict --help": ["predict", "--help"]}
THIS = Path(__file__).resolve().parent.parent
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
PATIENCE = 60_000
"""Milliseconds."""
ON_HOME = 8.0
"""Seconds that a visitor spends on Home."""


def command(checkout: Path, arguments: list[str]) -> tuple[float, float]:
    """Run a command of a checkout; return its wall and processor seconds."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-m", "brainseg", *arguments], cwd=checkout, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - started, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@contextmanager
def dashboard(checkout: Path) -> Iterator[str]:
    """Start the dashboard of a checkout, and return its address at once."""
    port = free_port(8770)
    process = subprocess.Popen(
        [sys.executable, "-m", "brainseg", "dashboard", "--port", str(port)],
        cwd=checkout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait(20)


def goto(tab: Page, address: str) -> None:
    """Open a page of a server that may still be starting."""
    port = int(address.split(":")[2].split("/")[0])
    limit = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < limit:
        with suppress(OSError), socket.create_connection(("localhost", port), timeout=1):
            break
        time.sleep(0.02)
    tab.goto(address, wait_until="commit")


def first_page(tab: Page, checkout: Path, image: Path) -> float:
    """Return the seconds from the start of the dashboard to Home, with all that it shows."""
    started = time.perf_counter()
    with dashboard(checkout) as address:
        goto(tab, address)
        home_is_drawn(tab)
        return time.perf_counter() - started


def first_answer(tab: Page, checkout: Path, image: Path) -> float:
    """Return the seconds from the start of the dashboard to the first answer."""
    started = time.perf_counter()
    with dashboard(checkout) as address:
        goto(tab, f"{address}/diagnose")
        answer(tab, image)
        return time.perf_counter() - started


def visit(tab: Page, checkout: Path, image: Path) -> float:
    """Return the seconds from the click on Diagnose to the first answer."""
    with dashboard(checkout) as address:
        goto(tab, address)
        home_is_drawn(tab)
        time.sleep(ON_HOME)
        started = time.perf_counter()
        tab.get_by_role("link", name="Diagnose").first.click()
        answer(tab, image)
        return time.perf_counter() - started


def home_is_drawn(tab: Page) -> None:
    """Wait for the last part of Home: the plot of the best model."""
    expect(tab.get_by_role("heading", level=1, name="brainseg")).to_be_visible(timeout=PATIENCE)
    expect(tab.get_by_role("link", name="Open the run").first).to_be_visible(timeout=PATIENCE)


def answer(tab: Page, image: Path) -> None:
    """Drop an image onto Diagnose, and wait for its heatmap."""
    tab.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(image, timeout=PATIENCE)
    overlay = tab.get_by_test_id("stImage").filter(has_text=re.compile("^Overlay$"))
    expect(overlay.first).to_be_visible(timeout=PATIENCE)


IN_THE_BROWSER: dict[str, Callable[[Page, Path, Path], float]] = {
    "page": first_page,
    "answer": first_answer,
    "visit": visit,
}


def measure(what: list[str], checkouts: dict[str, Path], repeats: int, image: Path) -> Iterator[dict[str, Any]]:
    """Return a row for each measurement and checkout; the checkouts take turns, after one round that warms the disk."""
    if "commands" in what:
        for name, arguments in COMMANDS.items():
            yield from rows_of(name, checkouts, repeats, partial(command, arguments=arguments))
    wanted = [name for name in IN_THE_BROWSER if name in what]
    if wanted:
        with sync_playwright() as playwright:
            program = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
            for name in wanted:
                yield from rows_of(name, checkouts, repeats, partial(in_a_tab, browser, name, image))
            browser.close()


def rows_of(
    name: str, checkouts: dict[str, Path], repeats: int, once: Callable[[Path], tuple[float, ...]]
) -> Iterator[dict[str, Any]]:
    """Measure every checkout in turns."""
    found: dict[str, list[tuple[float, ...]]] = {label: [] for label in checkouts}
    for _ in range(repeats + 1):
        for label, checkout in checkouts.items():
            found[label].append(once(checkout))
    for label, values in found.items():
        wall, *cpu = (round(statistics.median(each), 3) for each in zip(*values[1:], strict=True))
        yield {
            "what": name, "checkout": label, "wall_s": wall, "cpu_s": cpu[0] if cpu else None, "repeats": repeats,
            **machine(),
        }  # fmt: skip


def in_a_tab(browser: Browser, name: str, image: Path, checkout: Path) -> tuple[float]:
    """Measure once, in a browser profile that knows nothing."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as profile:
        return (IN_THE_BROWSER[name](profile.new_page(), checkout, image),)


def report(rows: list[dict[str, Any]]) -> str:
    """Lay the newest rows out as a Markdown table."""
    newest = {(row["what"], row["checkout"]): row for row in rows}
    lines = ["| what | baseline | this | ratio |", "|---|---|---|---|"]
    for what in dict.fromkeys(what for what, _ in newest):
        this, old = newest.get((what, "this")), newest.get((what, "baseline"))
        ratio = f"{old['wall_s'] / this['wall_s']:.2f}" if this and old else ""
        lines.append(f"| {what} | {_seconds(old)} | {_seconds(this)} | {ratio} |")
    return "\n".join(lines)


def _seconds(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    return f"{row['wall_s']:.2f} s" + (f" ({row['cpu_s']:.2f} s of processor)" if row["cpu_s"] is not None else "")


def main() -> None:
    """Measure, or print the table."""
    arguments = parser(__doc__)
    arguments.add_argument(
        "--baseline", type=Path, help="a checkout of an older version, measured in turns with this one"
    )
    arguments.add_argument("--what", nargs="+", default=["commands", *IN_THE_BROWSER], help="what to measure")
    arguments.add_argument("--repeats", type=int, default=5)
    options = arguments.parse_args()
    if not options.report:
        with prepared(options.home):
            grow(10)
            image = sorted((paths.subfolder("datasets") / "slices").rglob("*.png"))[0]
            checkouts = {"this": THIS} | ({"baseline": options.baseline.resolve()} if options.baseline else {})
            for row in measure(options.what, checkouts, options.repeats, image):
                ROWS.add(row)
    print(report(ROWS.stored()))


if __name__ == "__main__":
    main()
