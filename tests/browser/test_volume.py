"""What a visitor does with a volume, in a real browser on a real server."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from playwright.sync_api import Locator, Page, WebSocket, expect

from brainseg.app.volume_viewer.component import _FOLDER
from brainseg.scans.volumes.slices import PLANES
from tests.app.volume_pages import BALL, SHAPE, SPACING, dicom_zip
from tests.browser.test_accessibility import THEMES, turn_dark, violations
from tests.browser.visitor import LIMIT, no_trouble, open_page, settled

PIXEL = """(canvas, [x, y]) => {
    const scale = canvas.width / canvas.clientWidth
    const at = [x, y].map((value) => Math.round(value * scale))
    return [...canvas.getContext('2d').getImageData(...at, 1, 1).data].slice(0, 3)
}"""
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture
def study(tab: Page, mask_site: str, tmp_path: Path) -> Page:
    """The page with the head of the tests, dropped as a zip file of DICOM."""
    open_page(tab, f"{mask_site}/diagnose?view=Volume", "Diagnose")
    tab.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(dicom_zip(tmp_path))
    expect(tab.locator(".viewer:not(.waiting)")).to_be_visible(timeout=LIMIT)
    settled(tab)
    return tab


def pane(tab: Page, plane: str) -> Locator:
    return tab.locator(f".pane[data-plane={plane}]")


def canvas(tab: Page, plane: str) -> Locator:
    return pane(tab, plane).locator("canvas[tabindex]")


def place(tab: Page, plane: str, voxel: tuple[float, ...], mirrored: bool = False) -> tuple[float, float]:
    """Return where a voxel must be on a canvas: the whole slice in the middle, lengths in mm to scale, the patient's
    right or front at the left and front or head at the top."""
    axes = [axis for axis in range(3) if axis != PLANES[plane]]
    width, height = canvas(tab, plane).evaluate("each => [each.clientWidth, each.clientHeight]")
    lengths = [SHAPE[axis] * SPACING[axis] for axis in axes]
    scale = min(width / lengths[0], height / lengths[1])
    ends = [(SHAPE[axis] - 0.5 - voxel[axis]) * SPACING[axis] * scale for axis in axes]
    x, y = (width - lengths[0] * scale) / 2 + ends[0], (height - lengths[1] * scale) / 2 + ends[1]
    return (width - x, height - y) if mirrored else (x, y)


def marked(tab: Page, plane: str, point: tuple[float, float]) -> bool:
    """Return whether a canvas has the mask's blue at a point, not a grey."""
    tab.evaluate(FRAMES)
    red, _, blue = canvas(tab, plane).evaluate(PIXEL, list(point))
    return blue - red > 25


def title(tab: Page, plane: str) -> str:
    return pane(tab, plane).locator(".title").inner_text()


def go_to_ball(tab: Page) -> None:
    for plane, axis in PLANES.items():
        slider = pane(tab, plane).locator("input[type=range]")
        slider.fill(str(BALL[axis]))
        expect(pane(tab, plane).locator(".title")).to_contain_text(f"{BALL[axis] + 1} / {SHAPE[axis]}")


