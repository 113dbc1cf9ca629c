from __future__ import annotations

import pytest

from brainseg.diagnosis.words import percent


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.5, "50.0 %"),
        (0.8944, "89.4 %"),
        (0.9999998, "over 99.9 %"),
        (1.0, "over 99.9 %"),
        (0.9994, "99.9 %"),
        (0.0005, "0.1 %"),
        (1e-9, "under 0.1 %"),
    ],
)
def test_no_probability_is_written_as_certainty(share: float, text: str) -> None:
    assert percent(share) == text
