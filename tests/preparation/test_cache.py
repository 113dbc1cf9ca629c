from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from brainseg.config import PreparationConfig
from brainseg.datasets.mask_sources import open_masked_dataset
from brainseg.datasets.sources import open_dataset
from brainseg.datasets.table import Dataset
from brainseg.errors import DataError, ScanError
from brainseg.files import sha256_bytes
from brainseg.preparation import cache as prepared_cache
from brainseg.preparation import prepare
from brainseg.preparation.cache import prepared_images, prepared_masks
from brainseg.scans import read_scan
from tests.datasets.conftest import opened_pngs, write_images
from tests.datasets.masked import save, spot, write_lgg, write_pairs

PROJECT_ROOT = Path(__file__).resolve().parents[2]
SMALL = PreparationConfig(size=32)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Six images in two classes, two of them with the same content."""
    folder = write_images(tmp_path / "set", [f"{label}/{n}.png" for label in ("no", "yes") for n in range(3)], (40, 30))
    (folder / "yes" / "2.png").write_bytes((folder / "no" / "0.png").read_bytes())
    return folder


def cached(home: Path) -> list[Path]:
    return sorted((home / "cache" / "prepared").glob("*.npy"))


def leftovers(home: Path) -> list[Path]:
    return sorted((home / "cache" / "prepared").glob(".*"))


def fresh(dataset: Dataset, settings: PreparationConfig) -> list[np.ndarray]:
    return [prepare(read_scan(dataset.file(path)).pixels, settings).pixels for path in dataset.table["path"]]


# ---------------------------------------------------------------------------------------------------------- what it is


def test_cache_holds_what_preparing_each_image_gives(root, home):
    dataset = open_dataset(root)
    images = prepared_images(dataset, SMALL)
    assert len(images) == 6
    for image, expected in zip((images[row] for row in range(6)), fresh(dataset, SMALL), strict=True):
        assert (image.shape, image.dtype) == ((32, 32, 3), np.uint8)
        np.testing.assert_array_equal(image, expected)
    assert images.pixels.shape == (5, 32, 32, 3)  # copies share a row
    assert images.rows[0] == images.rows[5]
    assert len(cached(home)) == 1
    assert leftovers(home) == []


def test_cache_keeps_how_each_image_lies_on_its_scan(root):
    dataset = open_dataset(root)
    prepared_images(dataset, SMALL)
    expected = [prepare(dataset.read(row), SMALL).geometry for row in range(6)]
    for path in dataset.table["path"]:
        dataset.file(path).unlink()  # nothing is decoded again
    images = prepared_images(dataset, SMALL)
    assert [images.geometry(row) for row in range(6)] == expected
    assert (images.geometries.shape, images.geometries.dtype) == ((5, 10), np.int32)


def test_images_are_mapped_from_the_file_and_cannot_be_changed(root):
    images = prepared_images(open_dataset(root), SMALL)
    assert isinstance(images.pixels, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        images.pixels[0] = 0


def test_second_call_decodes_nothing(root):
    dataset = open_dataset(root)
    calls: list[tuple[int, int]] = []
    first = prepared_images(dataset, SMALL, lambda done, total: calls.append((done, total)))
    assert calls == [(number, 5) for number in range(1, 6)]
    for path in dataset.table["path"]:
        dataset.file(path).unlink()  # there is nothing left to decode
    second = prepared_images(dataset, SMALL, lambda done, total: calls.append((done, total)))
    assert len(calls) == 5
    np.testing.assert_array_equal(first.pixels, second.pixels)
    np.testing.assert_array_equal(first.rows, second.rows)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells memory of the program's own")
def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    settings, count = PreparationConfig(size=512), 100
    dataset = open_dataset(write_images(tmp_path / "many", [f"a/{number}.png" for number in range(count)]))
    held: list[int] = []
    images = prepared_images(dataset, settings, lambda done, total: held.append(own_memory()))
    checksum = sum(int(images[row].sum()) for row in range(count))
    held.append(own_memory())
    assert checksum > 0
    assert images.pixels.nbytes == count * 512 * 512 * 3  # 79 MB
    assert max(held) - held[0] < 30_000_000


def own_memory() -> int:
    """Bytes of this process's memory that are not mapped from a file."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return 1024 * int(line.split()[1])


# ------------------------------------------------------------------------------------------------------------- the key


def other_value(name: str) -> object:
    field = PreparationConfig.model_fields[name]
    if name == "size":
        return 40
    if field.annotation is bool:
        return not field.default
    return next(value for value in get_args(field.annotation) if value != field.default)


@pytest.mark.parametrize("name", [name for name in PreparationConfig.model_fields if name != "normalise"])
def test_every_setting_that_alters_pixels_has_a_file_of_its_own(root, home, name):
    dataset = open_dataset(root)
    prepared_images(dataset, SMALL)
    changed = SMALL.model_copy(update={name: other_value(name)})
    images = prepared_images(dataset, changed)
    assert len(cached(home)) == 2
    np.testing.assert_array_equal(images[3], fresh(dataset, changed)[3])


