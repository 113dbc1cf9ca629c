"""From a scan to the array that a model gets: one deterministic, versioned function, and the cache of its results."""

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
