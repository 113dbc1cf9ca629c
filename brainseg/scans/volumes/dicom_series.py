"""DICOM files -> volumes: sorted by series, divided where a series holds several volumes, placed by position."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from brainseg.errors import ScanError
from brainseg.files import sha256_file
from brainseg.scans.names import display_name
from brainseg.scans.volumes.dicom_frame import Frame
from brainseg.scans.volumes.dicom_header import Header, read_header
from brainseg.scans.volumes.dicom_pixels import stacked
from brainseg.scans.volumes.dicom_source import source_of
from brainseg.scans.volumes.dicom_stacks import Stack, stacks
from brainseg.scans.volumes.file_window import file_windows
from brainseg.scans.volumes.geometry import Plane, stack_affine
from brainseg.scans.volumes.volume import Volume, axes_of, towards_ras, turned_axis

Refuse = Callable[[str, str], None]
"""Called with a name and the sentence why it cannot be read."""
_DIFFERENT = 0.01


def dicom_volumes(files: Sequence[Path], name: str, secret: bytes, refuse: Refuse) -> Iterator[Volume]:
    """Yield the volumes of DICOM files, one at a time; the order of the files does not matter.

    Args:
        files: DICOM files of any number of series.
        name: What they are called, such as their folder.
        secret: Key of the hashed identifiers.
        refuse: Called for each file or series that cannot be read.
    """
    series: dict[str, list[Header]] = {}
    for file in files:
        try:
            header = read_header(file, secret)
        except ScanError as error:
            refuse(display_name(file.name), f"{display_name(file.name)} {error}.")
            continue
        if header:
            series.setdefault(header.series, []).append(header)
    for number, headers in enumerate(series.values(), start=1):
        shown = name if len(series) == 1 else f"{name}, series {number}"
        distinct = _without_copies(headers)
        frames = [frame for header in distinct for frame in header.frames]
        copies = _copy_warnings(len(headers) - len(distinct))
        try:
            parts = stacks(frames)
        except ScanError as error:
            refuse(shown, f"{shown} {error}.")
            continue
        for part in parts:
            its = f"{shown}, {part.label}" if part.label else shown
            try:
                yield _volume(part, distinct, its, copies)
            except ScanError as error:
                text = str(error)
                refuse(its, text if text.startswith(its) else f"{its} {text}.")


def _without_copies(headers: Sequence[Header]) -> list[Header]:
    """Leave out files that are the same as another one, byte for byte, as after copying a folder twice."""
    kept: list[Header] = []
    known: dict[str, list[str]] = {}
    counts = Counter(header.instance for header in headers if header.instance)
    for header in headers:
        if counts[header.instance] > 1:
            content = sha256_file(header.file)
            if content in known.setdefault(header.instance, []):
                continue
            known[header.instance].append(content)
        kept.append(header)
    return kept


def _copy_warnings(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    return (f"{count} of its files {'is a copy' if count == 1 else 'are copies'} of another and left out.",)


def _volume(stack: Stack, headers: Sequence[Header], shown: str, warnings: tuple[str, ...]) -> Volume:
    frames, header = stack.frames, headers[0]
    planes = [frame.plane for frame in frames if frame.plane]
    order, affine = stack_affine(planes, frames[0].thickness)
    ordered = [frames[place] for place in order]
    values = stacked(ordered, shown)
    array, turned = towards_ras(values, affine)
    axis, reverse = turned_axis(affine, 2)
    return Volume(
        array=array,
        affine=turned,
        name=shown,
        source_format="DICOM",
        stored_shape=(values.shape[0], values.shape[1], values.shape[2]),
        stored_orientation=axes_of(affine),
        modality=header.modality,
        sequence=header.sequence,
        keys=header.keys,
        warnings=(*_kind_warnings(header), *warnings, *stack.warnings, *_gap_warnings(planes, frames)),
        source=source_of(ordered, headers),
        windows=file_windows([frame.windows for frame in ordered], axis, reverse),
    )


def _kind_warnings(header: Header) -> tuple[str, ...]:
    if header.modality == "MR":
        return ()
    return (f"Its modality is {header.modality or 'not stated'}, not MR, so brainseg's models do not apply.",)


def _gap_warnings(planes: Sequence[Plane], frames: Sequence[Frame]) -> tuple[str, ...]:
    said = frames[0].thickness
    if len(planes) == 1:
        return (f"It is a single slice; its thickness, {said:.2f} mm, is taken from the header.",)
    depths = sorted(plane.depth for plane in planes)
    gap = (depths[-1] - depths[0]) / (len(depths) - 1)
    if said and abs(said - gap) > _DIFFERENT * gap:
        return (f"Its slices are {gap:.2f} mm apart by their positions, but {said:.2f} mm by the header.",)
    return ()
