"""Writes the answers for an archive as Parquet or CSV, row group by row group, so that their number does not matter."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from brainseg.diagnosis.table import plain_text, text_cell
from brainseg.files import remove_leftovers, write_atomically

Kind = Literal["text", "number", "count", "flag"]
Cells = Mapping[str, object]
GROUP = 2000
"""Rows of a row group; so many are in memory at once."""
FILE = "file"
"""The column of the path."""
_KINDS: dict[str, Kind] = {
    "in_domain": "flag",
    "calibrated": "flag",
    "calibrated_on": "count",
    "dissenters": "count",
    "regions": "count",
    **dict.fromkeys(("threshold", "margin", "spread", "deviation", "seconds", "area", "diameter"), "number"),
}


def kinds_of(columns: Iterable[str], numbers: Iterable[str]) -> dict[str, Kind]:
    """Return the kind of each column of a table of answers.

    Args:
        columns: Names of all columns, in their order.
        numbers: The columns with one number for each class.

    Examples:
        >>> kinds_of(["file", "p_no", "calibrated"], ["p_no"])
        {'file': 'text', 'p_no': 'number', 'calibrated': 'flag'}
    """
    of_classes = set(numbers)
    return {name: "number" if name in of_classes else _KINDS.get(name, "text") for name in columns}


def write_answers(out: Path, columns: Mapping[str, Kind], rows: Iterable[Cells], facts: Mapping[str, str]) -> None:
    """Write a table of answers in one step; a crash never leaves half of it.

    Args:
        out: Ends in .parquet or .csv.
        columns: Name -> kind, in their order.
        rows: The cells of each row, as `table.answer_row` has them; what is missing stays empty.
        facts: What the answers depend on; Parquet keeps it as metadata of the file.

    Raises:
        DiskError: The disk is full.
    """
    write = FORMATS[out.suffix.lower()]
    out.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(out)
    write_atomically(out, lambda temporary: write(temporary, columns, rows, facts))
    folder = os.open(out.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name too is on the disk before the journal is deleted
    finally:
        os.close(folder)


def _write_csv(file: Path, columns: Mapping[str, Kind], rows: Iterable[Cells], facts: Mapping[str, str]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(columns), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            {name: text_cell(cell) if isinstance(cell, str) else cell for name, cell in row.items()} for row in rows
        )


def _write_parquet(file: Path, columns: Mapping[str, Kind], rows: Iterable[Cells], facts: Mapping[str, str]) -> None:
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    types = {
        "text": pyarrow.string(),
        "number": pyarrow.float64(),
        "count": pyarrow.int64(),
        "flag": pyarrow.bool_(),
    }
    fields = [pyarrow.field(name, types[kind]) for name, kind in columns.items()]
    schema = pyarrow.schema(fields, metadata=dict(facts))
    with ParquetWriter(file, schema, compression="zstd") as writer:
        for group in _groups(rows):
            values = {name: [_value(name, kind, row.get(name)) for row in group] for name, kind in columns.items()}
            writer.write_table(pyarrow.table(values, schema=schema))


def _groups(rows: Iterable[Cells]) -> Iterator[list[Cells]]:
    following = iter(rows)
    while group := list(islice(following, GROUP)):
        yield group


def _value(name: str, kind: Kind, cell: object) -> object:
    """Return a cell of a text table as a value; None for an empty one."""
    if cell in ("", None):
        return None
    if kind == "flag":
        return cell == "true"
    if kind == "text":
        return str(cell) if name == FILE else plain_text(str(cell))
    return cell


Write = Callable[[Path, Mapping[str, Kind], Iterable[Cells], Mapping[str, str]], Any]
FORMATS: dict[str, Write] = {".parquet": _write_parquet, ".csv": _write_csv}
"""Suffix of an output -> what writes it."""
