"""Write reports to files: PDF or HTML by the file's suffix."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from brainseg import extras
from brainseg.errors import ConfigError
from brainseg.files import write_atomically
from brainseg.results.report.content import Report

KINDS = (".pdf", ".html")
"""Suffixes of the files that a report can become."""


def check_kind(option: str, file: Path | None) -> None:
    """Refuse a file whose suffix is of no kind of report, or whose library is not installed; None is fine.

    Raises:
        ConfigError: Names the option and the file.
        MissingLibraryError: The file is a PDF, and reportlab is not installed.
    """
    if file is None:
        return
    if file.suffix.lower() not in KINDS:
        raise ConfigError(f"{option} must end in {' or '.join(KINDS)}, unlike {file}.")
    if file.suffix.lower() == ".pdf":
        extras.require("reportlab", "A report as PDF")


def report_bytes(reports: Sequence[Report], kind: str) -> bytes:
    """Return reports as the content of a file.

    Args:
        reports: At least one.
        kind: One of `KINDS`.

    Raises:
        MissingLibraryError: The file is a PDF, and reportlab is not installed.
    """
    if kind == ".pdf":
        extras.require("reportlab", "A report as PDF")
        from brainseg.results.report.pdf import pdf_bytes

        return pdf_bytes(reports)
    from brainseg.results.report.html import html_text

    return html_text(reports).encode()


def save_report(reports: Sequence[Report], file: Path) -> None:
    """Write reports as PDF or HTML, atomically; arguments and errors as for `report_bytes`."""
    content = report_bytes(reports, file.suffix.lower())
    write_atomically(file, lambda temporary: temporary.write_bytes(content))


def now() -> datetime:
    """Return the present time, in UTC."""
    return datetime.now(UTC)
