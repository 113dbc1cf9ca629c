"""Train."""

from __future__ import annotations

from brainseg.dashboard.page import page

with page("Train"):
    pass
