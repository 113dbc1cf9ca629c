"""Home: what this is, where to go, what is running, and the best model so far."""

from __future__ import annotations

from brainseg.dashboard.page import page

with page("brainseg", "Train, judge and try ResNet models on brain MRI."):
    pass
