"""Find the studies in a folder: by the names of files, as in BraTS, BIDS and most others, or by DICOM's headers.

A file belongs to the study whose name it shares when the words for sequence and mask are left out. Folders that only
sort files, such as `T1` or `labels`, are looked through.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from brainseg.datasets.listing import files_below, natural_order
from brainseg.datasets.volumes.decathlon import decathlon_studies
from brainseg.datasets.volumes.dicom_studies import dicom_studies
from brainseg.datasets.volumes.matlab import SUFFIX, matlab_studies
from brainseg.datasets.volumes.study import ImageFile, Studies, Study
from brainseg.datasets.volumes.study_names import BRATS, StudyName, is_sorting_folder, patient_of, read_name
from brainseg.errors import DataError
from brainseg.scans import display_name
from brainseg.scans.foreign import DICOM, META_IMAGE, NIFTI, NRRD
from brainseg.scans.volumes.reading import volume_kind
from brainseg.scans.volumes.sequence import sequence_of

_GLOBAL = re.compile(r"brats|sub-", re.IGNORECASE)
"""Names that are unique in their whole dataset, by their standard."""

MOST_STUDIES = 6
"""Folders with more studies than this are no patients' folders."""


@dataclass
class _Group:
    """The files of a study while they are collected."""

    context: PurePosixPath
    key: str
    images: list[ImageFile] = field(default_factory=list)
    masks: list[Path] = field(default_factory=list)

    @property
    def name(self) -> str:
        folder = self.context.name
        return self.key if folder and self.key.startswith(folder) else str(self.context / self.key)


@dataclass(frozen=True)
class _File:
    file: Path
    context: PurePosixPath
    name: StudyName
    sequence: str | None
    other_mask: bool


def find_studies(root: Path, secret: bytes, masks: str = "", class_folders: bool = False) -> Studies:
    """Find the studies in a folder.

    Args:
        root: The folder.
        secret: Key of the hashed identifiers of DICOM files.
        masks: A pattern for the masks' paths, such as `*/fusion/simple.nii.gz`; other files are then no masks, whatever
            their names. "" goes by the names.
        class_folders: Whether the folders directly below are classes.

    Raises:
        DataError: It holds no volumes, or a file beside them cannot be understood.
    """
    everything = files_below(root)
    slices, other = matlab_studies(file for file in everything if file.suffix.lower() == SUFFIX)
    if slices:
        return Studies(tuple(slices), {}, patients_by="the codes in the files", problems=_other_matlab(other))
    files = {file: kind for file in everything if (kind := volume_kind(file))}
    scans = [file for file, kind in files.items() if kind in (NIFTI, NRRD, META_IMAGE) and not _is_second(file)]
    if scans and (found := decathlon_studies(root, scans)):
        return found
    placed = [_placed(root, file, masks, class_folders) for file in scans]
    known = any(each.sequence and not each.name.is_mask for each in placed)
    left = [each for each in placed if not each.name.is_mask and (each.other_mask or (known and not each.sequence))]
    passed_over = {each.file for each in left}
    groups, unmatched = _groups(each for each in placed if each.file not in passed_over)
    dicom, names_of_classes = dicom_studies(
        [file for file, kind in files.items() if kind is DICOM],
        secret,
        lambda file: not masks or file.relative_to(root).match(masks),
    )
    if not groups and not dicom:
        raise DataError(f"{root} holds no volumes: choose a folder with DICOM, NIfTI, NRRD or MetaImage files.")
    lost = _assign_masks(unmatched, root, groups, dicom)
    from_names, by = _studies(groups, root, class_folders)
    made = [*from_names, *_labelled(dicom, root, class_folders)]
    order = {name: place for place, name in enumerate(natural_order(study.name for study in made))}
    return Studies(
        studies=tuple(sorted(made, key=lambda study: order[study.name])),
        label_names=names_of_classes,
        brats=bool(groups) and all(BRATS.search(group.name) for group in groups),
        patients_by=by if groups else "the headers of the files",
        problems=(*_unknown([each.file for each in left], masks), *_lost(lost)),
    )


def _is_second(file: Path) -> bool:
    """Return whether a file is the pixels of a pair, whose header is the file to open."""
    return file.suffix.lower() in (".img", ".raw") and file.with_suffix(".hdr").exists()