def test_normalising_happens_later_and_shares_the_file(root, home):
    for normalise in ("imagenet", "per-image"):
        prepared_images(open_dataset(root), PreparationConfig(size=32, normalise=normalise))
    assert len(cached(home)) == 1


def test_names_labels_and_places_share_the_file_and_content_does_not(root, home, tmp_path):
    prepared_images(open_dataset(root), SMALL)
    (root / "yes" / "1.png").rename(root / "no" / "renamed.png")
    moved = open_dataset(root.rename(tmp_path / "moved"))
    images = prepared_images(moved, SMALL)
    assert len(cached(home)) == 1
    np.testing.assert_array_equal(images.pixels[images.rows], fresh(moved, SMALL))
    write_images(moved.root, ["yes/new.png"])
    grown = open_dataset(moved.root)
    images = prepared_images(grown, SMALL)
    assert len(cached(home)) == 2
    np.testing.assert_array_equal(images.pixels[images.rows], fresh(grown, SMALL))


def test_another_layout_of_the_cache_has_a_file_of_its_own(root, home, monkeypatch):
    prepared_images(open_dataset(root), SMALL)
    monkeypatch.setattr(prepared_cache, "SCHEMA", prepared_cache.SCHEMA + 1)
    prepared_images(open_dataset(root), SMALL)
    assert len(cached(home)) == 2


def test_another_version_of_the_preparation_has_a_file_of_its_own(root, home, monkeypatch):
    prepared_images(open_dataset(root), SMALL)
    monkeypatch.setattr(prepared_cache, "VERSION", prepared_cache.VERSION + 1)
    prepared_images(open_dataset(root), SMALL)
    assert len(cached(home)) == 2


# -------------------------------------------------------------------------------------------------------------- faults


def test_file_that_changed_since_it_was_listed_is_refused(root, home):
    dataset = open_dataset(root)
    write_images(root, ["other.png"], (40, 30))
    (root / "other.png").replace(root / "yes" / "1.png")
    with pytest.raises(DataError, match=r"^1\.png changed while it was being read: start again\.$"):
        prepared_images(dataset, SMALL)
    assert (cached(home), leftovers(home)) == ([], [])
    assert len(prepared_images(open_dataset(root), SMALL)) == 6


@pytest.mark.parametrize("fault", ["gone", "cut"])
def test_file_that_cannot_be_read_any_more_is_named(root, home, fault):
    dataset = open_dataset(root)
    file = root / "yes" / "1.png"
    file.write_bytes(file.read_bytes()[:50]) if fault == "cut" else file.unlink()
    with pytest.raises(ScanError, match=r"^1\.png "):
        prepared_images(dataset, SMALL)
    assert (cached(home), leftovers(home)) == ([], [])


@pytest.mark.slow
def test_who_stops_in_the_middle_does_not_wait_for_the_rest(tmp_path, home):
    dataset = open_dataset(write_images(tmp_path / "many", [f"a/{number}.png" for number in range(400)]))

    def stop(done: int, total: int) -> None:
        raise InterruptedError

    with opened_pngs() as opened, pytest.raises(InterruptedError):
        prepared_images(dataset, SMALL, stop)
    assert 1 <= len(opened) < 200
    assert (cached(home), leftovers(home)) == ([], [])


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Make the system refuse files larger than `size` bytes, like a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_no_room_is_one_sentence_and_leaves_nothing(root, home):
    dataset = open_dataset(root)
    settings = PreparationConfig(size=512)
    with largest_file(1_000_000), pytest.raises(DataError) as caught:
        prepared_images(dataset, settings)
    assert str(caught.value).startswith("The prepared images need 4 MB, more than ")
    assert "BRAINSEG_HOME" in str(caught.value)
    assert (cached(home), leftovers(home)) == ([], [])
    assert len(prepared_images(dataset, settings)) == 6


# ---------------------------------------------------------------------------------------------------- several at a time

FILL = """
import json, sys
from pathlib import Path
from brainseg.config import PreparationConfig
from brainseg.datasets.sources import open_dataset
from brainseg.files import sha256_bytes
from brainseg.preparation.cache import prepared_images, prepared_masks

root, pause_at = Path(sys.argv[1]), int(sys.argv[2])
dataset, made = open_dataset(root), 0

def tell(done, total):
    global made
    made = done
    if done == pause_at:
        print("paused", flush=True)
        sys.stdin.readline()

print("ready", flush=True)
images = prepared_images(dataset, PreparationConfig(size=32), tell)
print(json.dumps({"made": made, "digest": sha256_bytes(images.pixels.tobytes())}), flush=True)
"""


