"""What the viewer in the browser gets: exact values, planes as `cut` shows them, windows; and masks that come back."""

from __future__ import annotations

import base64
import gzip
import json
import struct
from dataclasses import replace

import numpy as np
import pytest

from brainseg.app.volume_viewer.layout import MODEL, first_plane, planes_of, windows_of
from brainseg.app.volume_viewer.packing import MOST_VOXELS, coded, pack_mask, pack_volume, unpack_mask
from brainseg.errors import ScanError
from brainseg.scans.volumes.file_window import FileWindow
from brainseg.scans.volumes.slices import PLANES, cut, volume_window
from tests.app.volume_pages import head_volume
from tests.models.conftest import one_sentence


def unpacked(packed: bytes) -> tuple[dict, np.ndarray]:
    """Unpack a volume as the browser does."""
    (length,) = struct.unpack("<I", packed[:4])
    header = json.loads(packed[4 : 4 + length])
    parts = np.frombuffer(gzip.decompress(packed[4 + length :]), np.uint8).reshape(header["planes"], -1)
    codes = sum(part.astype(np.uint32) << (8 * place) for place, part in enumerate(parts))
    return header, (header["low"] + codes * header["step"]).reshape(header["shape"], order="F")


@pytest.mark.parametrize(("scale", "planes"), [(1, 1), (100, 2)])
def test_whole_numbers_arrive_exactly(scale, planes):
    volume = head_volume()
    volume = replace(volume, array=volume.array * scale - 50)

    header, values = unpacked(pack_volume(volume, "abc"))

    assert (header["id"], header["planes"], header["step"]) == ("abc", planes, 1.0)
    assert np.array_equal(values, volume.array)


def test_other_values_arrive_in_65536_levels():
    volume = head_volume()
    volume = replace(volume, array=volume.array / np.float32(7))

    _, values = unpacked(pack_volume(volume, "abc"))

    assert np.abs(values - volume.array).max() <= (volume.array.max() - volume.array.min()) / 65535


def test_one_hot_voxel_does_not_take_the_levels_of_all_others():
    volume = head_volume()
    values = volume.array / np.float32(7)
    values[0, 0, 0] = 1e9

    found = coded(replace(volume, array=values))

    tissue = found.low + found.codes[10:50, 10:50, 8:16] * found.step
    assert np.abs(tissue - values[10:50, 10:50, 8:16]).max() < 0.01
    assert found.codes[0, 0, 0] == 65535


def test_a_constant_volume_and_a_volume_for_no_browser():
    volume = head_volume()
    _, values = unpacked(pack_volume(replace(volume, array=np.full_like(volume.array, 0.5)), "abc"))
    assert np.allclose(values, 0.5)
    wide = np.broadcast_to(np.float32(0), (MOST_VOXELS // 100, 101, 1))
    with pytest.raises(ScanError, match="too large to be shown in a browser") as caught:
        pack_volume(replace(volume, array=wide, name="wide"), "abc")
    assert "wide" in one_sentence(caught.value)


def test_a_mask_survives_the_way_to_the_browser_and_back():
    mask = np.random.default_rng(0).integers(0, 3, (5, 6, 7)).astype(np.uint8)

    assert np.array_equal(unpack_mask(pack_mask(mask), mask.shape, 2), mask)


@pytest.mark.parametrize(
    "sent",
    [
        None,
        {"mask": 1},
        "",
        "no base 64!",
        base64.b64encode(b"no gzip").decode(),
        base64.b64encode(gzip.compress(bytes(209))).decode(),
        base64.b64encode(gzip.compress(bytes(211))).decode(),
        base64.b64encode(gzip.compress(bytes(210))[:-6]).decode(),
        base64.b64encode(gzip.compress(b"\3" * 210)).decode(),
    ],
    # gzip stores the time, and test runners need the same names in all their processes
    ids=["nothing", "an object", "empty", "no base 64", "no gzip", "short", "long", "cut off", "another class"],
)
def test_a_mask_that_is_none_is_refused_in_one_sentence(sent):
    with pytest.raises(ScanError, match="did not arrive whole") as caught:
        unpack_mask(sent, (5, 6, 7), 2)
    one_sentence(caught.value)


def test_a_mask_that_unpacks_to_gigabytes_is_refused_without_unpacking_it():
    bomb = base64.b64encode(gzip.compress(bytes(200 * 2**20))).decode()
    with pytest.raises(ScanError):
        unpack_mask(bomb, (5, 6, 7), 2)


@pytest.mark.parametrize("plane", PLANES)
def test_the_letters_at_the_edges_are_where_the_patient_is(plane):
    # Each voxel holds its own place in the patient, so the edges of a slice show which way it lies.
    layout = {each["name"]: each for each in planes_of(head_volume())}[plane]
    left, right, top, bottom = layout["letters"]
    sides = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}
    places = np.indices(head_volume().array.shape)
    for letter, place in ((left, (0, 0)), (right, (0, -1)), (top, (0, 0)), (bottom, (-1, 0))):
        axis, sign = sides[letter]
        shown = cut(places[axis], plane, 3)
        assert sign * shown[place] == max(sign * shown[0, 0], sign * shown[-1, -1])
    assert layout["axis"] == PLANES[plane]
    # The browser finds the pixel at column c and row r by these axes, counted from their ends.
    columns, rows = cut(places[layout["columns"]], plane, 3), cut(places[layout["rows"]], plane, 3)
    assert (columns[0] == np.arange(columns.shape[1])[::-1]).all()
    assert (rows[:, 0] == np.arange(rows.shape[0])[::-1]).all()


def test_nothing_is_claimed_about_a_volume_without_a_place():
    planes = planes_of(head_volume(affine=None, source_format="TIFF"))

    assert [plane["letters"] for plane in planes] == [["", "", "", ""]] * 3
    assert not any(plane["turned"] for plane in planes)
    assert first_plane(head_volume(affine=None)) == "axial"


@pytest.mark.parametrize(
    ("spacing", "plane"),
    [((1, 1, 2), "axial"), ((5, 1, 1), "sagittal"), ((1, 5, 1), "coronal"), ((1, 1, 1), "axial")],
)
def test_the_plane_of_the_scanners_slices_is_shown_large(spacing, plane):
    assert first_plane(head_volume(affine=np.diag([*map(float, spacing), 1.0]))) == plane


def test_the_viewer_starts_with_the_files_window_if_all_slices_share_it():
    common, each = FileWindow(2, ((5.0, 120.0),)), FileWindow(2, tuple((0.0, 100.0 + i) for i in range(24)))

    windows, model, first = windows_of(head_volume(windows=(common,)))
    assert (windows[first]["name"], windows[first]["bounds"]) == ("As in the file", [[5.0, 120.0]])
    assert windows[model]["bounds"] == [list(volume_window(head_volume()))]

    windows, model, first = windows_of(head_volume(windows=(each,)))
    assert windows[first]["name"] == MODEL
    assert windows[0]["name"] == "As in the file (each slice its own)"
    assert len(windows[0]["bounds"]) == 24

    windows, model, first = windows_of(head_volume())
    assert [window["name"] for window in windows] == [MODEL, "All values"]
    assert first == model == 0
