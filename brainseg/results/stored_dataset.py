"""The report on its dataset that a run stored, as `stored_results` reads its other files."""

from __future__ import annotations

from brainseg.datasets.report_fields import StoredReport, report_check
from brainseg.results.run_files import read_checked
from brainseg.runs import Run, RunStore

FILE = "dataset.json"


def stored_report(store: RunStore, run: Run) -> StoredReport | None:
    """Return the report on a run's dataset; None if the run has not stored one (yet).

    Raises:
        RunError: The file is damaged.
    """
    return read_checked(report_check(), store, run, FILE)