@contextmanager
def filler(root: Path, pause_at: int) -> Iterator[subprocess.Popen[str]]:
    """A process that fills the cache and waits for a line on its stdin after `pause_at` images."""
    process = subprocess.Popen(
        [sys.executable, "-c", FILL, str(root), str(pause_at)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT_ROOT,
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_of_two_processes_one_fills_and_both_read_the_same(root, home):
    with filler(root, pause_at=2) as first:
        assert first.stdout.readline() == "paused\n"
        with filler(root, pause_at=-1) as second:  # it starts while the first is filling the cache
            assert cached(home) == []
            first.stdin.write("go on\n")
            first.stdin.flush()
            answers = [json.loads(process.stdout.readline()) for process in (first, second)]
    assert [answer["made"] for answer in answers] == [5, 0]
    assert answers[0]["digest"] == answers[1]["digest"]
    images = prepared_images(open_dataset(root), SMALL, lambda done, total: pytest.fail("it is there already"))
    assert sha256_bytes(images.pixels.tobytes()) == answers[0]["digest"]
    assert len(cached(home)) == 1
    assert leftovers(home) == []


@pytest.mark.slow
def test_killed_filler_leaves_no_half_file_and_the_next_call_succeeds(root, home):
    with filler(root, pause_at=2) as process:
        assert process.stdout.readline() == "paused\n"
        process.kill()
        process.wait()
    assert cached(home) == []
    assert len(leftovers(home)) == 1
    dataset = open_dataset(root)
    images = prepared_images(dataset, SMALL)
    np.testing.assert_array_equal(images.pixels[images.rows], fresh(dataset, SMALL))
    assert len(cached(home)) == 1
    assert leftovers(home) == []


def test_threads_of_one_process_fill_once(root, home):
    dataset = open_dataset(root)
    calls: list[int] = []
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(prepared_images, dataset, SMALL, lambda done, total: calls.append(done)) for _ in range(6)]
        digests = {sha256_bytes(future.result().pixels.tobytes()) for future in asked}
    assert len(digests) == 1
    assert calls == [1, 2, 3, 4, 5]
    assert len(cached(home)) == 1


# ------------------------------------------------------------------------------------------------- masks and modalities


def test_masks_are_prepared_like_their_images(tmp_path, home):
    dataset = open_masked_dataset(write_pairs(tmp_path / "pairs", ["a", "b", "c"]))
    images, masks = prepared_images(dataset, SMALL), prepared_masks(dataset, SMALL)
    assert (masks.pixels.shape, masks.pixels.dtype, len(masks)) == ((3, 32, 32), np.uint8, 3)
    assert isinstance(masks.pixels, np.memmap)
    for row in range(3):
        prepared = prepare(dataset.read(row), SMALL)
        np.testing.assert_array_equal(images[row], prepared.pixels)
        np.testing.assert_array_equal(masks[row], prepared.geometry.to_square(dataset.read_mask(row), 32))
    assert [int(masks[row].max()) for row in range(3)] == [1, 0, 1]
    assert len(cached(home)) == 2
    assert leftovers(home) == []


def test_masks_take_their_geometry_from_the_prepared_images(tmp_path, home):
    dataset = open_masked_dataset(write_pairs(tmp_path / "pairs", ["a", "b", "c"]))
    images = prepared_images(dataset, SMALL)
    expected = [prepare(dataset.read(row), SMALL).geometry for row in range(3)]
    for path in dataset.table["path"]:
        dataset.file(path).unlink()  # only the masks are left to decode
    masks = prepared_masks(dataset, SMALL, images=images)
    for row in range(3):
        assert masks.geometry(row) == images.geometry(row) == expected[row]
        np.testing.assert_array_equal(masks[row], expected[row].to_square(dataset.read_mask(row), 32))


def test_masks_are_prepared_once_whatever_changes_only_the_look(tmp_path, home):
    dataset = open_masked_dataset(write_pairs(tmp_path / "pairs", ["a", "b"]))
    prepared_masks(dataset, SMALL)
    for path in dataset.table["mask"]:
        dataset.file(path).unlink()
    clahe = SMALL.model_copy(update={"contrast": "clahe", "denoise": "median"})
    assert len(prepared_masks(dataset, clahe)) == 2
    assert len(cached(home)) == 1


def test_another_mask_of_the_same_image_has_a_file_of_its_own(tmp_path, home):
    root = write_pairs(tmp_path / "pairs", ["a", "b"])
    before = prepared_masks(open_masked_dataset(root), SMALL)[1].copy()
    save(root / "masks" / "b.png", spot())
    after = prepared_masks(open_masked_dataset(root), SMALL)[1]
    assert (before.max(), after.max()) == (0, 1)
    assert len(cached(home)) == 2


def test_mask_that_changed_since_it_was_listed_is_refused(tmp_path, home):
    dataset = open_masked_dataset(write_pairs(tmp_path / "pairs", ["a", "b"]))
    save(dataset.file("masks/b.png"), spot())
    with pytest.raises(DataError, match=r"^b\.png changed while it was being read: start again\.$"):
        prepared_masks(dataset, SMALL)
    assert (cached(home), leftovers(home)) == ([], [])


def test_each_choice_of_modalities_has_images_of_its_own(tmp_path, home):
    root = write_lgg(tmp_path / "lgg")
    for chosen in (("FLAIR",), ("T1ce", "FLAIR"), ("FLAIR", "T1ce")):
        dataset = open_masked_dataset(root, chosen)
        images = prepared_images(dataset, SMALL)
        np.testing.assert_array_equal(images[1], prepare(dataset.read(1), SMALL).pixels)
    assert len(cached(home)) == 3
