"""The reader studies of the home folder: one folder each, with `study.json`, the log and the true masks."""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import ValidationError

from brainseg import paths
from brainseg.errors import ReadingError
from brainseg.files import sha256_file, write_atomically, write_json
from brainseg.reading.events import StudyCreated
from brainseg.reading.log import StudyLog, start_log
from brainseg.reading.study import SCHEMA, STUDY, Study

FOLDER = "reading"
"""The folder of all studies in the home folder."""
FILE = "study.json"
MASKS = "masks"
_ID = re.compile("[0-9a-f]{32}")
SHORTEST = 4
"""Fewest digits that may stand for a full id."""


@dataclass(frozen=True)
class UnreadableStudy:
    """A study that this brainseg cannot read; it is listed all the same, so nothing disappears."""

    id: str
    reason: str


def new_id() -> str:
    """Return the id of a new study."""
    return secrets.token_hex(16)


def study_folder(study_id: str) -> Path:
    """Return the folder of a study, whether or not it exists."""
    return paths.place(FOLDER, study_id)


def study_log(study: Study) -> StudyLog:
    """Return the log of a study."""
    return StudyLog(study_folder(study.id))


def mask_file(study_id: str, digest: str) -> Path:
    """Return the file of a true mask, by its hash."""
    return study_folder(study_id) / MASKS / f"{digest}.png"


def store_study(study: Study, masks: dict[str, bytes]) -> None:
    """Store a new study with its log, in one step.

    Args:
        study: The study.
        masks: SHA-256 of each true mask -> its PNG file.

    Raises:
        DiskError: The disk is full.
    """
    place = study_folder(study.id)
    partial = paths.subfolder(FOLDER) / f".{study.id}.partial"
    try:
        partial.mkdir()
        for digest, content in masks.items():
            write_atomically(partial / MASKS / f"{digest}.png", _writer(content), len(content))
        write_json(partial / FILE, asdict(study))
        created = StudyCreated(
            study=study.id,
            study_sha256=sha256_file(partial / FILE),
            cases=len(study.cases),
            bundle_digest=study.model.digest if study.model else None,
            teaching=study.teaching,
        )
        start_log(partial, created)
        partial.rename(place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def read_study(study_id: str) -> Study:
    """Return a study by its id, after checking that `study.json` is the file that its log names.

    Raises:
        ReadingError: There is no such study, its files are damaged or were changed, or a newer brainseg wrote them.
    """
    file = study_folder(study_id) / FILE
    try:
        values = json.loads(file.read_text("utf-8"))
        if isinstance(values, dict) and isinstance(number := values.get("schema"), int) and number > SCHEMA:
            raise ReadingError(
                f"{file} was written by a newer brainseg (schema {number}, and this version reads up to {SCHEMA}): "
                "install a newer brainseg."
            )
        study = STUDY.validate_python(values)
    except FileNotFoundError as error:
        raise ReadingError(f"There is no reader study {study_id[:8]}: it was removed, or its id is wrong.") from error
    except (OSError, ValueError, RecursionError, ValidationError) as error:
        raise ReadingError(f"{file} is damaged: put it back from a copy, or make a new study.") from error
    if study.id != study_id:
        raise ReadingError(f"{file} is of another study: put the file of this study back, or make a new study.")
    return study


def check_created(study: Study, created: object) -> None:
    """Refuse a study whose log does not name `study.json` as it is now.

    Args:
        study: The study.
        created: The first event of its log.

    Raises:
        ReadingError: It does not.
    """
    file = study_folder(study.id) / FILE
    if not isinstance(created, StudyCreated) or created.study_sha256 != sha256_file(file):
        raise ReadingError(
            f"{file} was changed after the study was made, so its results cannot be trusted: put the file back from a "
            "copy, or make a new study."
        )


def all_studies() -> list[Study | UnreadableStudy]:
    """Return all studies, newest first; those that cannot be read come last."""
    found: list[Study] = []
    unreadable: list[UnreadableStudy] = []
    folder = paths.place(FOLDER)
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        if _ID.fullmatch(place.name):
            try:
                found.append(read_study(place.name))
            except ReadingError as error:
                unreadable.append(UnreadableStudy(place.name, str(error)))
    return [*sorted(found, key=lambda study: study.created, reverse=True), *unreadable]


def find_study(wanted: str) -> Study:
    """Return a study by its id, the start of its id (at least 4 digits) or its name.

    Raises:
        ReadingError: No study or more than one matches, or it cannot be read.
    """
    wanted = wanted.strip()
    if _ID.fullmatch(wanted):
        return read_study(wanted)
    listed = all_studies()
    found = [each.id for each in listed if isinstance(each, Study) and each.name == wanted]
    found = found or [each.id for each in listed if len(wanted) >= SHORTEST and each.id.startswith(wanted.lower())]
    if not found:
        raise ReadingError(f"There is no reader study {wanted[:40]!r}: it was removed, or the name is wrong.")
    if len(found) > 1:
        raise ReadingError(
            f"{len(found)} reader studies match {wanted[:40]!r}: use an id instead, such as {found[0][:8]}."
        )
    return read_study(found[0])


def read_mask(study_id: str, digest: str) -> np.ndarray:
    """Return a true mask, (H, W) bool.

    Raises:
        ReadingError: The file is missing or was changed.
    """
    file = mask_file(study_id, digest)
    try:
        if sha256_file(file) == digest:
            with Image.open(file) as image:
                return np.asarray(image.convert("L")) > 0
    except OSError:
        pass
    raise ReadingError(f"The true mask {file} is missing or was changed: put it back from a copy, or make a new study.")


def _writer(content: bytes) -> Callable[[Path], int]:
    return lambda temporary: temporary.write_bytes(content)
