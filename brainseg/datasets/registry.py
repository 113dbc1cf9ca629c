"""The list of known datasets: `library.json` in the home folder, changed by one process at a time."""

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
from brainseg.errors import BrainsegError, DataError
from brainseg.files import file_state, write_json
from brainseg.scans import display_name
from brainseg.users.actor import UNOWNED, Owner, current

Progress = Callable[[int, int], None]
Source = Literal["folder", "upload", "synthetic", "volumes"]
PHANTOM = "phantom.json"
"""File that `write_phantom` writes into a folder when it is complete."""

LONGEST_NAME = 60


@dataclass(frozen=True)
class KnownDataset:
    """A dataset with a name.

    Attributes:
        name: Unique, ignoring case.
        path: As for `open_dataset`: a folder, or a CSV manifest.
        source: "folder" of this machine, "upload", "synthetic", or "volumes" cut into slices; all but the first are
            inside the home folder.
        added: When it was added, in UTC, as ISO 8601.
        task: The task that it is for.
        counts: Readable images per class when it was last read; None if never read.
        unreadable: Number of files that could not be read then.
        fingerprint: Fingerprint of its images when it was last read; "" if never read. It identifies a moved dataset.
        grouped_fingerprint: The same including patients, as runs of earlier versions stored it.
        groups: Which of its images are of one patient: the setting `data.groups` that its trainings start from.
        mask_threshold: Mask values from this number up are tumour: the setting `data.mask_threshold` that its trainings
            start from; None if values are classes.
        owner_subject: The `Owner.subject` of whom it belongs to; "" for nobody.
        owner_name: The `Owner.name`.
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
    owner_subject: str = ""
    owner_name: str = ""

    @property
    def owner(self) -> Owner:
        """Whom it belongs to; what was added without signing in belongs to administrators."""
        return Owner(self.owner_subject, self.owner_name) if self.owner_subject else UNOWNED

    @property
    def exists(self) -> bool:
        """Whether its path still exists."""
        return Path(self.path).exists()

    @property
    def images(self) -> int | None:
        """Number of readable images; None if it was never read."""
        return None if self.counts is None else sum(self.counts.values())


_LIST = TypeAdapter(list[KnownDataset])


def datasets_folder() -> Path:
    """Return the folder of the list, the uploads and the synthetic datasets."""
    return paths.subfolder("datasets")


def known_datasets() -> list[KnownDataset]:
    """Return the known datasets in order of their names, including synthetic ones inside the home folder.

    Raises:
        DataError: The list is damaged.
    """
    known = _read()
    for file in sorted(datasets_folder().glob(f"[!.]*/{PHANTOM}")):
        state = file_state(file)
        if state and str(file.parent) not in {other.path for other in known}:
            name = unused_name(file.parent.name, known)
            known.append(KnownDataset(name, str(file.parent), "synthetic", timestamp(state[0] / 1e9)))
    return sorted(known, key=lambda dataset: dataset.name.casefold())


def change(edit: Callable[[list[KnownDataset]], list[KnownDataset]]) -> None:
    """Replace the list by the result of `edit`, while no other process can change it.

    Raises:
        DataError: The list is damaged.
    """
    with list_lock():
        write_json(_file(), [asdict(replace(known, path=_stored_path(known.path))) for known in edit(_read())])


def list_lock() -> FileLock:
    """Return the lock that is held while the list changes."""
    return FileLock(datasets_folder() / ".library.lock")


def checked_name(name: str, what: str = "a dataset's", error: type[BrainsegError] = DataError) -> str:
    """Return a name without unnecessary spaces.

    Args:
        name: The name.
        what: Whose name it is, as in "a dataset's", for the message.
        error: What is raised.

    Raises:
        BrainsegError: The name is not allowed; it is of the kind `error`.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not re.fullmatch(r"\w[\w .()+-]*", name):
        raise error(
            f"{display_name(name)!r} cannot be {what} name: use 1 to {LONGEST_NAME} letters, digits, spaces and "
            "the signs . ( ) + - _, and begin with a letter or digit."
        )
    return name


def free_name(name: str, among: list[KnownDataset]) -> str:
    """Check that a name is allowed and not taken, and return it without unnecessary spaces.

    Raises:
        DataError: The name is not allowed, or is taken.
    """
    name = checked_name(name)
    if _is_taken(name, among):
        raise DataError(f"There is already a dataset named {name!r}: choose another name, or forget that one first.")
    return name


def unused_name(text: str, among: list[KnownDataset]) -> str:
    """Build a dataset name from a file name, with a number if it is taken."""
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
            f"The list of datasets {_file()} is damaged: move the file away and add the datasets again."
        ) from error
    return [replace(known, path=_full_path(known)) for known in listed]


def _stored_path(path: str) -> str:
    """Return a path as stored in the list: relative if it is inside the home folder, which may be copied or moved."""
    place = Path(path)
    return place.relative_to(paths.home()).as_posix() if place.is_relative_to(paths.home()) else path


def _full_path(known: KnownDataset) -> str:
    """Return the full path of a dataset in the list; uploads and synthetic sets are always inside this home folder."""
    path = Path(known.path)
    if path.is_absolute() and known.source != "folder":  # as earlier versions stored them
        return str(datasets_folder() / path.name)
    return str(paths.home() / path)


def _file() -> Path:
    return datasets_folder() / "library.json"


def register(known: KnownDataset) -> KnownDataset:
    """Add a dataset to the list, replacing any entry with the same path."""

    def put(listed: list[KnownDataset]) -> list[KnownDataset]:
        others = [other for other in listed if other.path != known.path]
        free_name(known.name, others)  # another visitor may have taken the name in the meantime
        return [*others, known]

    change(put)
    return known


def describe_dataset(name: str, place: Path, source: Source, dataset: Dataset) -> KnownDataset:
    """Return the list entry of a dataset that was just read; it belongs to the one who acts."""
    actor = current()
    subject, called = (actor.owner.subject, actor.owner.name) if actor.signed_in else ("", "")
    made = KnownDataset(name, str(place), source, timestamp(), owner_subject=subject, owner_name=called)
    return with_counts(made, dataset)


def with_counts(known: KnownDataset, dataset: Dataset) -> KnownDataset:
    """Return a list entry with the counts and fingerprints of a dataset that was just read."""
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
