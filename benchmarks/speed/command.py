"""`python -m benchmarks.speed`: measures, stores and prints the table."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from benchmarks.speed.families import FAMILIES, QUESTIONS, chosen
from benchmarks.speed.question import Family, Found, NotHereError
from benchmarks.speed.report import update
from benchmarks.speed.session import Session, default_cache
from benchmarks.speed.stored import LATEST, Row, merged, read_rows, row_of, write_rows
from benchmarks.speed.table import growth_table, limits_table, main_table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 1 if a row failed for a reason that is not the machine's."""
    options = parsed(arguments)
    if options.list:
        for family in FAMILIES:
            print(f"{family.name}: {', '.join(each.name for each in family.questions)}")
        return 0
    if options.report:
        print(update())
        return 0
    try:
        families = chosen(options.only)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    data = options.data.resolve() if options.data else None  # sides may run in other folders
    session = Session(options.cache.resolve(), options.long, data, dict(options.weights))
    known, measured_now, failed = read_rows(options.out) if options.only else [], [], False
    try:
        for number, family in enumerate(families, 1):
            rows, wrong = measured(family, session, f"[{number}/{len(families)}]")
            failed, measured_now = failed or wrong, [*measured_now, *rows]
            known = merged(known, rows, QUESTIONS)
            write_rows(known, options.out)  # after each family: whatever ends the next one, these are kept
    finally:
        session.close()
    print("\n\n".join(filter(None, (table(measured_now) for table in (limits_table, main_table, growth_table)))))
    return int(failed)


def measured(family: Family, session: Session, number: str) -> tuple[list[Row], bool]:
    """Measure a family, with a line on stderr that begins with a number.

    Returns:
        Its rows, and whether it failed. A row that cannot be measured says why.
    """
    sys.stderr.write(f"{number} {family.name} …")
    sys.stderr.flush()
    started, found, reason, failed = time.perf_counter(), [], "", False
    try:
        for each in family.measure(session):
            found.append(each)
    except (NotHereError, ImportError) as error:
        reason = str(error)
    except Exception as error:  # the other rows are still measured
        traceback.print_exc()
        reason, failed = f"{type(error).__name__}: {error}", True
    sys.stderr.write(f" {reason or 'done'} ({time.perf_counter() - started:.0f} s)\n")
    return rows_of(family, found, reason, session), failed


def rows_of(family: Family, found: Sequence[Found], reason: str, session: Session) -> list[Row]:
    """Return a row for each question of a family, also for those without an answer."""
    answers = {each.name: each for each in found}
    reason = reason or "This family left it out."
    return [
        row_of(question, answers.get(question.name) or Found(question.name, missing=reason), session)
        for question in family.questions
    ]


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    import benchmarks.speed

    parser = argparse.ArgumentParser(
        "python -m benchmarks.speed",
        description=benchmarks.speed.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="families or rows; others stay as stored")
    parser.add_argument("--long", action="store_true", help="whole epochs, more repeats, and the paper's protocol")
    parser.add_argument("--out", type=Path, default=LATEST, help=f"file for the rows (default: {LATEST.name})")
    parser.add_argument("--data", type=Path, help="folder of class folders, instead of synthetic images")
    parser.add_argument(
        "--weights",
        type=_weights,
        nargs="+",
        default=[],
        metavar="ARCH=FILE",
        help="pretrained weights instead of random ones",
    )
    parser.add_argument("--cache", type=Path, default=default_cache(), help="folder that keeps the synthetic images")
    parser.add_argument("--list", action="store_true", help="name all families and rows")
    parser.add_argument("--report", action="store_true", help="print the stored tables, and update docs/performance.md")
    return parser.parse_args(arguments)


def _weights(text: str) -> tuple[str, Path]:
    arch, _, file = text.partition("=")
    if not Path(file).is_file():
        raise argparse.ArgumentTypeError(f"{text!r} is no ARCH=FILE, or there is no such file")
    return arch, Path(file).resolve()
