"""The limits of the machine, which stand beside the other rows."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.speed.alternating import alternate, median_of, together
from benchmarks.speed.machine import cores_here
from benchmarks.speed.question import Family, Found, Question
from benchmarks.speed.session import Session

BF16 = Question("limit-bf16", "convolutions in bf16: the 3 x 3 convolutions of a ResNet34, batch 32", of_limits=True)
FP32 = Question("limit-fp32", "the same in fp32", of_limits=True)
MEMORY = Question("limit-memory", "copies in memory, read and written", of_limits=True)
DECODING = Question(
    "limit-decoding", "decoding synthetic slices (PNG, 256 px) with Pillow on all cores", of_limits=True
)
DISK = Question("limit-disk", "writing a file and flushing it to the disk", of_limits=True)

REPEATS = 3


def measure(session: Session) -> Iterator[Found]:
    """Measure all limits."""
    files = [str(file) for file in session.slices]
    settings = {"files": files, "folder": str(session.folder), "workers": cores_here()}
    with together({"limits": session.side("ours.limits", **settings)}) as sides:
        turns = alternate(sides, REPEATS, warm_up=0)["limits"]
    yield Found(BF16.name, repeats=REPEATS, values={"GFLOP/s": median_of(turns, "bf16") / 1e9})
    yield Found(FP32.name, repeats=REPEATS, values={"GFLOP/s": median_of(turns, "fp32") / 1e9})
    yield Found(MEMORY.name, repeats=REPEATS, values={"GB/s": median_of(turns, "memory") / 1e9})
    yield Found(DECODING.name, repeats=REPEATS, values={"images/s": median_of(turns, "decoding")})
    yield Found(DISK.name, repeats=REPEATS, values={"MB/s": median_of(turns, "disk") / 1e6})


FAMILY = Family("limits", (BF16, FP32, MEMORY, DECODING, DISK), measure)
