"""Reading files into `Scan` and `Volume` objects; hostile or damaged files are refused with one clear sentence."""

from __future__ import annotations

from brainseg.scans.decoding import MAX_SIDE
from brainseg.scans.names import display_name
from brainseg.scans.reading import MAX_BYTES, SUFFIXES, read_scan
from brainseg.scans.scan import Scan
from brainseg.scans.structure import MAX_PIXELS

__all__ = ["MAX_BYTES", "MAX_PIXELS", "MAX_SIDE", "SUFFIXES", "Scan", "display_name", "read_scan"]