def _placed(root: Path, file: Path, masks: str, class_folders: bool) -> _File:
    relative = PurePosixPath(file.relative_to(root).as_posix())
    context = relative.parent
    name = read_name(file.name, context.name)
    sequence = name.sequence
    other_mask = bool(masks) and name.is_mask and not relative.match(masks)
    if masks:
        name = StudyName(name.study, None, True) if relative.match(masks) else replace(name, is_mask=False)
    while context.name and is_sorting_folder(context.name) and not (class_folders and len(context.parts) == 1):
        sequence = sequence or sequence_of(context.name)
        context = context.parent
    if _GLOBAL.match(name.study):
        context = PurePosixPath(context.parts[0]) if class_folders and context.parts else PurePosixPath()
    return _File(file, context, name, None if name.is_mask else sequence, other_mask)


def _groups(files: Iterable[_File]) -> tuple[list[_Group], list[Path]]:
    """Group images by study, with the masks of the same name; return the masks that have none, too."""
    found: dict[tuple[PurePosixPath, str], _Group] = {}
    masks = []
    for each in files:
        if each.name.is_mask:
            masks.append(each)
            continue
        key = (each.context, each.name.study)
        found.setdefault(key, _Group(*key)).images.append(ImageFile(each.file, each.sequence))
    unmatched: list[Path] = []
    for each in masks:
        group = found.get((each.context, each.name.study))
        (group.masks if group else unmatched).append(each.file)
    return list(found.values()), unmatched


def _assign_masks(masks: Iterable[Path], root: Path, groups: list[_Group], dicom: list[Study]) -> list[Path]:
    """Give masks with names of their own to the only study in the nearest folder around them; return the others."""
    homes: dict[Path, set[int]] = {}
    for place, files in enumerate([*([each.file for each in group.images] for group in groups),
                                   *(study.dicom for study in dicom)]):  # fmt: skip
        for folder in {parent for file in files for parent in file.parents}:
            homes.setdefault(folder, set()).add(place)
    lost = []
    for mask in masks:
        around = next((folder for folder in mask.parents if homes.get(folder)), root)
        inside = homes.get(around, set())
        if len(inside) != 1 or not around.is_relative_to(root):
            lost.append(mask)
            continue
        place = next(iter(inside))
        if place < len(groups):
            groups[place].masks.append(mask)
        else:
            study = dicom[place - len(groups)]
            dicom[place - len(groups)] = replace(study, masks=(*study.masks, mask))
    return lost


def _studies(groups: Sequence[_Group], root: Path, class_folders: bool) -> tuple[list[Study], str]:
    """Return studies with their patients, and what tells patients apart."""
    folders = [each.parts[1:] if class_folders else each.parts for each in (group.context for group in groups)]
    counts = Counter(parts[0] for parts in folders if parts)
    by_folder = bool(counts) and max(counts.values()) <= MOST_STUDIES
    studies = [
        Study(
            name=group.name,
            patient=parts[0] if parts and by_folder else str(PurePosixPath(*parts) / patient_of(group.key)),
            images=tuple(group.images),
            masks=tuple(group.masks),
            label=_label(group.images[0].file, root) if class_folders else "",
        )
        for group, parts in zip(groups, folders, strict=True)
    ]
    return studies, "their folders" if by_folder else "the names of the files"


def _labelled(studies: Iterable[Study], root: Path, class_folders: bool) -> list[Study]:
    return [replace(each, label=_label(each.dicom[0], root) if class_folders else "") for each in studies]


def _label(file: Path, root: Path) -> str:
    parts = file.relative_to(root).parts
    if len(parts) < 2:
        raise DataError(f"{display_name(file.name)} lies in no class folder: move it into one.")
    return parts[0]


def _other_matlab(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    files = "1 MATLAB file is" if count == 1 else f"{count:,} MATLAB files are"
    return (f"{files} left out: not of the figshare set, or damaged.",)


def _unknown(files: list[Path], masks: str) -> tuple[str, ...]:
    if not files:
        return ()
    other = "and does not fit the pattern for masks" if masks else "and not that it is a mask"
    return (f"{_counted(files)} left out, because the name says no sequence {other}.",)


def _lost(files: list[Path]) -> tuple[str, ...]:
    if not files:
        return ()
    return (f"{_counted(files)} left out: a mask without a study of its name or in its folder.",)


def _counted(files: list[Path]) -> str:
    return "1 file is" if len(files) == 1 else f"{len(files):,} files are"
