"""The `Study` object: the files of one examination of a patient, before they are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ImageFile:
    """A volume of a study.

    Attributes:
        file: The file that holds it.
        sequence: As in `Volume`, by the names of files or a list beside them; None if they do not say.
        number: Its place among the volumes of the file; None if the file must hold only one.
    """

    file: Path
    sequence: str | None
    number: int | None = None


@dataclass(frozen=True)
class Study:
    """The files of one examination.

    Attributes:
        name: Its name, from those of its files; a hashed key for DICOM.
        patient: The patient's name, likewise; studies with the same are of one patient.
        images: Its volumes in files of their own.
        dicom: Its DICOM files, of all series.
        matlab: The MATLAB file of one slice with its mask.
        masks: Files that may be its mask; more than one is refused.
        split: "train" or "test" if a folder says so, otherwise "".
        label: The class of the folder around it, if folders are classes; otherwise "".
    """

    name: str
    patient: str
    images: tuple[ImageFile, ...] = ()
    dicom: tuple[Path, ...] = ()
    matlab: Path | None = None
    masks: tuple[Path, ...] = ()
    split: str = ""
    label: str = ""


@dataclass(frozen=True)
class Studies:
    """The studies of a folder.

    Attributes:
        studies: In the order of their names.
        label_names: Value in the masks -> class name, where a file beside them says so.
        brats: Whether they are named like those of the BraTS challenges, so that the values have a known meaning.
        patients_by: What tells patients apart, in words.
        problems: Sentences about files that cannot be used.
    """

    studies: tuple[Study, ...]
    label_names: dict[int, str]
    brats: bool = False
    patients_by: str = "the names of the files"
    problems: tuple[str, ...] = ()