def test_steps_through_slices_ask_the_server_nothing(tab: Page, mask_site: str, tmp_path: Path) -> None:
    sent: list[object] = []

    def watch(socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: sent.append(frame))

    tab.on("websocket", watch)
    open_page(tab, f"{mask_site}/diagnose?view=Volume", "Diagnose")
    tab.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(dicom_zip(tmp_path))
    expect(tab.locator(".viewer:not(.waiting)")).to_be_visible(timeout=LIMIT)
    expect(tab.get_by_text("64 x 56 x 24 voxels, stored LPS")).to_be_visible()
    settled(tab)
    assert sent, "the websocket is watched"
    sent.clear()

    assert title(tab, "axial").startswith("Axial 13 / 24")
    canvas(tab, "axial").hover()
    tab.mouse.wheel(0, -100)
    expect(pane(tab, "axial").locator(".title")).to_contain_text("Axial 14 / 24")
    tab.mouse.wheel(0, 100)
    tab.mouse.wheel(0, 100)
    expect(pane(tab, "axial").locator(".title")).to_contain_text("Axial 12 / 24")
    canvas(tab, "coronal").click()
    tab.keyboard.press("ArrowUp")
    expect(pane(tab, "coronal").locator(".title")).to_contain_text("Coronal 30 / 56")
    # A click shows the point in the other planes, too.
    x, y = place(tab, "axial", BALL)
    canvas(tab, "axial").click(position={"x": x, "y": y})
    expect(pane(tab, "sagittal").locator(".title")).to_contain_text(f"Sagittal {BALL[0] + 1} / 64")
    expect(pane(tab, "coronal").locator(".title")).to_contain_text(f"Coronal {BALL[1] + 1} / 56")
    expect(tab.locator(".place")).to_contain_text("value 235")
    # Dragging with the right button changes the window, and the ruler measures in mm.
    words = tab.locator(".window-words")
    expect(words).to_have_text("0 to 239")
    box = canvas(tab, "axial").bounding_box()
    assert box
    tab.mouse.move(box["x"] + 50, box["y"] + 50)
    tab.mouse.down(button="right")
    tab.mouse.move(box["x"] + 110, box["y"] + 50, steps=3)
    tab.mouse.up(button="right")
    expect(words).not_to_have_text("0 to 239")
    tab.locator(".window-choice").select_option("All values")
    expect(words).to_have_text("0 to 235")
    tab.keyboard.press("d")
    start, end = (place(tab, "axial", (i, 20, 0)) for i in (50, 20))
    tab.mouse.move(box["x"] + start[0], box["y"] + start[1])
    tab.mouse.down()
    tab.mouse.move(box["x"] + end[0], box["y"] + end[1], steps=3)
    tab.mouse.up()
    expect(tab.locator(".message")).to_have_text(re.compile(r"^(29\.[89]|30\.[0-2]) mm long$"))
    assert [frame for frame in sent if frame] == []
    no_trouble(tab)


def test_a_volume_is_marked_corrected_and_downloaded(study: Page) -> None:
    tab = study
    tab.get_by_role("button", name="Mark tumours").click()
    expect(tab.get_by_text("ml in total").first).to_be_visible(timeout=LIMIT)
    settled(tab)
    go_to_ball(tab)
    tab.keyboard.press("x")  # the crosshair would lie over what is looked at
    middle = {plane: place(tab, plane, BALL) for plane in PLANES}
    for plane in PLANES:
        assert marked(tab, plane, middle[plane])
        assert not marked(tab, plane, place(tab, plane, BALL, mirrored=True))
    canvas(tab, "axial").hover()
    tab.keyboard.press("m")
    assert not any(marked(tab, plane, middle[plane]) for plane in PLANES)
    tab.keyboard.press("m")
    assert all(marked(tab, plane, middle[plane]) for plane in PLANES)

    other = (20, 20, BALL[2])
    x, y = place(tab, "axial", other)
    assert not marked(tab, "axial", (x, y))
    tab.get_by_role("button", name="Brush", exact=True).click()
    canvas(tab, "axial").scroll_into_view_if_needed()
    box = canvas(tab, "axial").bounding_box()
    assert box
    tab.mouse.move(box["x"] + x, box["y"] + y)
    tab.mouse.down()
    tab.mouse.up()
    tab.mouse.move(box["x"] + 5, box["y"] + 5)
    assert marked(tab, "axial", (x, y))
    # What is not kept yet survives other work and its progress bar, which moves the page.
    tab.get_by_role("button", name="Classify every slice").click()
    expect(tab.get_by_role("heading", name="Classification")).to_be_visible(timeout=LIMIT)
    settled(tab)
    assert title(tab, "axial").startswith(f"Axial {BALL[2] + 1} / ")
    assert marked(tab, "axial", (x, y))
    tab.get_by_role("button", name="Keep my correction").click()
    expect(tab.get_by_text("A person corrected this mask").first).to_be_visible(timeout=LIMIT)
    expect(tab.get_by_text("2 lesions").first).to_be_visible()
    settled(tab)

    names = ("Mask (NIfTI)", "Mask (NIfTI), corrected", "Measurements (CSV), corrected")
    files = []
    for name in names:
        with tab.expect_download() as download:
            tab.get_by_role("button", name=name, exact=True).click()
        files.append((download.value.suggested_filename, download.value.path()))
    assert [name for name, _ in files] == ["mask.nii.gz", "mask-corrected.nii.gz", "measurements-corrected.csv"]
    model, person = (np.asanyarray(nib.Nifti1Image.from_bytes(_unzipped(file)).dataobj) for _, file in files[:2])
    painted = np.argwhere(person != model)
    # A brush of 8 mm on voxels of 1 mm paints the disc of that size around the voxel, on this slice alone.
    stored = np.array([SHAPE[0] - 1 - other[0], SHAPE[1] - 1 - other[1], other[2]])  # DICOM stores LPS
    assert set(painted[:, 2].tolist()) == {BALL[2]}
    assert np.abs(painted.mean(axis=0) - stored).max() < 0.6
    assert abs(len(painted) - np.pi * 16) < 8
    with files[2][1].open(encoding="utf-8-sig", newline="") as stream:
        assert {row["mask_by"] for row in csv.DictReader(stream)} == {"person"}
    no_trouble(tab)


