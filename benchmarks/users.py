"""Several people who diagnose on one dashboard at the same time: waiting times, and whether every answer is right.

    python -m benchmarks.users [--users 1 4 16] [--answers 8] [--pause 5] [--alone | --training] [--home FOLDER]
    python -m benchmarks.users --report

Each person is a session of a real server, from another process: it uploads an image to Diagnose, waits until the page
has been drawn, fetches its pictures (the image, the heatmap), looks at them for `--pause` seconds, half as long or
half as long again, and uploads the next. All of that but the looking counts. By default, it is measured without and
with a training that runs at the same time. An answer is right if its words are those that one person alone gets, and
if no pixel of its pictures differs by more than 3 of 255. Rows are appended to `benchmarks/results/users.jsonl`.
"""

from __future__ import annotations

import asyncio
import io
import random
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from benchmarks.homes import classifier, machine, parser, prepared
from benchmarks.rows import Rows
from benchmarks.visitor import Visitor
from brainseg import paths
from brainseg.cli.server import Server, free_port
from brainseg.jobs.actions import cancel
from brainseg.jobs.queue import submit
from brainseg.runs import RunStore

ROWS = Rows("users", ("users", "training", "pause_s", "date"))
TOLERANCE = 3
"""Levels of 255: pictures are rounded after they were scaled."""
IMAGES = 16
SECONDS = re.compile(r"\d+(?:\.\d+)? m?s\b")


@dataclass(frozen=True)
class Shown:
    """What the page shows of an answer.

    Attributes:
        words: Its texts, without times.
        pictures: (H, W, C) uint8 each.
    """

    words: tuple[str, ...]
    pictures: tuple[np.ndarray, ...]

    def same(self, other: Shown) -> bool:
        """Return whether this is the same answer, up to rounding."""
        return (
            self.words == other.words
            and len(self.pictures) == len(other.pictures)
            and all(
                one.shape == two.shape and int(np.abs(one.astype(int) - two.astype(int)).max()) <= TOLERANCE
                for one, two in zip(self.pictures, other.pictures, strict=True)
            )
        )


