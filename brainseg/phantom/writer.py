"""Write a phantom: class folders, masks and manifest, completely or not at all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brainseg.errors import DataError
from brainseg.files import folder_in_one_step, full_disk_as_disk_error, write_json
from brainseg.phantom.acquisition import MODALITIES
from brainseg.phantom.output import README, ManifestRow, write_manifest, write_png
from brainseg.phantom.settings import GENERATOR_VERSION, PhantomSettings
from brainseg.phantom.slices import render_slice
from brainseg.phantom.study_files import write_study, write_volumes
from brainseg.phantom.subject import SLICES_PER_SUBJECT, Subject, make_subject
from brainseg.phantom.templates import load_templates

NO_TUMOUR, TUMOUR = "no_tumour", "tumour"
"""The class folders and labels."""


_SETTINGS_FILE = "phantom.json"


@dataclass(frozen=True)
class PhantomSummary:
    """The phantom that `write_phantom` wrote or found complete; `seconds` is the duration of the call."""

    folder: Path
    slices: int
    subjects: int
    tumour_slices: int
    seed: int
    seconds: float


@dataclass(frozen=True)
class _Person:
    """One subject to draw: number (for names), seed, class and number of slices."""

    number: int
    seed: np.random.SeedSequence
    has_tumour: bool
    slices: int


def phantom_name(*parts: str) -> str:
    """Return a folder name that contains the settings and the version, so each dataset gets its own folder."""
    return "-".join(["phantom", *parts, f"v{GENERATOR_VERSION}"])


def write_phantom(
    out: Path,
    count: int,
    seed: int = 0,
    *,
    size: int = 256,
    plane: str = "axial",
    modalities: tuple[str, ...] = MODALITIES,
    slices_per_subject: int = SLICES_PER_SUBJECT,
    volumes: bool = False,
    difficulty: str = "realistic",
    dicom: str = "",
    studies: int = 0,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> PhantomSummary:
    """Write a synthetic brain MRI dataset of `count` slices, half of them with a tumour.

    The folder contains `no_tumour/`, `tumour/`, `masks/`, `manifest.csv`, `phantom.json` and `README.txt`. It appears
    in one step when everything is written. A complete phantom with the same settings is not changed. The same settings
    give the same bytes with any number of workers, on one machine with one set of library versions.

    Args:
        out: The folder to create; it may exist if it is empty.
        count: Number of slices, at least 4; if it is odd, there is one more slice without a tumour.
        seed: Seed of everything random, 0 or more.
        size: Pixels per side, 64 to 512. With fewer pixels, the smallest tumours are larger, so none is a few pixels.
        plane: The plane of all slices: "axial", "coronal" or "sagittal"; "mixed" draws one for each subject.
        modalities: The sequences that a subject's slices take in turn.
        slices_per_subject: Slices per synthetic person, 1 to 16; the last person of a class may have fewer. A model
            learns more from fewer slices of more people.
        volumes: Also write one person's four sequences and mask as NIfTI in `volumes/`.
        difficulty: "realistic", with tumours of all sizes and structures that look like tumours, or "clear", with only
            large, bright tumours, which a training of a minute or two can learn.
        dicom: Also write that person's volumes, and the four sequences as DICOM series in `dicom/`, cut in this plane:
            "axial", "coronal" or "sagittal"; "" for none.
        studies: Also write this many people with a tumour as studies of NIfTI files in `studies/`, named as in BraTS:
            `NAME/NAME_t1.nii.gz`, `_t1ce`, `_t2`, `_flair` and the mask, `_seg`.
        workers: Number of threads that draw.
        progress: Called with (slices done, slices in all) in the calling thread.

    Raises:
        DataError: A setting is not allowed, or `out` contains other files or cannot be written.
    """
    start = time.monotonic()
    settings = PhantomSettings(
        count, seed, size, plane, tuple(modalities), slices_per_subject, volumes, difficulty, dicom, studies
    )
    settings.check()
    out = Path(out).absolute()
    if not _is_complete(out, settings):
        _refuse_occupied(out)
        try:
            with full_disk_as_disk_error(out):
                _write_whole(out, settings, max(1, workers), progress)
        except OSError as error:
            raise DataError(f"Cannot write the phantom to {out} ({error.strerror or error}).") from error
    elif progress is not None:
        progress(count, count)
    people = _people(settings)
    return PhantomSummary(out, count, len(people), count // 2, seed, time.monotonic() - start)


def _write_whole(
    out: Path, settings: PhantomSettings, workers: int, progress: Callable[[int, int], None] | None
) -> None:
    """Write everything, then let the folder appear in one step."""
    filled = False
    try:
        with folder_in_one_step(out) as partial:
            _fill(partial, settings, workers, progress)
            filled = True
    except OSError:
        if not (filled and _is_complete(out, settings)):  # otherwise another process has just written the same phantom
            raise


def _fill(folder: Path, settings: PhantomSettings, workers: int, progress: Callable[[int, int], None] | None) -> None:
    """Write everything into `folder`."""
    for name in (NO_TUMOUR, TUMOUR, "masks"):
        (folder / name).mkdir()
    load_templates()  # once, before the threads need it
    people = _people(settings)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="phantom")
    try:
        pending = [pool.submit(_write_person, folder, settings, person) for person in people]
        rows: list[ManifestRow] = []
        for future in as_completed(pending):
            rows += future.result()
            if progress is not None:
                progress(len(rows), settings.count)
        ill = [person for person in people if person.has_tumour]
        if settings.volumes or settings.dicom:
            write_volumes(folder, _name(ill[0]), _subject(settings, ill[0]), settings.dicom, pool)
        for person in ill[: settings.studies]:
            write_study(folder / "studies" / _name(person), _subject(settings, person), pool)
    finally:
        pool.shutdown(cancel_futures=True)
    write_manifest(folder / "manifest.csv", sorted(rows, key=lambda row: (row.subject, row.slice)))
    (folder / "README.txt").write_text(README, encoding="utf-8")
    write_json(folder / _SETTINGS_FILE, settings.stored())


def _people(settings: PhantomSettings) -> list[_Person]:
    """Distribute the slices over people, half of the slices per class, and shuffle the classes."""
    each = settings.slices_per_subject
    wanted = {True: settings.count // 2, False: settings.count - settings.count // 2}
    people = [(sick, min(each, total - at)) for sick, total in wanted.items() for at in range(0, total, each)]
    root = np.random.SeedSequence(settings.seed)
    order = np.random.default_rng(root.spawn(1)[0]).permutation(len(people))
    seeds = root.spawn(len(people))
    return [_Person(i, seeds[i], *people[j]) for i, j in enumerate(order)]


def _subject(settings: PhantomSettings, person: _Person) -> Subject:
    """Draw the subject."""
    return make_subject(
        person.seed,
        has_tumour=person.has_tumour,
        plane=settings.plane,
        modalities=settings.modalities,
        slices=settings.slices_per_subject,
        size=settings.size,
        clear=settings.difficulty == "clear",
    )


def _write_person(folder: Path, settings: PhantomSettings, person: _Person) -> list[ManifestRow]:
    """Draw and write one subject's slices and masks; return their manifest rows."""
    subject = _subject(settings, person)
    label = TUMOUR if person.has_tumour else NO_TUMOUR
    name = _name(person)
    rows = []
    for index in range(person.slices):
        drawn = render_slice(subject, index)
        file = f"{name}_{index:02d}_{drawn.modality}_{drawn.plane}.png"
        write_png(folder / label / file, drawn.image)
        write_png(folder / "masks" / file, drawn.mask.astype(np.uint8) * np.uint8(255))
        spacing, area = drawn.spacing_mm, round(drawn.tumour_area_mm2, 3)
        paths = f"{label}/{file}", label, name, f"masks/{file}"
        rows.append(ManifestRow(*paths, name, index, drawn.modality, drawn.plane, spacing, area))
    return rows


