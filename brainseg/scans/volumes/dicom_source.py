"""Frames of DICOM files -> the `Source` of their volume."""

from __future__ import annotations

from collections.abc import Sequence

from brainseg.scans.volumes.dicom_frame import Frame
from brainseg.scans.volumes.dicom_header import Header
from brainseg.scans.volumes.source import Source, SourceFile, SourceSlice, made_uid

_NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_COMMON = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")


def source_of(frames: Sequence[Frame], headers: Sequence[Header]) -> Source | None:
    """Return the source of a volume; None if a file lacks a UID, or if the files are of several studies.

    Args:
        frames: The slices of the volume, in the order of its stack, each with its plane.
        headers: The headers of their files, and of any others.
    """
    wanted = {frame.file for frame in frames}
    used = [header for header in headers if header.file in wanted]
    if not all(header.uids[name] for header in used for name in _NEEDED):
        return None
    if len({tuple(header.uids[name] for name in _COMMON) for header in used}) > 1:
        return None
    files = {
        header.file: SourceFile(
            sop_class=header.uids["SOPClassUID"],
            instance=header.uids["SOPInstanceUID"],
            frames=header.images,
            mosaic=len(header.frames) > header.images,
        )
        for header in used
    }
    study, series, frame_of_reference = (used[0].uids[name] for name in _COMMON)
    return Source(
        study=study,
        series=series,
        frame_of_reference=frame_of_reference or made_uid(f"frame of reference of {series}"),
        slices=tuple(SourceSlice(files[each.file], each.index + 1, each.plane) for each in frames if each.plane),
    )
