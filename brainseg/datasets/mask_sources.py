"""Open a dataset of images with masks: pair, read and check every file once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd

from brainseg.datasets.checks import check_images
from brainseg.datasets.findings import Finding, pages_findings, reading_findings
from brainseg.datasets.foreign_files import explain_foreign_files, foreign_findings
from brainseg.datasets.image_facts import FACTS
from brainseg.datasets.image_reading import read_each
from brainseg.datasets.mask_classes import TUMOUR, number_classes, numbers_for_mask, read_names
from brainseg.datasets.mask_faults import Fault, fault_findings
from brainseg.datasets.mask_layouts import list_pairs
from brainseg.datasets.mask_meaning import Row, split_known
from brainseg.datasets.mask_pairs import Listing, Pair
from brainseg.datasets.mask_plausibility import mask_findings
from brainseg.datasets.mask_reading import Read, Rule, read_pair
from brainseg.datasets.mask_store import MaskStore
from brainseg.datasets.masks import MASK_COLUMNS, NO_TUMOUR, MaskedDataset
from brainseg.datasets.modalities import check_modalities
from brainseg.datasets.modality_choice import choose_modalities, note_missing
from brainseg.datasets.near_decisions import with_decisions
from brainseg.datasets.patients import Patients, find_patients
from brainseg.errors import DataError


def open_masked_dataset(
    path: Path,
    modalities: tuple[str, ...] | None = None,
    progress: Callable[[int, int], None] | None = None,
    groups: str = "auto",
    mask_threshold: float | None = None,
    only: Collection[str] | None = None,
    *,
    decided: bool = True,
) -> MaskedDataset:
    """List and read every image and mask of a dataset once.

    Args:
        path: A CSV manifest or a folder with a `manifest.csv` (columns path and mask; optional: group or patient or
            subject, split, spacing_mm, modality, slice, and channels, three names for the channels of an image); a
            folder with folders named like images and masks (see `mask_names`), whose files match by name, also inside
            split folders, folders of patients or a folder around everything; or any folder in which the mask of NAME is
            named NAME_mask or similarly, as in the TCGA-LGG set "kaggle_3m". A phantom has a manifest. The folder of an
            image is its patient; without such folders, the part of the file name before the slice number is. A
            `classes.csv` in the dataset's folder names the values (value,name) or colours (colour,name) of masks with
            several classes.
        modalities: One to three of `MODALITIES`, in the order of the input channels; None uses images as stored.
        progress: Called with (images read, images in all).
        groups: Which images are of one patient: the setting `data.groups`.
        mask_threshold: Mask values from this number up are tumour and all others background, for masks with soft edges;
            None uses values as classes.
        only: Paths of the images to read; None reads all.
        decided: Whether to leave out near copies that were judged to be different images.

    Raises:
        DataError: The path contains no dataset with masks, a manifest is damaged, it is unclear which image or channel
            is which sequence, or `mask_threshold` and `classes.csv` contradict each other. Single files that cannot be
            used are listed in `bad`.
    """
    wanted = check_modalities(modalities) if modalities is not None else None
    with explain_foreign_files(path):
        listing = list_pairs(path)
    patients = _patients(listing.pairs, groups)
    listing.pairs = [replace(pair, group=group) for pair, group in zip(listing.pairs, patients.groups, strict=True)]
    if only is not None:
        listing.pairs = [pair for pair in listing.pairs if pair.path in only]
    rule = Rule(read_names(listing.root), mask_threshold)
    store = MaskStore()
    found = read_each(listing.pairs, lambda pair: read_pair(listing.root, pair, rule, store), progress)
    rows: list[Row] = []
    for pair, read in zip(listing.pairs, found, strict=True):
        if isinstance(read, Fault):
            listing.faults.append(read)
        else:
            rows.append((pair, read))
    numbers, classes = _classes(rows, rule)
    total = len({pair.mask for pair, _ in rows})
    rows, faults = split_known(rows, numbers, mask_threshold)
    listing.faults += faults
    listing.findings += fault_findings(listing.faults)
    listing.findings += mask_findings(((pair.mask, read.fit) for pair, read in rows), total)
    listing.findings += pages_findings({pair.path: read.pages for pair, read in rows})
    table = pd.DataFrame([_row(pair, read, numbers) for pair, read in rows])
    if len(table) and not listing.faults and not table["mask_pixels"].any():
        listing.findings.append(Finding("no-tumour", "No mask marks anything: check how the masks were exported."))
    notes = note_missing(table) if len(table) else []
    if wanted and len(table):
        table = choose_modalities(listing, table, wanted)
    dataset = _dataset(listing, table, classes, numbers, wanted, tuple(notes), patients, mask_threshold, store)
    return with_decisions(dataset) if decided else dataset


def _patients(pairs: list[Pair], groups: str) -> Patients:
    """Find the patient of each image; images that share a mask are of one patient."""
    patients = find_patients([pair.patient_facts for pair in pairs], groups)
    shared = len({pair.mask for pair in pairs}) < len(pairs)
    if patients.source != "none" or groups != "auto" or not shared:
        return patients
    return Patients([Path(pair.mask).with_suffix("").name for pair in pairs], "file name")


def _classes(rows: list[Row], rule: Rule) -> tuple[dict[int, int], tuple[str, ...]]:
    """Return value -> class number, and the names of the classes."""
    if rule.threshold is None:
        telling = (
            read.values
            for _, read in rows
            if not read.coloured and not read.fractions and (not read.blurred or set(read.values) <= {0, 255})
        )
        return number_classes(telling, rule.names)
    _, classes = number_classes((), rule.names)
    if len(classes) > 2:
        raise DataError(
            f"data.mask_threshold gives one class, tumour, but classes.csv names {', '.join(classes[1:])}: remove one "
            "of the two."
        )
    return {0: 0, 1: 1}, classes


def _row(pair: Pair, read: Read, numbers: Mapping[int, int]) -> dict[str, object]:
    known = numbers_for_mask(read.values, numbers)
    pixels = sum(amount for value, amount in read.values.items() if known[value])
    label = TUMOUR if pixels else NO_TUMOUR
    return {
        **{**asdict(pair), "label": label, "inputs": "", **read.facts},
        "apart": read.apart,
        "mask_pixels": pixels,
    }


def _dataset(
    listing: Listing,
    table: pd.DataFrame,
    classes: tuple[str, ...],
    numbers: dict[int, int],
    modalities: tuple[str, ...] | None,
    notes: tuple[str, ...],
    patients: Patients,
    mask_threshold: float | None,
    store: MaskStore,
) -> MaskedDataset:
    channels = _channels(table, modalities)
    table, near, found = check_images(table.reindex(columns=[*MASK_COLUMNS, *FACTS]))
    table = table[MASK_COLUMNS]
    labels = tuple(name for name in (NO_TUMOUR, TUMOUR) if (table["label"] == name).any())
    bad = tuple(sorted(listing.all_bad(), key=lambda file: file.path))
    return MaskedDataset(
        root=listing.root,
        table=table,
        classes=labels,
        bad=bad,
        ignored=tuple(listing.ignored),
        findings=(
            *listing.findings,
            *reading_findings(table),
            *patients.findings,
            *found,
            *foreign_findings(listing.root, listing.ignored),
        ),
        patients_from=patients.source,
        near_pairs=near,
        mask_classes=classes,
        mask_values=numbers,
        modalities=modalities,
        channels=channels,
        notes=notes,
        mask_threshold=mask_threshold,
        store=store,
    )


def _channels(table: pd.DataFrame, modalities: tuple[str, ...] | None) -> tuple[str, ...]:
    if modalities:
        return tuple(modalities[position % len(modalities)] for position in range(3))
    known = set(table["channels"]) if len(table) else set()
    return known.pop() if len(known) == 1 else ()