def _name(person: _Person) -> str:
    """Return the subject's name, which shows that it is synthetic."""
    return f"synthetic_s{person.number:05d}"


def _is_complete(out: Path, settings: PhantomSettings) -> bool:
    """Return whether `out` is a phantom with these settings and the right number of files."""
    try:
        stored = json.loads((out / _SETTINGS_FILE).read_text(encoding="utf-8"))
        counts = {name: sum(1 for _ in (out / name).glob("*.png")) for name in (NO_TUMOUR, TUMOUR, "masks")}
    except (OSError, ValueError):
        return False
    half = settings.count // 2
    if settings.volumes and len(list((out / "volumes").glob("*.nii.gz"))) < len(MODALITIES) + 1:
        return False
    if len(list((out / "studies").glob("*/*.nii.gz"))) < settings.studies * (len(MODALITIES) + 1):
        return False
    whole = counts == {NO_TUMOUR: settings.count - half, TUMOUR: half, "masks": settings.count}
    return stored == settings.stored() and whole and (out / "manifest.csv").is_file()


def _refuse_occupied(out: Path) -> None:
    """Raise a `DataError` if `out` is a file or a folder that is not empty."""
    if out.is_dir():
        if any(out.iterdir()):
            what = "a phantom with other settings, or part of one" if (out / _SETTINGS_FILE).exists() else "other files"
            raise DataError(f"The folder {out} contains {what}: choose a new or empty folder, or delete this one.")
    elif out.exists():
        raise DataError(f"{out} is a file: choose a new or empty folder.")
