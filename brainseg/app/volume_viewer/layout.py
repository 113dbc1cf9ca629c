"""What the viewer must know to show a volume: the geometry of its planes, and the windows to choose from."""

from __future__ import annotations

from typing import Any

from brainseg.scans.volumes.slices import PLANES, volume_window
from brainseg.scans.volumes.volume import Volume

LETTERS = (("R", "L"), ("A", "P"), ("S", "I"))
"""Where the indices of each axis grow to, and where they come from."""
MODEL = "As the model sees it"
WHOLE = "All values"
FILE = "As in the file"


def planes_of(volume: Volume) -> list[dict[str, Any]]:
    """Return how slices lie in a volume: on the screen exactly as `scans.volumes.slices.cut` returns them.

    A volume that does not say where it lies has no letters. The pages of a TIFF are shown as they are stored, since the
    file states no directions and images begin at the top left.
    """
    turned, placed = volume.source_format != "TIFF", volume.affine is not None
    found = []
    for name, axis in PLANES.items():
        columns, rows = (each for each in range(3) if each != axis)
        left, right, top, bottom = *LETTERS[columns], *LETTERS[rows]
        found.append(
            {
                "name": name,
                "title": name.capitalize() if turned else f"Across axis {axis + 1}",
                "axis": axis,
                "columns": columns,
                "rows": rows,
                "turned": turned,
                "letters": [left, right, top, bottom] if placed else ["", "", "", ""],
            }
        )
    return found


def first_plane(volume: Volume) -> str:
    """Return the plane that is shown large at first: that of the scanner's slices, which has the finest pixels.

    Scanners mostly leave more distance between slices than between pixels; without such a difference, axial.
    """
    if volume.spacing is None:
        return "axial"
    coarsest = max(volume.spacing)
    return next(name for name, axis in PLANES.items() if volume.spacing[axis] > 0.98 * coarsest)


def windows_of(volume: Volume) -> tuple[list[dict[str, Any]], int, int]:
    """Return the windows to choose from, which of them is the model's, and which one to start with.

    Each has a name and `bounds`: one pair of values, or a pair per slice along `axis`. The viewer starts with the
    file's own window if all slices share it: with a window each, the same tissue would look different on each slice.
    """
    found: list[dict[str, Any]] = []
    for number, window in enumerate(volume.windows):
        name = FILE if not number else f"{FILE}, {number + 1}"
        each = "" if window.common else " (each slice its own)"
        found.append({"name": name + each, "axis": window.axis, "bounds": [list(pair) for pair in window.bounds]})
    model = len(found)
    ends = float(volume.array.min()), float(volume.array.max())
    found.append({"name": MODEL, "axis": 0, "bounds": [list(volume_window(volume))]})
    found.append({"name": WHOLE, "axis": 0, "bounds": [list(ends)]})
    first = next((number for number, window in enumerate(volume.windows) if window.common), model)
    return found, model, first
