"""Several people who diagnose at the same time: throughput, waiting times, and whether all answers are right.

    python -m benchmarks.users [--users 1 4 16] [--answers 64] [--home FOLDER]
    python -m benchmarks.users --report

Every user is a thread that asks the functions behind Diagnose for one answer after another, each with its heatmap, as a
session of the dashboard does: users share the model in memory, and each image is read and answered again. An answer is
right if it equals that of one user alone: the same class, probabilities within 1e-4, heatmap within 1e-3. Rows are
appended to `benchmarks/results/users.jsonl`.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.homes import CLASSIFIER, machine, parser, prepared
from benchmarks.rows import Rows
from brainseg import paths
from brainseg.app.diagnose.answers import Answers
from brainseg.app.diagnose.heatmap_options import HeatmapOptions
from brainseg.app.diagnose.members import Member
from brainseg.diagnosis.answer import Diagnosis
from brainseg.runs import RunStore
from brainseg.scans import read_scan

ROWS = Rows("users", ("users", "date"))


class User(threading.Thread):
    """A visitor who diagnoses one image after another.

    Args:
        member: The model.
        images: The images, in the order in which they are asked.
    """

    def __init__(self, member: Member, images: list[Path]) -> None:
        super().__init__()
        self.member, self.images = member, images
        self.seconds: list[float] = []
        self.answers: dict[Path, Diagnosis] = {}
        self.error: BaseException | None = None

    def run(self) -> None:
        """Ask for all answers."""
        try:
            for image in self.images:
                started = time.perf_counter()
                # A new session's memory for each: it would return the same answer again without asking the model.
                answer = Answers().classify(read_scan(image), [self.member], HeatmapOptions())
                self.seconds.append(time.perf_counter() - started)
                assert isinstance(answer, Diagnosis)
                self.answers[image] = answer
        except BaseException as error:
            self.error = error


def same(one: Diagnosis, other: Diagnosis) -> bool:
    """Return whether two answers are the same, up to rounding."""
    return (
        one.label == other.label
        and all(abs(one.probabilities[name] - value) < 1e-4 for name, value in other.probabilities.items())
        and bool(np.allclose(one.heatmap, other.heatmap, atol=1e-3))
    )


def measure(
    users: int, answers: int, member: Member, images: list[Path], right: dict[Path, Diagnosis]
) -> dict[str, Any]:
    """Return the row of so many users, who ask for `answers` answers in all."""
    each = answers // users
    people = [
        User(member, [images[(number * 7 + place) % len(images)] for place in range(each)]) for number in range(users)
    ]
    started, cpu = time.perf_counter(), time.process_time()
    for person in people:
        person.start()
    for person in people:
        person.join()
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    failed = [person.error for person in people if person.error]
    if failed:
        raise SystemExit(f"A user got an error instead of an answer: {failed[0]!r}")
    seconds = sorted(each for person in people for each in person.seconds)
    wrong = sum(not same(answer, right[image]) for person in people for image, answer in person.answers.items())
    return {
        "users": users, "answers": len(seconds), "wrong": wrong, "per_second": round(len(seconds) / wall, 2),
        "p50_s": round(float(np.quantile(seconds, 0.5)), 4), "p95_s": round(float(np.quantile(seconds, 0.95)), 4),
        "cpu_s_per_answer": round(cpu / len(seconds), 4), **machine(),
    }  # fmt: skip


def report(rows: list[dict[str, Any]]) -> str:
    """Lay the newest rows out as a Markdown table."""
    newest = {row["users"]: row for row in rows}
    lines = ["| users | answers a second | p50 | p95 | wrong answers |", "|---|---|---|---|---|"]
    lines += [
        f"| {users} | {row['per_second']:.1f} | {row['p50_s']:.3f} s | {row['p95_s']:.3f} s "
        f"| {row['wrong']} of {row['answers']} |"
        for users, row in sorted(newest.items())
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, or print the table."""
    arguments = parser(__doc__)
    arguments.add_argument("--users", type=int, nargs="+", default=[1, 4, 16])
    arguments.add_argument("--answers", type=int, default=64, help="answers in all, for each number of users")
    options = arguments.parse_args()
    if not options.report:
        with prepared(options.home):
            member = Member.of(RunStore().get(CLASSIFIER))
            images = sorted((paths.subfolder("datasets") / "slices").glob("*tumour/*.png"))[:16]
            alone = User(member, images)
            alone.run()
            alone.run()  # the first answers of a process take longer
            if alone.error:
                raise alone.error
            for users in options.users:
                ROWS.add(measure(users, options.answers, member, images, alone.answers))
    print(report(ROWS.stored()))


if __name__ == "__main__":
    main()
