"""Divide the frames of a series into volumes: one frame per position in each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from brainseg.errors import ScanError
from brainseg.scans.volumes.dicom_frame import MARKS, Frame
from brainseg.scans.volumes.geometry import SAME_PLACE, Plane, parallel

_WORDS = {
    "stack": "stack", "type": "image type", "echo": "echo time", "time": "time point", "b-value": "b-value",
    "direction": "diffusion direction", "trigger": "trigger time", "acquisition": "acquisition",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Stack:
    """The frames of one volume.

    Attributes:
        frames: Parallel, of one shape, in any order.
        label: What tells it apart from the other volumes of its series, such as "echo time 30"; "" for a single one.
        warnings: Sentences about how the series was divided.
    """

    frames: tuple[Frame, ...]
    label: str = ""
    warnings: tuple[str, ...] = ()


def stacks(frames: Sequence[Frame]) -> list[Stack]:
    """Divide the frames of a series into volumes.

    Frames of another shape, direction or pixel spacing are of another volume. If positions repeat, the volumes are told
    apart by what the headers say (`MARKS`), otherwise by the instance numbers, with a warning.

    Raises:
        ScanError: A frame has no position, or positions repeat unevenly. The message has no file name in front.
    """
    if any(frame.plane is None for frame in frames):
        raise ScanError("does not say where its slices are, so it is no scan that can be measured: choose the series")
    parts = [part for aligned in _aligned(frames) for part in _distinct(Stack(tuple(aligned)))]
    if len(parts) == 1:
        return parts
    labels = [part.label or f"part {number}" for number, part in enumerate(parts, start=1)]
    repeats = len(set(labels)) < len(labels)
    return [
        Stack(part.frames, f"{label}, part {number}" if repeats else label, part.warnings)
        for number, (part, label) in enumerate(zip(parts, labels, strict=True), start=1)
    ]


def _aligned(frames: Iterable[Frame]) -> list[list[Frame]]:
    """Group frames of one shape, direction and pixel spacing."""
    groups: list[list[Frame]] = []
    for frame in frames:
        for group in groups:
            first = group[0]
            if first.shape == frame.shape and parallel(_plane(first), _plane(frame)):
                group.append(frame)
                break
        else:
            groups.append([frame])
    return groups


def _plane(frame: Frame) -> Plane:
    if frame.plane is None:
        raise ValueError("A frame without a plane is no part of a stack.")
    return frame.plane


def _distinct(stack: Stack) -> list[Stack]:
    """Divide a stack until no position repeats."""
    depths = _depths(stack.frames)
    if len(_places(depths)) == len(depths):
        return [stack]
    for mark in MARKS:
        values = sorted({frame.marks[mark] for frame in stack.frames}, key=_natural)
        groups = [tuple(frame for frame in stack.frames if frame.marks[mark] == value) for value in values]
        if len(groups) > 1 and _separates(groups, depths):
            return [
                part
                for own, group in zip(_own_words(values), groups, strict=True)
                for part in _distinct(Stack(group, _joined(stack.label, f"{_WORDS[mark]} {own}")))
            ]
    return _by_number(stack, depths)


def _separates(groups: Sequence[tuple[Frame, ...]], depths: np.ndarray) -> bool:
    """Return whether each group covers as many positions as the others, so that the mark is none of a position."""
    covered = {len(_places(_depths(group))) for group in groups}
    return covered == {len(_places(depths))}


def _by_number(stack: Stack, depths: np.ndarray) -> list[Stack]:
    places = _places(depths)
    numbers = np.abs(depths[:, None] - places[None]).argmin(axis=1)
    counts = np.bincount(numbers)
    if len(set(counts)) > 1:
        raise ScanError(
            f"has positions that repeat unevenly ({counts.min()} to {counts.max()} slices at each of {len(places)} "
            "positions), so its volumes cannot be told apart: choose the files of one volume"
        )
    order = sorted(range(len(depths)), key=lambda place: (*stack.frames[place].number, stack.frames[place].file.name))
    groups: list[list[Frame]] = [[] for _ in range(counts[0])]
    seen = np.zeros(len(places), int)
    for place in order:
        groups[seen[numbers[place]]].append(stack.frames[place])
        seen[numbers[place]] += 1
    warning = (
        f"Its header does not tell apart the {len(groups)} volumes at the same positions; they were divided by the "
        "numbers of the images."
    )
    return [
        Stack(tuple(group), _joined(stack.label, f"volume {number}"), (*stack.warnings, warning))
        for number, group in enumerate(groups, start=1)
    ]


def _depths(frames: Sequence[Frame]) -> np.ndarray:
    normal = _plane(frames[0]).normal
    return np.array([_plane(frame).position @ normal for frame in frames])


def _places(depths: np.ndarray) -> np.ndarray:
    """Return the distinct positions."""
    ordered = np.sort(depths)
    distinct: np.ndarray = ordered[np.concatenate([[True], np.diff(ordered) >= SAME_PLACE])]
    return distinct


def _own_words(values: Sequence[str]) -> list[str]:
    """Return the words of each value that not all values have, such as "M" of "ORIGINAL PRIMARY M"."""
    common = set.intersection(*(set(value.split()) for value in values))
    return [" ".join(word for word in value.split() if word not in common) or value or "unnamed" for value in values]


def _joined(label: str, more: str) -> str:
    return f"{label}, {more}" if label else more


def _natural(value: str) -> tuple[float, str]:
    try:
        return float(value), ""
    except ValueError:
        return float("inf"), value
