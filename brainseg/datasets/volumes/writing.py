"""Cut the volumes of a folder into a dataset of slices: images, masks and a manifest, completely or not at all."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from brainseg import paths
from brainseg.datasets.registry import Progress
from brainseg.datasets.volumes.finding import find_studies
from brainseg.datasets.volumes.naming import named_studies
from brainseg.datasets.volumes.record import CutSummary, finish
from brainseg.datasets.volumes.settings import CutSettings
from brainseg.datasets.volumes.study import Studies, Study
from brainseg.datasets.volumes.study_slices import CutStudy, cut_one
from brainseg.errors import DataError
from brainseg.files import folder_in_one_step, full_disk_as_disk_error

_WORKERS = 2


def cut_volumes(source: Path, out: Path, settings: CutSettings, progress: Progress | None = None) -> CutSummary:
    """Cut the volumes of a folder into a dataset of slices that `open_any` reads.

    Each slice becomes an 8-bit grey PNG for each sequence, with the same grey values as in a diagnosis, and a mask.
    The manifest names patient, slice, sequence, plane, pixel size and label: "tumour" if anything is marked on the
    slice, or the class of its folder.

    Args:
        source: A folder of BraTS, the Medical Decathlon, nnU-Net or BIDS, of DICOM files, or any other in which files
            of a study share their names but for the words for sequence and mask.
        out: The folder to create; it may exist if it is empty.
        settings: How to cut.
        progress: Called with (studies done, studies in all).

    Raises:
        DataError: A setting is not allowed, `source` holds no usable study, the labels contradict each other, or `out`
            holds other files or cannot be written.
    """
    settings = settings.checked()
    source, out = source.expanduser().absolute(), out.expanduser().absolute()
    if not source.is_dir():
        raise DataError(f"{source} is no folder: choose the folder that holds the volumes.")
    if out.is_relative_to(source):
        raise DataError(f"{out} lies inside the folder with the volumes: choose a folder outside it.")
    _refuse_occupied(out)
    secret = paths.secret()
    found = find_studies(source, secret, settings.masks, settings.class_folders)
    studies, notes = _usable(found, settings)
    try:
        with full_disk_as_disk_error(out), folder_in_one_step(out) as partial:
            done = _cut_all(studies, partial, settings, secret, source, progress)
            return finish(out, partial, found, studies, done, settings, notes)
    except OSError as error:
        raise DataError(f"Cannot write the slices to {out} ({error.strerror or error}).") from error


def _usable(found: Studies, settings: CutSettings) -> tuple[tuple[Study, ...], list[str]]:
    """Return the studies to cut: those with a mask, if any has one, or those in class folders."""
    notes = list(found.problems)
    with_masks = tuple(study for study in found.studies if study.masks or study.matlab)
    if settings.class_folders:
        notes.append(
            "Each slice has the class of its folder, so a slice of a patient with a tumour may show none: with masks, "
            "each slice is judged by itself."
        )
        return found.studies, notes
    if not with_masks:
        raise DataError(
            "No study has a mask, so there is nothing to learn: add masks whose names contain seg, mask or label, name "
            "them with a pattern, or sort the studies into one folder per class and say so."
        )
    if (without := len(found.studies) - len(with_masks)) > 0:
        words = "1 study has no mask and is" if without == 1 else f"{without:,} studies have no mask and are"
        notes.append(f"{words} left out.")
    return with_masks, notes


def _cut_all(
    studies: tuple[Study, ...],
    folder: Path,
    settings: CutSettings,
    secret: bytes,
    source: Path,
    progress: Progress | None,
) -> list[CutStudy]:
    """Cut all studies, a few at a time, because each one needs memory."""
    named = named_studies(studies, settings.keep_names)
    pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="volumes")
    try:
        pending: list[Future[CutStudy]] = [
            pool.submit(cut_one, study, name, folder, settings, secret, source)
            for study, name in zip(studies, named, strict=True)
        ]
        done = []
        for future in pending:
            done.append(future.result())
            if progress is not None:
                progress(len(done), len(pending))
        return done
    finally:
        pool.shutdown(cancel_futures=True)


def _refuse_occupied(out: Path) -> None:
    if out.is_dir() and any(out.iterdir()):
        raise DataError(f"The folder {out} is not empty: choose a new or empty folder.")
    if out.exists() and not out.is_dir():
        raise DataError(f"{out} is a file: choose a new or empty folder.")