def _unzipped(file: Path) -> bytes:
    import gzip

    return gzip.decompress(file.read_bytes())


EDITING = """() => {
    const plane = { axis: 2, columns: 0, rows: 1, turned: true }
    const shape = [20, 10, 3]
    const slicing = new Slicing(plane, shape, [1, 2, 5])
    const edit = new Edit(new Uint8Array(600))
    const total = () => edit.values.reduce((sum, value) => sum + value, 0)
    const said = []
    edit.begin(); edit.stroke(slicing, 1, [10.5, 5.5], [10.5, 5.5], 4, 1); edit.end()
    const disc = [...edit.values.keys()].filter((place) => edit.values[place])
    edit.undo()
    const undone = total()
    edit.begin()
    for (const [c, r] of [[5, 3], [6, 3], [7, 4], [7, 5], [6, 6], [5, 6], [4, 5]]) {
        edit.set(slicing.start(1) + c * slicing.right + r * slicing.down, 1)
    }
    edit.end()
    said.push(edit.fill(slicing, 1, 5, 4, 1))
    edit.begin(); edit.set(slicing.start(1) + 4 * slicing.right + 4 * slicing.down, 1); edit.end()
    said.push(edit.fill(slicing, 1, 5, 4, 1))
    said.push(edit.fill(slicing, 1, 5, 4, 1))
    return { disc, undone, said, filled: total() }
}"""


def test_the_brush_paints_in_mm_and_fill_needs_a_closed_outline(tab: Page) -> None:
    for name in ("volumes", "geometry", "editing"):
        tab.add_script_tag(content=(_FOLDER / "js" / f"{name}.js").read_text("utf-8"))
    found = tab.evaluate(EDITING)
    # Column 10 and row 5 from the top left are index 9 from the left and 4 from the back.
    i, j, k = (axis - middle for axis, middle in zip(np.indices((20, 10, 3)), (9, 4, 1), strict=True))
    expected = (np.hypot(i * 1.0, j * 2.0) <= 4) & (k == 0)
    assert sorted(found["disc"]) == np.flatnonzero(expected.ravel(order="F")).tolist()
    assert found["undone"] == 0
    assert found["said"] == [
        "The outline is open: close it with the brush first.",
        "",
        "This place is marked already: click inside an outline.",
    ]
    assert found["filled"] == 8 + 4  # two by two pixels inside, and two more beside the slanted corners


@pytest.fixture(scope="module")
def viewer(visits: Callable[[], AbstractContextManager[Page]], mask_site: str, tmp_path_factory) -> Iterator[Page]:
    """The viewer with its help open, which is checked first in the light theme, then in the dark one."""
    with visits() as tab:
        open_page(tab, f"{mask_site}/diagnose?view=Volume", "Diagnose")
        zipped = dicom_zip(tmp_path_factory.mktemp("study"))
        tab.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(zipped)
        expect(tab.locator(".viewer:not(.waiting)")).to_be_visible(timeout=LIMIT)
        tab.locator(".help summary").click()
        yield tab


@pytest.mark.parametrize("theme", THEMES)
def test_the_viewer_is_accessible_and_fits_a_phone(viewer: Page, theme: str) -> None:
    if theme == "dark":
        turn_dark(viewer)
    assert violations(viewer, THEMES[theme]) == []
    viewer.set_viewport_size({"width": 390, "height": 844})
    settled(viewer)
    assert viewer.evaluate("document.documentElement.scrollWidth") <= 390
    for plane in PLANES:
        box = canvas(viewer, plane).bounding_box()
        assert box
        assert box["width"] > 300
    viewer.set_viewport_size({"width": 1440, "height": 900})
