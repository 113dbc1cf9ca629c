"""The phantom: synthetic brain MRI with and without tumours, so that everything works with no download."""

from __future__ import annotations

from brainseg.phantom.contrast import MODALITIES
from brainseg.phantom.lesions import MAX_DIAMETER_MM, MIN_DIAMETER_MM
from brainseg.phantom.subject import (
    PLANES,
    SLICES_PER_SUBJECT,
    PhantomSlice,
    Subject,
    make_subject,
    render_slice,
)
from brainseg.phantom.writer import (
    DIFFICULTIES,
    GENERATOR_VERSION,
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
