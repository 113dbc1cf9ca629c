"""Turn a scan into the array that a model receives: one deterministic, versioned function, and a cache of results."""

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
