"""Tables of rows in Markdown, aligned so that they also read well in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.speed.stored import Row

COLUMNS = ("what", "baseline", "baseline s", "ours s", "CPU s", "ratio", "target", "reached")


def main_table(rows: Sequence[Row]) -> str:
    """Return the table of the rows that have a baseline or a target, with their notes below; "" without any."""
    shown = [row for row in rows if row["kind"] == "row"]
    if not shown:
        return ""
    notes = list(dict.fromkeys(row["note"] for row in shown if row["note"] and not row["missing"]))
    lines = [markdown(COLUMNS, [_cells(row, notes) for row in shown])]
    if notes:
        lines += ["", "\n".join(f"({number}) {note}" for number, note in enumerate(notes, 1))]
    return "\n".join(lines)


def limits_table(rows: Sequence[Row]) -> str:
    """Return the table of the machine's limits; "" without any."""
    table = [[row["what"], row["missing"] or values(row)] for row in rows if row["kind"] == "limit"]
    return markdown(("limit", "measured"), table) if table else ""


def growth_table(rows: Sequence[Row]) -> str:
    """Return the table of points of a curve; "" without any."""
    table = [[row["what"], row["missing"] or seconds(row["ours_s"])] for row in rows if row["kind"] == "growth"]
    return markdown(("what", "seconds"), table) if table else ""


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown whose columns are aligned."""
    widths = [max(len(cell) for cell in column) for column in zip(columns, *rows, strict=True)]
    lines = [columns, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def _cells(row: Row, notes: Sequence[str]) -> list[str]:
    mark = f" ({notes.index(row['note']) + 1})" if row["note"] in notes else ""
    if row["missing"]:
        return [row["what"], row["baseline"], "", "not measured", "", "", row["target_words"], row["missing"]]
    ours = seconds(row["ours_s"]) if row["ours_s"] is not None else values(row)
    return [
        row["what"] + mark,
        row["baseline"],
        seconds(row["baseline_s"]),
        ours,
        " / ".join(filter(None, (seconds(row["baseline_cpu_s"]), seconds(row["ours_cpu_s"])))),
        "" if row["ratio"] is None else f"{row['ratio']:.2f}",
        row["target_words"],
        {True: "yes", False: "no", None: ""}[row["reached"]],
    ]


def seconds(value: float | None) -> str:
    """Return a time in seconds with three significant digits; "" for none.

    Examples:
        >>> seconds(0.03912), seconds(6.6), seconds(143.2), seconds(None)
        ('0.0391', '6.60', '143', '')
    """
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}"


def values(row: Row) -> str:
    """Return the further numbers of a row in words."""
    found: Mapping[str, float | str] = row["values"]
    return ", ".join(_value(name, value) for name, value in found.items())


def _value(name: str, value: float | str) -> str:
    shown = value if isinstance(value, str) else f"{value:,.0f}" if abs(value) >= 10 else f"{value:.2g}"
    if name.endswith("_mb"):
        return f"{name.removesuffix('_mb').replace('_', ' ')} {shown} MB"
    return f"{shown} {name}"
