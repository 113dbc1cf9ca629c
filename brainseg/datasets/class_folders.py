"""Find the class folders below a dataset's root, and the files and folders that are not classes.

Real datasets also contain second copies of the whole set, images without a label, empty folders, and folders around the
class folders. brainseg leaves out or unwraps the ones that it recognises, and reports each one in a finding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from brainseg.datasets.findings import Finding
from brainseg.datasets.folder_images import (
    DEEPEST,
    any_file,
    any_image,
    count_images,
    images_of,
    repeated_class_names,
    repeated_set_message,
)
from brainseg.datasets.listing import contents, files_below, spelled
from brainseg.datasets.patient_names import is_sequence, patient_part, strength
from brainseg.datasets.split_names import is_fold, is_generic_name, is_unlabelled_name, side_of
from brainseg.errors import DataError


@dataclass
class ClassFolders:
    """The class folders below a root.

    Attributes:
        places: Each class folder with its given split, "" for none.
        beside: Files and folders that are not classes, including images in them.
        findings: What was left out or unwrapped, and why.
    """

    places: list[tuple[str, Path]] = field(default_factory=list)
    beside: list[Path] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def find_class_folders(root: Path) -> ClassFolders:
    """Find the class folders below a folder.

    Raises:
        DataError: There are none, or it is unclear which folders they are.
    """
    found = ClassFolders()
    start = _unwrap(root, found)
    folders, others = contents(start)
    found.beside += others
    sides = {folder: side_of(folder.name) for folder in folders}
    parts = [folder for folder in folders if sides[folder] and _has_class_folders(folder)]
    folds = [folder for folder in folders if is_fold(folder.name) and _has_class_folders(folder)]
    not_splits = [folder for folder in folders if not sides[folder]]
    if parts:
        _from_splits(root, found, [folder for folder in folders if sides[folder]], sides, not_splits)
    elif len(folds) > 1 and len(folds) == len(not_splits):
        _from_folds(root, found, folds)
    elif not_splits:  # a class may be called test
        _add_classes(root, found, "", folders)
    else:
        place = f"{root}: {folders[0].name}" if folders else root
        raise DataError(f"{place} has no class folders: put the images of each class into a separate folder inside it.")
    return found


def _unwrap(root: Path, found: ClassFolders) -> Path:
    """Go down while a single folder contains everything and has class folders inside; `train/train` is one split."""
    start = root
    for _ in range(DEEPEST):
        folders, others = contents(start)
        inner = _only_folder_with_images(folders)
        if inner is None or images_of(others) or not _wraps(inner, side_of(root.name)):
            break
        found.beside += [*others, *(folder for folder in folders if folder != inner)]
        start = inner
    if start != root:
        found.findings.append(
            Finding(
                "wrapped", f"The class folders are in {_shown(root, start)}; the folders around them are not classes."
            )
        )
    return start


def _only_folder_with_images(folders: list[Path]) -> Path | None:
    """Return the only folder that contains images; None if there are none or several."""
    filled = [folder for folder in folders if any_image(folder)]
    return filled[0] if len(filled) == 1 else None


def _wraps(folder: Path, side: str = "") -> bool:
    """Return whether a folder contains class folders and is not itself a class of patients' folders.

    `side` is the split side of the folder around it.
    """
    if side_of(folder.name) not in ("", side):
        return False
    inner, others = contents(folder)
    filled = [each for each in inner if any_image(each)]
    if not filled or images_of(others):
        return False
    if len(filled) == 1:
        return _wraps(filled[0], side)
    if is_generic_name(folder.name) or any(side_of(each.name) for each in filled):
        return True
    return any(strength(patient_part(each.name)) in (0, 2) for each in filled)  # otherwise they are patients' folders


def _has_class_folders(folder: Path) -> bool:
    return bool(contents(folder)[0])


def _from_splits(
    root: Path, found: ClassFolders, parts: list[Path], sides: dict[Path, str], not_splits: list[Path]
) -> None:
    for other in not_splits:
        if not any_image(other):
            _leave_out(found, root, other, "no-class", "contains no images and is left out")
        elif inside := repeated_class_names(other, {part.name.casefold() for part in parts}):
            _leave_out(found, root, other, "set-in-itself", repeated_set_message(other, inside, parts))
        elif is_unlabelled_name(other.name):
            _leave_out(found, root, other, "unlabelled", _unlabelled_message(other))
        else:
            split = next(part for part in parts if _has_class_folders(part))
            raise DataError(
                f"{root} contains both a split folder {split.name!r} and the folder {other.name!r}: keep only split "
                "folders, or only class folders, in it."
            )
    for part in parts:
        start = _unwrap(part, ClassFolders())
        inner, beside = contents(start)
        found.beside += beside
        if not inner or _is_single_unlabelled_folder(inner):
            message = f"contains {count_images(part)} images outside class folders; they have no label and are left out"
            _leave_out(found, root, part, "unlabelled", message)
            continue
        if loose := images_of(beside):
            named = tuple(_shown(root, file) for file in loose)
            message = (
                f"{len(loose)} images are beside the class folders of {part.name}; they have no label and are left out."
            )
            found.findings.append(Finding("unlabelled", message, named))
        _add_classes(root, found, sides[part], inner)


def _is_single_unlabelled_folder(folders: list[Path]) -> bool:
    """Return whether all images are in one folder that does not name a class, such as test/images."""
    return len(folders) == 1 and (is_generic_name(folders[0].name) or is_unlabelled_name(folders[0].name))


def _from_folds(root: Path, found: ClassFolders, folds: list[Path]) -> None:
    names = ", ".join(fold.name for fold in folds)
    found.findings.append(
        Finding(
            "folds",
            f"The folders {names} are folds of a cross-validation: brainseg joins their images and draws its own "
            "splits.",
        )
    )
    for fold in folds:
        inner, beside = contents(fold)
        found.beside += beside
        _add_classes(root, found, "", inner)


def _add_classes(root: Path, found: ClassFolders, split: str, folders: list[Path]) -> None:
    """Add folders as classes, except those that are clearly not classes."""
    folders = _below_sequences(root, found, folders)
    filled = [folder for folder in folders if any_file(folder)]
    for folder in folders:
        if folder not in filled:
            _leave_out(found, root, folder, "empty-class", "is empty and is not a class")
    names = {folder.name.casefold() for folder in filled}
    nested = {folder: repeated_class_names(folder, names - {folder.name.casefold()}) for folder in filled}
    outer = [folder for folder in filled if not nested[folder]]
    if len(outer) < 2:  # then this is the structure of the dataset, not a second copy inside it
        outer, nested = filled, {folder: [] for folder in filled}
    for folder in filled:
        if inside := nested[folder]:
            _leave_out(found, root, folder, "set-in-itself", repeated_set_message(folder, inside, outer))
        elif _is_unlabelled(folder, outer):
            _leave_out(found, root, folder, "unlabelled", _unlabelled_message(folder))
        elif not any_image(folder) and any(map(any_image, filled)):
            files = files_below(folder)
            message = f"contains no images, only files such as {files[0].name}, and is left out"
            _leave_out(found, root, folder, "no-class", message)
            found.beside += files
        else:
            found.places.append((split, folder))


def _below_sequences(root: Path, found: ClassFolders, folders: list[Path]) -> list[Path]:
    """Return the class folders inside folders that are named like sequences, planes or patients; else `folders`."""
    filled = [folder for folder in folders if any_image(folder)]
    inner = {folder: contents(folder) for folder in filled}
    names = [{each.name.casefold() for each in below} for below, _ in inner.values()]
    people = all(_is_patient_folder(folder.name) for folder in filled)
    if not filled or not (people or all(is_sequence(folder.name) for folder in filled)):
        return folders
    shared = set.union(*names)
    alike = sum(map(len, names)) > len(shared) if people else all(each == shared for each in names)
    if len(shared) < 2 or not alike or any(images_of(others) for _, others in inner.values()):
        return folders
    if any(is_sequence(name) or side_of(name) or strength(patient_part(name)) > 2 for name in shared):
        return folders
    shown = ", ".join(_shown(root, folder) for folder in filled[:3]) + (", …" if len(filled) > 3 else "")
    what = "patients" if people else "sequences, planes or sides"
    message = f"The folders {shown} are {what}; brainseg uses the folders inside them as classes."
    found.findings.append(Finding("classes-inside", message))
    found.beside += [item for _, others in inner.values() for item in others]
    return [each for below, _ in inner.values() for each in below]


def _is_patient_folder(name: str) -> bool:
    return strength(patient_part(name)) == 4


def _unlabelled_message(folder: Path) -> str:
    return f"contains {count_images(folder)} images without a class, and is left out"


def _is_unlabelled(folder: Path, classes: list[Path]) -> bool:
    """Return whether a folder beside at least two classes contains images without a label, judging by its name."""
    others = [other for other in classes if other != folder and not side_of(other.name)]
    return len(others) > 1 and (is_unlabelled_name(folder.name) or bool(side_of(folder.name)))


def _leave_out(found: ClassFolders, root: Path, folder: Path, kind: str, reason: str) -> None:
    found.beside.append(folder)
    shown = _shown(root, folder)
    found.findings.append(Finding(kind, f"The folder {shown!r} {reason}.", (shown,)))


def _shown(root: Path, item: Path) -> str:
    return spelled(item.relative_to(root).as_posix())
