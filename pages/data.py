"""Data."""

from __future__ import annotations

from brainseg.dashboard.page import page

with page("Data"):
    pass
