"""How much memory do a training, many diagnoses and many sessions take, and does any of it stay?

    python -m benchmarks.memory [--what training diagnoses sessions] [--home FOLDER]
    python -m benchmarks.memory --report

`training`: the most memory of a process that trains one epoch of a ResNet34 on 60 slices of 224 px. `diagnoses`: the
memory of a process before its first and after so many diagnoses with heatmap. `sessions`: the memory of the dashboard's
server with so many visitors, each of whom has one answer on Diagnose, and after all have left (Streamlit keeps a
session for two minutes after its visitor has left). Rows are appended to `benchmarks/results/memory.jsonl`.
"""

from __future__ import annotations

import gc
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import psutil
from playwright.sync_api import expect, sync_playwright

from benchmarks.homes import CLASSIFIER, machine, parser, prepared
from benchmarks.rows import Rows
from benchmarks.start import FLAGS, PATIENCE, answer, goto
from brainseg import paths
from brainseg.cli.server import Server
from brainseg.runs import RunStore
from brainseg.scans import read_scan

ROWS = Rows("memory", ("what", "count", "date"))
DIAGNOSES = (0, 1, 100, 250, 500, 750, 1000)
SESSIONS = (0, 1, 4, 8, 16)
KEPT = 130.0
"""Seconds after which Streamlit has dropped a session without a visitor, with a margin."""


def row(what: str, count: int, size: float) -> dict[str, Any]:
    """Return a row.

    Args:
        what: What was measured.
        count: After how many diagnoses, or with how many sessions; -1 after all have left.
        size: Bytes.
    """
    return {"what": what, "count": count, "mb": round(size / 2**20, 1), **machine()}


def training() -> Iterator[dict[str, Any]]:
    """Measure a training."""
    data = paths.subfolder("datasets") / "slices"
    settings = ("model.weights=none", "training.epochs=1", "training.frozen_epochs=0", "training.learning_rate=0.001")
    options = [part for setting in settings for part in ("--set", setting)]
    command = ["train", "--data", str(data), "--arch", "resnet34", "--preset", "quick", *options]
    subprocess.run([sys.executable, "-m", "brainseg", *command], stdout=subprocess.DEVNULL, check=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024  # of the largest process: the trainer
    yield row("training", 1, peak)


def diagnoses() -> Iterator[dict[str, Any]]:
    """Measure diagnoses in this process."""
    from brainseg.diagnosis.predictor import Predictor

    store, images = RunStore(), sorted((paths.subfolder("datasets") / "slices").glob("*tumour/*.png"))
    predictor, process = Predictor.open(store.bundle(store.get(CLASSIFIER))), psutil.Process()
    done = 0
    for count in DIAGNOSES:
        while done < count:
            predictor.diagnose(read_scan(images[done % len(images)]))
            done += 1
        gc.collect()
        yield row("diagnoses", count, process.memory_info().rss)


def sessions() -> Iterator[dict[str, Any]]:
    """Measure the server of the dashboard with visitors who come, stay and leave."""
    image = sorted((paths.subfolder("datasets") / "slices").glob("*tumour/*.png"))[0]
    with Server(8790) as server, sync_playwright() as playwright, ExitStack() as opened_tabs:
        process = psutil.Process(server._process.pid)
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        opened_tabs.callback(browser.close)
        profile = browser.new_context()
        first = profile.new_page()  # loads the model, and leaves again
        goto(first, f"{server.url}/diagnose")
        answer(first, image)
        first.close()
        here = 0
        for count in SESSIONS:
            while here < count:
                tab = profile.new_page()
                goto(tab, f"{server.url}/diagnose")
                answer(tab, image)
                expect(tab.get_by_role("heading", name=re.compile("%")).first).to_be_visible(timeout=PATIENCE)
                here += 1
            time.sleep(3)
            yield row("sessions", count, process.memory_info().rss)
        profile.close()
        time.sleep(KEPT)
        visitor = browser.new_page()  # Streamlit drops old sessions when it opens or closes another
        goto(visitor, f"{server.url}/about")
        visitor.wait_for_timeout(3000)
        visitor.close()
        yield row("sessions", -1, process.memory_info().rss)


WHAT = {"training": training, "diagnoses": diagnoses, "sessions": sessions}


def report(rows: list[dict[str, Any]]) -> str:
    """Lay the newest rows out as a Markdown table."""
    newest = {(each["what"], each["count"]): each["mb"] for each in rows}
    lines = ["| what | count | memory |", "|---|---|---|"]
    for (what, count), size in newest.items():
        lines.append(f"| {what} | {'after all have left' if count < 0 else f'{count:,}'} | {size:,.0f} MB |")
    return "\n".join(lines)


def main() -> None:
    """Measure, or print the table."""
    arguments = parser(__doc__)
    arguments.add_argument("--what", nargs="+", default=list(WHAT), choices=list(WHAT), help="what to measure")
    options = arguments.parse_args()
    if not options.report:
        with prepared(options.home):
            for name in options.what:
                for each in WHAT[name]():
                    ROWS.add(each)
    print(report(ROWS.stored()))


if __name__ == "__main__":
    main()
