"""The tables of `docs/performance.md`, between markers, from stored rows: they cannot drift from what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

from benchmarks.rows import Rows
from benchmarks.speed.side import ROOT
from benchmarks.speed.stored import Row, read_rows
from benchmarks.speed.table import growth_table, limits_table, main_table, markdown, seconds

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- table {}: python -m benchmarks.speed --report -->", "<!-- end of table -->"
NOTHING = "Nothing is stored yet: `{}` measures it."
CURVES = {
    "archive": "benchmarks.archive",
    "runs": "benchmarks.store_growth",
    "memory": "benchmarks.memory",
    "users": "benchmarks.users",
    "cuda": "benchmarks.cuda_check",
}
"""Name of a table -> the benchmark whose `report` lays out its stored rows."""


def tables() -> dict[str, str]:
    """Return all tables by name, from the stored rows."""
    rows = read_rows()
    found = {
        "machine": basis(rows),
        "limits": limits_table(rows),
        "rows": main_table(rows),
        "image-size": growth_table(rows),
    }
    stored = {name: table or NOTHING.format("make bench") for name, table in found.items()}
    images = images_table(Rows("growth", ()).stored()) or NOTHING.format("python -m benchmarks.growth")
    return {**stored, "images": images, **{name: curve(module) for name, module in CURVES.items()}}


def basis(rows: Sequence[Row]) -> str:
    """Say what the rows were measured on; "" without any."""
    if not rows:
        return ""
    machines = "; ".join(dict.fromkeys(row["machine"] for row in rows))
    dates = sorted({row["date"] for row in rows})
    versions = rows[-1]["versions"]
    libraries = ", ".join(f"{name} {version}" for name, version in versions.items())
    period = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    data = ", ".join(dict.fromkeys(row["data"] for row in rows))
    weights = ", ".join(dict.fromkeys(row["weights"] for row in rows))
    return f"Measured {period} on {machines}; images: {data}; weights: {weights}; {libraries}."


def images_table(rows: Sequence[Row]) -> str:
    """Return what `benchmarks.growth` stored last for each size: seconds of its steps, and the peak of memory."""
    newest = sorted({row["images"]: row for row in rows}.values(), key=lambda row: row["images"])
    if not newest:
        return ""
    columns = ("images", *(name.replace("_", " ") + ", s" for name in newest[0]["steps"]), "peak of memory, MB")
    lines = []
    for row in newest:
        steps = row["steps"].values()
        peak = max(each["peak_mb"] for each in steps)
        lines.append([f"{row['images']:,}", *(seconds(each["seconds"]) for each in steps), f"{peak:,.0f}"])
    return markdown(columns, lines)


def curve(module: str) -> str:
    """Return the table of another benchmark's stored rows."""
    if find_spec(module) is None:
        return f"Not measured: `python -m {module}` is not in this checkout."
    other = import_module(module)
    rows = other.ROWS.stored()
    found: str = other.report(rows) if rows else NOTHING.format(f"python -m {module}")
    return found


def filled(text: str, found: dict[str, str]) -> str:
    """Return the page with its tables replaced.

    Examples:
        >>> page = f"{BEGIN.format('rows')} old {END} after"
        >>> filled(page, {"rows": "new"}).splitlines()[1:]
        ['', 'new', '', '<!-- end of table --> after']
    """
    for name, table in found.items():
        begin = BEGIN.format(name)
        if begin not in text:
            continue
        before, rest = text.split(begin, 1)
        text = f"{before}{begin}\n\n{table}\n\n{END}{rest.split(END, 1)[1]}"
    return text


def update() -> str:
    """Write the tables into the page, and return them."""
    found = tables()
    PAGE.write_text(filled(PAGE.read_text("utf-8"), found), "utf-8")
    return "\n\n".join(found.values())
