"""Add volumes to the list of datasets: slices are kept inside the home folder, and nothing else of the volumes."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from brainseg.datasets.access import refuse_if_not_listed
from brainseg.datasets.inspection import forget_inspection, inspect_dataset
from brainseg.datasets.registry import (
    KnownDataset,
    Progress,
    datasets_folder,
    describe_dataset,
    free_name,
    known_datasets,
    register,
    unused_name,
)
from brainseg.datasets.uploads import UPLOADS_A_DAY, delete_folder, folder_name
from brainseg.datasets.volumes.record import CutSummary
from brainseg.datasets.volumes.settings import CutSettings
from brainseg.datasets.volumes.writing import cut_volumes
from brainseg.files import refuse_if_disk_is_full
from brainseg.scans.archive import unpack_zip
from brainseg.users.actor import current
from brainseg.users.policy import Act, acting


def add_volumes(
    source: Path | BinaryIO, name: str | None, settings: CutSettings, progress: Progress | None = None
) -> tuple[KnownDataset, CutSummary]:
    """Cut volumes into slices inside the home folder and add these to the list, completely or not at all.

    Nothing of the volumes' files is kept: their headers may name a patient. A zip file is unpacked into a temporary
    folder, which is deleted.

    Args:
        source: A folder, or a zip file that is open for reading in binary mode.
        name: Name of the dataset; by default that of the folder.
        settings: How to cut.
        progress: Called with (done, in all), first for the studies and then for reading the slices.

    Raises:
        DataError: As for `cut_volumes`; or the zip file is unsafe or damaged, or the name is taken or not allowed.
        DiskError: Less space is free than must stay free.
        LimitError: There were too many uploads in the last 24 hours.
        AccessError: The role of the one who asks does not allow it, or the folder is none that pages may add.
    """
    with acting(Act.ADD_FOLDER if isinstance(source, Path) else Act.UPLOAD) as asked:
        if isinstance(source, Path):
            refuse_if_not_listed(source)
        added, made = _add(source, name, settings, progress)
        asked.target, asked.count = added.fingerprint[:12], added.images
        return added, made


def _add(
    source: Path | BinaryIO, name: str | None, settings: CutSettings, progress: Progress | None
) -> tuple[KnownDataset, CutSummary]:
    known = known_datasets()
    given = source.name if isinstance(source, Path) else "volumes"
    wanted = free_name(name, known) if name else unused_name(given, known)
    refuse_if_disk_is_full(datasets_folder(), "Cutting volumes")
    if not isinstance(source, Path):
        UPLOADS_A_DAY.take(current().owner.subject)
    place = datasets_folder() / folder_name(wanted)
    try:
        with _folder(source) as folder:
            made = cut_volumes(folder, place, settings, progress)
        dataset = inspect_dataset(place, progress, "auto", None)
        added = replace(describe_dataset(wanted, place, "volumes", dataset), groups="auto")
        return register(added), made
    except BaseException:
        delete_folder(place)
        forget_inspection(place)
        raise


@contextlib.contextmanager
def _folder(source: Path | BinaryIO) -> Iterator[Path]:
    if isinstance(source, Path):
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="brainseg-") as folder:
        unpack_zip(source, Path(folder))
        yield Path(folder)
