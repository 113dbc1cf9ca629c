"""The list of known datasets: `library.json` below the home folder, changed by one process at a time."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from filelock import FileLock
from pydantic import TypeAdapter, ValidationError

from brainseg import paths
from brainseg.datasets.masks import MaskedDataset
from brainseg.datasets.table import Dataset
from brainseg.errors import DataError
from brainseg.files import write_json
from brainseg.scans import display_name

Progress = Callable[[int, int], None]
Source = Literal["folder", "upload", "synthetic"]
PHANTOM = "phantom.json"
"""What `write_phantom` leaves in a folder that it has completed."""

LONGEST_NAME = 60


@dataclass(frozen=True)
class KnownDataset:
    """A dataset with a name.

    Attributes:
        name: Unique, whatever the case of its letters.
        path: What `open_dataset` takes: a folder, or a CSV manifest.
        source: "folder" of this machine, "upload", or "synthetic"; the last two lie below the home folder.
        added: When it was made known, in UTC, as ISO 8601.
        task: What can be learnt from it.
        counts: Readable images of each class when it was looked into last; None before.
        unreadable: Files that could not be read then.
        fingerprint: Of its images when it was looked into last; "" before. Finds it again after it has moved.
        grouped_fingerprint: The same with who is a patient, as runs of earlier versions stored it.
        groups: Which of its images are of one patient: the setting `data.groups` that its trainings start from.
        mask_threshold: Mask values that count as tumour from this one on: the setting `data.mask_threshold` that its
            trainings start from; None where the values are classes.
    """

    name: str
    path: str
    source: Source
    added: str
    task: str = "classify"
    counts: dict[str, int] | None = None
    unreadable: int = 0
    fingerprint: str = ""
    grouped_fingerprint: str = ""
    groups: str = "auto"
    mask_threshold: float | None = None

    @property
    def exists(self) -> bool:
        """Whether it still is where it was."""
        return Path(self.path).exists()

    @property
    def images(self) -> int | None:
        """Number of readable images; None before it was looked into."""
        return None if self.counts is None else sum(self.counts.values())


_LIST = TypeAdapter(list[KnownDataset])


def datasets_folder() -> Path:
    """Return the folder of the list, the uploads and the synthetic sets."""
    return paths.subfolder("datasets")


def known_datasets() -> list[KnownDataset]:
    """Return the known datasets by name, with the synthetic ones that lie below the home folder.

    Raises:
        DataError: The list is damaged.
    """
    known = _read()
    for file in sorted(datasets_folder().glob(f"[!.]*/{PHANTOM}")):
        if str(file.parent) not in {other.path for other in known}:
            name = unused_name(file.parent.name, known)
            known.append(KnownDataset(name, str(file.parent), "synthetic", timestamp(file.stat().st_mtime)))
    return sorted(known, key=lambda dataset: dataset.name.casefold())


def change(edit: Callable[[list[KnownDataset]], list[KnownDataset]]) -> None:
    """Replace the list by what `edit` makes of it, while nobody else may.

    Raises:
        DataError: The list is damaged.
    """
    with FileLock(datasets_folder() / ".library.lock"):
        write_json(_file(), [asdict(replace(known, path=_stored_path(known.path))) for known in edit(_read())])


def checked_name(name: str) -> str:
    """Return a name without needless blanks.

    Raises:
        DataError: It cannot serve as a name.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not re.fullmatch(r"\w[\w .()+-]*", name):
        raise DataError(
            f"{display_name(name)!r} cannot be a dataset's name: take 1 to {LONGEST_NAME} letters, digits, blanks and "
            "the signs . ( ) + - _, and begin with a letter or digit."
        )
    return name


def free_name(name: str, among: list[KnownDataset]) -> str:
    """Return a name that no dataset has.

    Raises:
        DataError: It cannot serve as a name, or is taken.
    """
    name = checked_name(name)
    if _is_taken(name, among):
        raise DataError(f"There is a dataset named {name!r} already: choose another name, or forget that one first.")
    return name


def unused_name(text: str, among: list[KnownDataset]) -> str:
    """Make a name from a file's, with a number where it is taken."""
    kept = " ".join(re.sub(r"[^\w .()+-]+", " ", text).split()).lstrip(".()+- ")[: LONGEST_NAME - 5].strip()
    base = name = kept or "dataset"
    number = 1
    while _is_taken(name, among):
        number += 1
        name = f"{base} {number}"
    return name


def timestamp(seconds: float | None = None) -> str:
    """Return a time since 1970, by default now, as ISO 8601 in UTC."""
    return datetime.fromtimestamp(time.time() if seconds is None else seconds, UTC).isoformat(timespec="seconds")


def _is_taken(name: str, among: list[KnownDataset]) -> bool:
    return any(known.name.casefold() == name.casefold() for known in among)


def _read() -> list[KnownDataset]:
    try:
        listed = _LIST.validate_python(json.loads(_file().read_text("utf-8")))
    except FileNotFoundError:
        return []
    except (OSError, ValueError, ValidationError) as error:
        raise DataError(
            f"The list of datasets {_file()} is damaged: move it away and add the datasets again."
        ) from error
    return [replace(known, path=_full_path(known)) for known in listed]


def _stored_path(path: str) -> str:
    """Return a path as the list holds it: relative below the home folder, which may be copied or moved."""
    place = Path(path)
    return place.relative_to(paths.home()).as_posix() if place.is_relative_to(paths.home()) else path


def _full_path(known: KnownDataset) -> str:
    """Return where a dataset of the list lies; what is ours never lies in the home that this one was copied from."""
    path = Path(known.path)
    if path.is_absolute() and known.source != "folder":  # as the list held them once
        return str(datasets_folder() / path.name)
    return str(paths.home() / path)


def _file() -> Path:
    return datasets_folder() / "library.json"


def register(known: KnownDataset) -> KnownDataset:
    """Put a dataset on the list, in place of what is known of the same path."""

    def put(listed: list[KnownDataset]) -> list[KnownDataset]:
        others = [other for other in listed if other.path != known.path]
        free_name(known.name, others)  # another visitor may have taken it meanwhile
        return [*others, known]

    change(put)
    return known


def describe_dataset(name: str, place: Path, source: Source, dataset: Dataset) -> KnownDataset:
    """Return a dataset as the list has it."""
    return with_counts(KnownDataset(name, str(place), source, timestamp()), dataset)


def with_counts(known: KnownDataset, dataset: Dataset) -> KnownDataset:
    """Return a known dataset with the counts and fingerprints of what was read."""
    labels = dataset.table["label"]
    counts = {name: int((labels == name).sum()) for name in dataset.classes}
    task = "segment" if isinstance(dataset, MaskedDataset) else "classify"
    return replace(
        known,
        task=task,
        counts=counts,
        unreadable=len(dataset.bad),
        fingerprint=dataset.fingerprint,
        grouped_fingerprint=dataset.grouped_fingerprint,
    )
