"""How long does `make test` take, with this build and with the reference build?

    python -m benchmarks.suite_time              this checkout
    python -m benchmarks.suite_time --reference  the reference build, in a worktree that is removed afterwards

Each takes many minutes and belongs on an idle machine. Rows are appended to `benchmarks/results/suite_time.jsonl`;
those of one date are compared.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.rows import Rows
from benchmarks.speed.machine import machine, today, versions
from benchmarks.speed.reference import COMMIT
from benchmarks.speed.side import ROOT
from benchmarks.speed.timing import clock

ROWS = Rows("suite_time", ("date", "build"))


def run_tests(checkout: Path) -> dict[str, object]:
    """Run the whole suite of a checkout in this environment, with the command of `make test`."""
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
    with clock() as timing:
        done = subprocess.run(command, cwd=checkout, stdout=subprocess.PIPE, text=True, check=False)
    tests = re.search(r"(\d+) passed", done.stdout)
    if done.returncode or not tests:
        raise SystemExit(f"The tests failed; their last line: {done.stdout.strip().splitlines()[-1:]}")
    return {"seconds": round(timing.wall, 1), "cpu_seconds": round(timing.cpu, 1), "tests": int(tests[1])}


def main() -> None:
    """Run the suite and store its time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", action="store_true", help=f"run the tests of commit {COMMIT}")
    options = parser.parse_args()
    started = time.strftime("%H:%M")
    if options.reference:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "checkout"
            subprocess.run(["git", "worktree", "add", "--detach", str(place), COMMIT], cwd=ROOT, check=True)
            try:
                found = run_tests(place)
            finally:
                subprocess.run(["git", "worktree", "remove", "--force", str(place)], cwd=ROOT, check=True)
    else:
        found = run_tests(ROOT)
    build = "reference" if options.reference else "now"
    row = {"date": today(), "started": started, "build": build, **found, "machine": machine(), "versions": versions()}
    ROWS.add(row)
    print(row)


if __name__ == "__main__":
    main()
