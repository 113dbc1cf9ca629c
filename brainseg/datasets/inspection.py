"""Cache of read datasets: a large dataset takes minutes to read and rarely changes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from brainseg import paths
from brainseg.config.data_section import HIGHEST_MASK_VALUE
from brainseg.datasets.findings import Finding
from brainseg.datasets.listing import walk
from brainseg.datasets.manifest import MANIFEST, read_manifest
from brainseg.datasets.mask_layouts import list_pairs
from brainseg.datasets.mask_manifest import table_of_masks
from brainseg.datasets.mask_pairs import NoMatch
from brainseg.datasets.mask_sources import open_masked_dataset
from brainseg.datasets.masks import MASK_COLUMNS, MaskedDataset
from brainseg.datasets.near_copies import NearPair
from brainseg.datasets.near_decisions import with_decisions
from brainseg.datasets.sources import open_dataset
from brainseg.datasets.table import COLUMNS, BadFile, Dataset
from brainseg.errors import DataError
from brainseg.files import sha256_bytes, write_atomically

FORMAT = 9


def inspect_dataset(
    path: Path,
    progress: Callable[[int, int], None] | None = None,
    groups: str = "auto",
    mask_threshold: float | None = None,
) -> Dataset:
    """Return a dataset; read it again only if a file in its folder was added, removed or changed.

    Args:
        path: As for `open_any`.
        progress: Called with (files read, files in all) while it is read.
        groups: Which images are of one patient: the setting `data.groups`.
        mask_threshold: Threshold for masks; see `open_masked_dataset`.

    Raises:
        DataError: The path does not exist or contains no dataset, or a threshold is given but there are no masks.
    """
    stamp = signature(path, groups, mask_threshold)
    found = cached_dataset(path, stamp)
    if found is None:
        # Cached as it was read, so that a decision about near copies does not let it be read again.
        found = cache_dataset(path, open_any(path, progress, groups, mask_threshold, decided=False), stamp)
    return with_decisions(found)


def open_any(
    path: Path,
    progress: Callable[[int, int], None] | None = None,
    groups: str = "auto",
    mask_threshold: float | None = None,
    *,
    decided: bool = True,
) -> Dataset:
    """List and read every image of a dataset once, with its masks if it has masks and no classes.

    Args:
        path: As for `open_dataset` or `open_masked_dataset`.
        progress: Called with (files read, files in all).
        groups: Which images are of one patient: the setting `data.groups`.
        mask_threshold: Threshold for masks; see `open_masked_dataset`.
        decided: Whether to leave out near copies that were judged to be different images.

    Raises:
        DataError: The path does not exist or contains no dataset, a manifest is damaged, the threshold is not allowed,
            or a threshold is given but there are no masks.
    """
    if mask_threshold is not None and not 0 < mask_threshold <= HIGHEST_MASK_VALUE:
        raise DataError(
            f"The mask threshold {mask_threshold:g} is not allowed: give a number above 0, up to {HIGHEST_MASK_VALUE}."
        )
    if is_masked(path):
        return open_masked_dataset(
            path, progress=progress, groups=groups, mask_threshold=mask_threshold, decided=decided
        )
    if mask_threshold is not None:
        raise DataError(f"{path} has no masks, so a mask threshold has no effect: leave it out.")
    return open_dataset(path, progress, groups, decided=decided)


def is_masked(path: Path) -> bool:
    """Return whether images have masks and no classes; folders named like images and masks are never two classes."""
    manifest = path if path.is_file() else path / MANIFEST
    try:
        if not manifest.is_file():
            manifest = table_of_masks(path) or manifest
        if manifest.is_file():
            read_manifest(manifest, ("path", "label"), ())
            return False
    except DataError:  # it has no classes
        pass
    try:
        found = list_pairs(path)
    except NoMatch:
        return True  # opening it reports the error
    except DataError:
        return False
    return found.layout != "names" or len(found.pairs) > len(found.all_bad())


def signature(path: Path, groups: str = "auto", mask_threshold: float | None = None) -> str:
    """Return 64 hexadecimal digits that change if a file is added, removed or changed; no file is read.

    A file counts as changed if its size, its modification time or the time of its last change of any kind differs: the
    last one also tells files whose modification time was set back. The digits also depend on `groups`,
    the setting `data.groups`, and on `mask_threshold`, the setting `data.mask_threshold`.

    Raises:
        DataError: The folder contains too many files for a dataset.
    """
    path = path.expanduser()
    try:
        files = list(_files(_root(path)))
    except OSError:  # reading it reports the error
        files = []
    facts = [str(FORMAT), str(path.absolute()), groups]
    if mask_threshold is not None:
        facts.append(f"from {mask_threshold:g}")
    for file in sorted(files):
        try:
            state = os.stat(file)  # noqa: PTH116 - `Path` takes four times as long, for each of many files
        except OSError:  # a broken link, or deleted in the meantime
            facts.append(file)
            continue
        facts.append(f"{file}\t{state.st_size}\t{state.st_mtime_ns}\t{state.st_ctime_ns}")
    return sha256_bytes("\n".join(facts).encode("utf-8", "surrogateescape"))


def cached_dataset(path: Path, stamp: str) -> Dataset | None:
    """Return the cached dataset that had the signature `stamp`; None if there is none."""
    try:
        stored = json.loads(_file(path).read_text("utf-8"))
        if stored["signature"] != stamp:
            return None
        masks = stored["masks"]
        table = pd.DataFrame(stored["rows"], columns=MASK_COLUMNS if masks else COLUMNS)
        bad = tuple(BadFile(**entry) for entry in stored["bad"])
        findings = tuple(Finding(**{**entry, "files": tuple(entry["files"])}) for entry in stored["findings"])
        ignored, patients_from = tuple(stored["ignored"]), stored["patients_from"]
        near = tuple(NearPair(*entry) for entry in stored["near_pairs"])
        whole = Path(stored["root"]), table, tuple(stored["classes"]), bad, ignored, findings, patients_from, near
        if not masks:
            return Dataset(*whole)
        return MaskedDataset(
            *whole,
            notes=tuple(masks["notes"]),
            mask_classes=tuple(masks["mask_classes"]),
            mask_values=dict(masks["mask_values"]),
            channels=tuple(masks["channels"]),
            mask_threshold=masks["mask_threshold"],
        )
    except (OSError, ValueError, KeyError, TypeError):  # a cache may be missing or damaged: it is filled again
        return None


def cache_dataset(path: Path, dataset: Dataset, stamp: str) -> Dataset:
    """Cache a dataset under its signature `stamp`, and return it."""
    stored = {
        "signature": stamp,
        "root": str(dataset.root),
        "classes": dataset.classes,
        "rows": dataset.table[MASK_COLUMNS if isinstance(dataset, MaskedDataset) else COLUMNS].to_numpy().tolist(),
        "bad": [vars(bad) for bad in dataset.bad],
        "ignored": dataset.ignored,
        "findings": [finding.to_dict() for finding in dataset.findings],
        "patients_from": dataset.patients_from,
        "near_pairs": [[pair.first, pair.second, pair.mirrored, pair.aligned] for pair in dataset.near_pairs],
        "masks": {},
    }
    if isinstance(dataset, MaskedDataset):
        stored["masks"] = {
            "mask_classes": dataset.mask_classes,
            "mask_values": list(dataset.mask_values.items()),
            "channels": dataset.channels,
            "notes": dataset.notes,
            "mask_threshold": dataset.mask_threshold,
        }
    text = json.dumps(stored, ensure_ascii=False)  # indented, it would take ten times as long
    write_atomically(_file(path), lambda temporary: temporary.write_text(text, encoding="utf-8"), len(text))
    return dataset


def forget_inspection(path: Path) -> None:
    """Remove a dataset from the cache."""
    _file(path).unlink(missing_ok=True)


def _files(root: Path) -> Iterator[str]:
    """Yield all files below a folder, and below links to other folders, which may be classes."""
    own = root.resolve()
    waiting, seen = [root], {own}
    while waiting:
        place = waiting.pop()
        try:
            for inside, folders, names in walk(place):
                yield from (f"{inside}/{name}" for name in names)
                for link in (Path(inside, name) for name in folders):
                    if link.is_symlink() and (target := link.resolve()) not in seen and not own.is_relative_to(target):
                        seen.add(target)
                        waiting.append(link)
        except DataError:
            if place == root:
                raise  # what a link leads to may be no part of the dataset, however large it is


def _root(path: Path) -> Path:
    return path.parent if path.is_file() else path


def _file(path: Path) -> Path:
    name = sha256_bytes(str(path.expanduser().absolute()).encode("utf-8", "surrogateescape"))[:32]
    return paths.subfolder("cache", "inspections") / f"{name}.json"
