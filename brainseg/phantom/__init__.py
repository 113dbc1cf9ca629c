"""The phantom: synthetic brain MRI with and without tumours, so everything can be tried without a download."""

from __future__ import annotations

from brainseg.phantom.acquisition import MODALITIES
from brainseg.phantom.lesions import MAX_DIAMETER_MM, MIN_DIAMETER_MM
from brainseg.phantom.settings import DIFFICULTIES, GENERATOR_VERSION
from brainseg.phantom.slices import PhantomSlice, render_slice
from brainseg.phantom.subject import (
    PLANES,
    SLICES_PER_SUBJECT,
    Subject,
    make_subject,
)
from brainseg.phantom.writer import (
    NO_TUMOUR,
    TUMOUR,
    PhantomSummary,
    phantom_name,
    write_phantom,
)

__all__ = [
    "DIFFICULTIES",
    "GENERATOR_VERSION",
    "MAX_DIAMETER_MM",
    "MIN_DIAMETER_MM",
    "MODALITIES",
    "NO_TUMOUR",
    "PLANES",
    "SLICES_PER_SUBJECT",
    "TUMOUR",
    "PhantomSlice",
    "PhantomSummary",
    "Subject",
    "make_subject",
    "phantom_name",
    "render_slice",
    "write_phantom",
]
