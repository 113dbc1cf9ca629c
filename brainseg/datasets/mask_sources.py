"""Open a dataset of images with masks: pair, read and check every file once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from brainseg.datasets.findings import reading_findings
from brainseg.datasets.listing import folders_of, spelled
from brainseg.datasets.mask_layouts import Listing, Pair, list_pairs
from brainseg.datasets.mask_values import TUMOUR, class_numbers, number_classes, read_names, read_values
from brainseg.datasets.masks import MASK_COLUMNS, NO_TUMOUR, MaskedDataset
from brainseg.datasets.modalities import check_modalities, differences
from brainseg.datasets.modality_choice import choose_modalities, note_missing
from brainseg.datasets.patients import Patients, find_patients
from brainseg.datasets.sources import read_each, read_named, scan_facts
from brainseg.datasets.table import BadFile
from brainseg.errors import BrainsegError, DataError


@dataclass(frozen=True)
class Read:
    """What one pass over an image and its mask tells.

    Attributes:
        facts: Columns of the dataset's table.
        values: Value in the mask -> how many pixels have it.
        apart: How much the channels differ from FLAIR; None where the channels have no names.
    """

    facts: dict[str, object]
    values: dict[int, int]
    apart: np.ndarray | None


def open_masked_dataset(
    path: Path,
    modalities: tuple[str, ...] | None = None,
    progress: Callable[[int, int], None] | None = None,
    groups: str = "auto",
) -> MaskedDataset:
    """List and read every image and mask of a dataset once.

    Args:
        path: A CSV manifest or a folder with a `manifest.csv` (columns path and mask; optional: group or patient or
            subject, split, spacing_mm, modality, slice, and channels, three names for the channels of an image); a
            folder with `images/` and `masks/`, files paired by name, also inside split folders; or any folder in which
            the mask of NAME is called NAME_mask, as in the TCGA-LGG set "kaggle_3m". A phantom has a manifest. The
            folder of an image is its patient; without such folders it is what the name has before the slice's number.
            A `classes.csv` (value,name) beside them names the values of masks with several classes.
        modalities: One to three of `MODALITIES`, in the order of the input channels; None takes images as stored.
        progress: Called with (images read, images in all).
        groups: Which images are of one patient: the setting `data.groups`.

    Raises:
        DataError: The path holds no dataset with masks, a manifest is damaged, or it cannot be told which image or
            channel is which modality. Single files at fault are listed in `bad`.
    """
    wanted = check_modalities(modalities) if modalities is not None else None
    listing = list_pairs(path)
    patients = find_patients([pair.place for pair in listing.pairs], groups)
    listing.pairs = [replace(pair, group=group) for pair, group in zip(listing.pairs, patients.groups, strict=True)]
    found = read_each(listing.pairs, lambda pair: _read_pair(listing.root, pair), progress)
    rows: list[tuple[Pair, Read]] = []
    for pair, read in zip(listing.pairs, found, strict=True):
        if isinstance(read, BadFile):
            listing.bad.append(read)
        else:
            rows.append((pair, read))
    numbers, classes = number_classes((read.values for _, read in rows), read_names(listing.root))
    rows = _refuse_unknown(listing, rows, numbers)
    table = pd.DataFrame([_row(pair, read) for pair, read in rows])
    notes = note_missing(table) if len(table) else []
    if wanted and len(table):
        table = choose_modalities(listing, table, wanted)
    return _dataset(listing, table, classes, numbers, wanted, tuple(notes), patients)


def _read_pair(root: Path, pair: Pair) -> Read | BadFile:
    name = pair.path
    try:
        scan = read_named(root, name)
        name = pair.mask
        mask = read_values(root, name)
    except BrainsegError as error:
        return BadFile(spelled(name), f"{folders_of(name)}{error}")
    height, width = scan.pixels.shape[:2]
    if mask.values.shape != (height, width):
        size = f"{mask.values.shape[1]} x {mask.values.shape[0]}"
        reason = f"is {size} pixels, its image {width} x {height}: export the mask again in the size of its image."
        return BadFile(name, f"{folders_of(name)}{Path(name).name} {reason}")
    counts = np.bincount(mask.values.ravel())
    values = {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
    facts = {**scan_facts(scan), "mask_sha256": mask.sha256, "mask_pixels": mask.values.size - values.get(0, 0)}
    if scan.spacing and not pair.spacing:
        facts["spacing"] = f"{scan.spacing[0]!r} {scan.spacing[1]!r}"
    return Read(facts, values, differences(scan.pixels, pair.channels) if "FLAIR" in pair.channels else None)


def _refuse_unknown(
    listing: Listing, rows: list[tuple[Pair, Read]], numbers: dict[int, int]
) -> list[tuple[Pair, Read]]:
    known = []
    for pair, read in rows:
        try:
            class_numbers(np.array(sorted(read.values), dtype=np.uint16), numbers, pair.mask)
            known.append((pair, read))
        except DataError as error:
            listing.bad.append(BadFile(pair.mask, f"{folders_of(pair.mask)}{error}"))
    return known


def _row(pair: Pair, read: Read) -> dict[str, object]:
    label = TUMOUR if read.facts["mask_pixels"] else NO_TUMOUR
    return {**asdict(pair), "label": label, "inputs": "", **read.facts, "apart": read.apart}


def _dataset(
    listing: Listing,
    table: pd.DataFrame,
    classes: tuple[str, ...],
    numbers: dict[int, int],
    modalities: tuple[str, ...] | None,
    notes: tuple[str, ...],
    patients: Patients,
) -> MaskedDataset:
    channels = _channels(table, modalities)
    table = table.reindex(columns=MASK_COLUMNS).sort_values("path", ignore_index=True)
    labels = tuple(name for name in (NO_TUMOUR, TUMOUR) if (table["label"] == name).any())
    bad = tuple(sorted(listing.bad, key=lambda file: file.path))
    return MaskedDataset(
        root=listing.root,
        table=table,
        classes=labels,
        bad=bad,
        ignored=tuple(listing.ignored),
        findings=(*reading_findings(table), *patients.findings),
        patients_from=patients.source,
        mask_classes=classes,
        mask_values=numbers,
        modalities=modalities,
        channels=channels,
        notes=notes,
    )


def _channels(table: pd.DataFrame, modalities: tuple[str, ...] | None) -> tuple[str, ...]:
    if modalities:
        return tuple(modalities[position % len(modalities)] for position in range(3))
    known = set(table["channels"]) if len(table) else set()
    return known.pop() if len(known) == 1 else ()
