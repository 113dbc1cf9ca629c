"""A log that shows nothing."""

from __future__ import annotations

from brainseg.training.log import EpochMetrics, Progress


class Quiet:
    """A `RunLog` that shows nothing and never cancels."""

    def message(self, sentence: str) -> None:
        """Show nothing."""

    def progress(self, progress: Progress) -> None:
        """Show nothing."""

    def epoch(self, metrics: EpochMetrics) -> None:
        """Show nothing."""

    def cancelled(self) -> bool:
        """Return that nobody cancelled."""
        return False