@dataclass
class Person:
    """Somebody who uploads one image after another.

    Attributes:
        name: Their number.
        seconds: How long each answer took.
        answers: Place of an image -> its answer.
        errors: What went wrong in place of an answer.
    """

    name: int
    seconds: list[float] = field(default_factory=list)
    answers: list[tuple[int, Shown]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def visit(self, server: str, images: Sequence[bytes], places: Sequence[int], pause: float) -> None:
        """Ask for the answers to the images at these places."""
        chance = random.Random(self.name)
        async with Visitor(server, "diagnose") as visitor:
            for number, place in enumerate(places):
                await asyncio.sleep(pause * chance.uniform(0.5, 1.5))
                data = marked(images[place], f"{self.name} {number}")
                started = time.perf_counter()
                try:
                    shown = await ask(visitor, f"slice {place}.png", data)
                except Exception as error:  # counted as a lost answer; the others go on
                    self.errors.append(repr(error))
                    continue
                self.seconds.append(time.perf_counter() - started)
                self.answers.append((place, shown))


def marked(image: bytes, note: str) -> bytes:
    """Return a PNG image with a note in it: to the server, a new file with the same pixels."""
    words, made = PngInfo(), io.BytesIO()
    words.add_text("note", note)
    with Image.open(io.BytesIO(image)) as opened:
        opened.save(made, "PNG", pnginfo=words)
    return made.getvalue()


async def ask(visitor: Visitor, name: str, image: bytes) -> Shown:
    """Upload an image, and return the answer once it has been drawn.

    Raises:
        LookupError: The page shows no answer.
    """
    await visitor.upload(name, image)
    page = await visitor.run()
    drawn = [await visitor.picture(address) for address in page.images()]
    words = tuple(SECONDS.sub("", text) for text in page.texts())
    if not any(name.removesuffix(".png") in each for each in words):
        raise LookupError(f"There is no answer to {name}.")
    return Shown(words, tuple(np.asarray(Image.open(io.BytesIO(each)).convert("RGB")) for each in drawn))


async def crowd(server: str, people: Sequence[Person], images: Sequence[bytes], each: int, pause: float) -> None:
    """Have everybody ask for so many answers, at the same time."""
    order = [[(person.name * 7 + number) % len(images) for number in range(each)] for person in people]
    await asyncio.gather(
        *(person.visit(server, images, places, pause) for person, places in zip(people, order, strict=True))
    )


async def warmed(server: str) -> None:
    """Wait until the server has its model in memory."""
    image = io.BytesIO()
    Image.new("L", (64, 64)).save(image, "PNG")
    async with Visitor(server, "diagnose") as visitor:
        for number in range(600):
            try:
                await ask(visitor, "blank slice.png", marked(image.getvalue(), str(number)))
                return
            except LookupError:
                await asyncio.sleep(0.5)
    raise SystemExit("The server did not load its model.")


def measure(
    server: str, users: int, each: int, pause: float, images: Sequence[bytes], right: dict[int, Shown]
) -> dict[str, Any]:
    """Return what so many people see."""
    people = [Person(number) for number in range(users)]
    started = time.perf_counter()
    asyncio.run(crowd(server, people, images, each, pause))
    wall = time.perf_counter() - started
    seconds = sorted(value for person in people for value in person.seconds)
    for words in [words for person in people for words in person.errors][:3]:
        print(f"A lost answer: {words}")
    return {
        "users": users, "pause_s": pause, "answers": len(seconds), "asked": users * each,
        "wrong": sum(not shown.same(right[place]) for person in people for place, shown in person.answers),
        "lost": sum(len(person.errors) for person in people), "per_second": round(len(seconds) / wall, 2),
        "p50_s": round(float(np.quantile(seconds, 0.5)), 3), "p95_s": round(float(np.quantile(seconds, 0.95)), 3),
        "longest_s": round(seconds[-1], 3), **machine(),
    }  # fmt: skip


@contextmanager
def training(data: Path, wanted: bool) -> Iterator[None]:
    """Train a ResNet34 at 224 px in the worker of the home, from before the first answer until after the last."""
    if not wanted:
        yield
        return
    store = RunStore()
    config = classifier(data).with_settings({"training.epochs": 500, "compute.nice": 10})
    run = submit(store, config, "beside the visitors")
    try:
        while not store.history(run.id, "valid_loss"):  # from then on, the cores are busy
            if store.get(run.id).status not in ("SCHEDULED", "RUNNING"):
                raise SystemExit(f"The training ended: {store.get(run.id).reason}")
            time.sleep(1)
        yield
        if store.get(run.id).status != "RUNNING":
            raise SystemExit("The training ended before the last answer.")
    finally:
        cancel(store, run.id)


def report(rows: list[dict[str, Any]]) -> str:
    """Lay the newest rows out as a Markdown table."""
    newest = {(row["training"], row["users"], row["pause_s"]): row for row in rows}
    lines = [
        "| users | beside them | pause between two images | answers a second | p50 | p95 | wrong | lost |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['users']} | {'a training' if row['training'] else 'nothing'} | {row['pause_s']:g} s "
        f"| {row['per_second']:.1f} | {row['p50_s']:.2f} s | {row['p95_s']:.2f} s | {row['wrong']} of {row['asked']} "
        f"| {row['lost']} |"
        for _, row in sorted(newest.items())
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, or print the table."""
    arguments = parser(__doc__)
    arguments.add_argument("--users", type=int, nargs="+", default=[1, 4, 16])
    arguments.add_argument("--answers", type=int, default=8, help="answers for each person")
    arguments.add_argument("--pause", type=float, default=5, help="mean seconds between an answer and the next image")
    beside = arguments.add_mutually_exclusive_group()
    beside.add_argument("--alone", action="store_true", help="without a training only")
    beside.add_argument("--training", action="store_true", help="beside a training only")
    options = arguments.parse_args()
    if not options.report:
        with prepared(options.home):
            data = paths.subfolder("datasets") / "slices"
            images = [file.read_bytes() for file in sorted(data.glob("*tumour/*.png"))[:IMAGES]]
            with Server(port=free_port(8790)) as server:
                asyncio.run(warmed(server.url))
                alone = Person(0)
                asyncio.run(alone.visit(server.url, images, range(len(images)), 0))
                if alone.errors:
                    raise SystemExit(f"One person alone gets no answers: {alone.errors[0]}")
                for beside in [False] * (not options.training) + [True] * (not options.alone):
                    with training(data, beside):
                        for users in options.users:
                            found = measure(
                                server.url, users, options.answers, options.pause, images, dict(alone.answers)
                            )
                            ROWS.add({"training": beside, **found})
    print(report(ROWS.stored()))


if __name__ == "__main__":
    main()
