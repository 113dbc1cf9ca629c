"""Measures of calibration in words, for images and for pixels."""

from __future__ import annotations

from brainseg.evaluation.calibration import Reliability

MEASURES = {
    "ece": "expected calibration error",
    "ace": "average calibration error",
    "mce": "maximum calibration error",
    "brier": "Brier score",
    "nll": "negative log-likelihood",
}


def measures_words(found: Reliability) -> str:
    """Return each measure with its interval, as a part of a sentence."""
    parts = []
    for name, title in MEASURES.items():
        interval = found["intervals"].get(name)
        bounds = f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
        parts.append(f"{title} {found[name]:.3f}{bounds}")  # type: ignore[literal-required]
    return ", ".join(parts)
