"""The steps from a scan to the array that a model receives: one deterministic, versioned function, and a cache."""

from brainseg.preparation.image import (
    HEAD_LEVEL,
    KNOWN_VERSIONS,
    VERSION,
    Geometry,
    Prepared,
    find_geometry,
    head_box,
    prepare,
)

__all__ = [
    "HEAD_LEVEL",
    "KNOWN_VERSIONS",
    "VERSION",
    "Geometry",
    "Prepared",
    "find_geometry",
    "head_box",
    "prepare",
]
