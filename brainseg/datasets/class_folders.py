"""Which folders below a dataset's root are its classes, and what lies beside them that is none.

People's folders also hold the same set once more, images without a label, empty folders and others around them. What is
recognised is left out or looked through, and always said in a finding.
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
        places: Each with its given split, "" for none.
        beside: Files and folders that are no class, images in them included.
        findings: What was left out or looked through, and why.
    """

    places: list[tuple[str, Path]] = field(default_factory=list)
    beside: list[Path] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def find_class_folders(root: Path) -> ClassFolders:
    """Find the class folders below a folder.

    Raises:
        DataError: There are none, or it cannot be told which they are.
    """
    found = ClassFolders()
    start = _unwrap(root, found)
    folders, others = contents(start)
    found.beside += others
    sides = {folder: side_of(folder.name) for folder in folders}
    parts = [folder for folder in folders if sides[folder] and _has_class_folders(folder)]
    folds = [folder for folder in folders if is_fold(folder.name) and _has_class_folders(folder)]
    strangers = [folder for folder in folders if not sides[folder]]
    if parts:
        _from_splits(root, found, [folder for folder in folders if sides[folder]], sides, strangers)
    elif len(folds) > 1 and len(folds) == len(strangers):
        _from_folds(root, found, folds)
    elif strangers:  # a class may be called test
        _add_classes(root, found, "", folders)
    else:
        place = f"{root}: {folders[0].name}" if folders else root
        raise DataError(
            f"{place} has no class folders: put the images of each class into a folder of its own inside it."
        )
    return found


def _unwrap(root: Path, found: ClassFolders) -> Path:
    """Go down while one folder holds everything and has class folders inside; `train/train` is one split too."""
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
                "wrapped", f"The class folders lie in {_shown(root, start)}: the folders around them are no classes."
            )
        )
    return start


def _only_folder_with_images(folders: list[Path]) -> Path | None:
    """Return the one folder that has images below it."""
    filled = [folder for folder in folders if any_image(folder)]
    return filled[0] if len(filled) == 1 else None


def _wraps(folder: Path, side: str = "") -> bool:
    """Say whether a folder is one around class folders, and no class of patients' folders; `side` is that around it."""
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
    return any(strength(patient_part(each.name)) in (0, 2) for each in filled)  # else patients' folders


def _has_class_folders(folder: Path) -> bool:
    return bool(contents(folder)[0])


def _from_splits(
    root: Path, found: ClassFolders, parts: list[Path], sides: dict[Path, str], strangers: list[Path]
) -> None:
    for stranger in strangers:
        if not any_image(stranger):
            _leave_out(found, root, stranger, "no-class", "holds no images and is left out")
        elif inside := repeated_class_names(stranger, {part.name.casefold() for part in parts}):
            _leave_out(found, root, stranger, "set-in-itself", repeated_set_message(stranger, inside, parts))
        elif is_unlabelled_name(stranger.name):
            _leave_out(
                found, root, stranger, "unlabelled", f"holds {count_images(stranger)} images without a class: left out"
            )
        else:
            split = next(part for part in parts if _has_class_folders(part))
            raise DataError(
                f"{root} has both a split folder {split.name!r} and {stranger.name!r}: keep only split folders, or "
                "only class folders, in it."
            )
    for part in parts:
        start = _unwrap(part, ClassFolders())
        inner, beside = contents(start)
        found.beside += beside
        if not inner or _is_single_unlabelled_folder(inner):
            words = f"holds {count_images(part)} images in no class folder: they have no label and are left out"
            _leave_out(found, root, part, "unlabelled", words)
            continue
        if loose := images_of(beside):
            named = tuple(_shown(root, file) for file in loose)
            words = (
                f"{len(loose)} images lie beside the class folders of {part.name}: without a label they are left out."
            )
            found.findings.append(Finding("unlabelled", words, named))
        _add_classes(root, found, sides[part], inner)


def _is_single_unlabelled_folder(folders: list[Path]) -> bool:
    """Say whether images lie in one folder that names no class, such as test/images."""
    return len(folders) == 1 and (is_generic_name(folders[0].name) or is_unlabelled_name(folders[0].name))


def _from_folds(root: Path, found: ClassFolders, folds: list[Path]) -> None:
    names = ", ".join(fold.name for fold in folds)
    found.findings.append(
        Finding(
            "folds",
            f"The folders {names} are folds of a cross-validation: their images are joined, and splits are drawn.",
        )
    )
    for fold in folds:
        inner, beside = contents(fold)
        found.beside += beside
        _add_classes(root, found, "", inner)


def _add_classes(root: Path, found: ClassFolders, split: str, folders: list[Path]) -> None:
    """Take folders as classes, but for those that plainly are none."""
    folders = _below_sequences(root, found, folders)
    filled = [folder for folder in folders if any_file(folder)]
    for folder in folders:
        if folder not in filled:
            _leave_out(found, root, folder, "empty-class", "is empty and is no class")
    names = {folder.name.casefold() for folder in filled}
    nested = {folder: repeated_class_names(folder, names - {folder.name.casefold()}) for folder in filled}
    outer = [folder for folder in filled if not nested[folder]]
    if len(outer) < 2:  # then it is no set in itself, but how this one is built
        outer, nested = filled, {folder: [] for folder in filled}
    for folder in filled:
        if inside := nested[folder]:
            _leave_out(found, root, folder, "set-in-itself", repeated_set_message(folder, inside, outer))
        elif _is_unlabelled(folder, outer):
            _leave_out(
                found, root, folder, "unlabelled", f"holds {count_images(folder)} images without a class: left out"
            )
        elif not any_image(folder) and any(map(any_image, filled)):
            files = files_below(folder)
            _leave_out(
                found, root, folder, "no-class", f"holds no images, only files such as {files[0].name}: left out"
            )
            found.beside += files
        else:
            found.places.append((split, folder))


def _below_sequences(root: Path, found: ClassFolders, folders: list[Path]) -> list[Path]:
    """Return the class folders inside where folders are called like sequences, planes or patients around classes."""
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
    words = f"The folders {shown} are {what}, and those inside them are taken for the classes."
    found.findings.append(Finding("classes-inside", words))
    found.beside += [item for _, others in inner.values() for item in others]
    return [each for below, _ in inner.values() for each in below]


def _is_patient_folder(name: str) -> bool:
    return strength(patient_part(name)) == 4


def _is_unlabelled(folder: Path, classes: list[Path]) -> bool:
    """Say whether a folder beside two classes or more holds images without a label, going by its name."""
    others = [other for other in classes if other != folder and not side_of(other.name)]
    return len(others) > 1 and (is_unlabelled_name(folder.name) or bool(side_of(folder.name)))


def _leave_out(found: ClassFolders, root: Path, folder: Path, kind: str, words: str) -> None:
    found.beside.append(folder)
    shown = _shown(root, folder)
    found.findings.append(Finding(kind, f"The folder {shown!r} {words}.", (shown,)))


def _shown(root: Path, item: Path) -> str:
    return spelled(item.relative_to(root).as_posix())
