"""Rows of a dataset by the sequences that a user chose: channels of one file, or files of one slice."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainseg.datasets.mask_pairs import Listing
from brainseg.datasets.modalities import Input, encode_inputs, inputs_sha256, missing_channels
from brainseg.datasets.table import BadFile
from brainseg.errors import DataError
from brainseg.scans import display_name


def note_missing(table: pd.DataFrame) -> list[str]:
    """Find the patients whose files repeat FLAIR for a sequence that was not taken.

    Args:
        table: One row per image, with `channels`, `apart`, `group` and `warnings`. A column `missing` is added, and
            `warnings` of the images at fault name what is missing.

    Returns:
        One sentence per patient.
    """
    table["missing"] = [()] * len(table)
    notes = []
    named = table[table["apart"].notna()]
    for _, rows in named.groupby(["group", "channels"], sort=True):
        group, channels = rows["group"].iloc[0], rows["channels"].iloc[0]
        missing = missing_channels(np.sum(list(rows["apart"]), axis=0), channels)
        if not missing:
            continue
        names = " and ".join(missing)
        table.loc[rows.index, "missing"] = pd.Series([missing] * len(rows), index=rows.index)
        told = f"The sequence {names} is missing; the file repeats FLAIR in its place."
        table.loc[rows.index, "warnings"] = (table.loc[rows.index, "warnings"] + " " + told).str.strip()
        who = display_name(group) if group else f"A patient with {len(rows)} slices"
        notes.append(f"{who} has no {names}: the files repeat FLAIR in its place.")
    return notes


def choose_modalities(listing: Listing, table: pd.DataFrame, wanted: tuple[str, ...]) -> pd.DataFrame:
    """Return one row per slice that has all wanted sequences; the others go to `listing.bad`, each with a sentence.

    Raises:
        DataError: Nothing says which image or channel is which modality, or no slice has all that are wanted.
    """
    channelled, single = table["channels"].map(bool), table["modality"] != ""
    unknown = table[~channelled & ~single]
    if len(unknown):
        raise DataError(
            f"{display_name(unknown['path'].iloc[0])}: nothing says which modality it is: add a column modality (and "
            "slice) or channels to the manifest, or leave data.modalities empty."
        )
    chosen = [_pick_channels(listing, row, wanted) for _, row in table[channelled].iterrows()]
    slices = table[single & ~channelled]
    # Files without a number of their slice are slices of their own.
    keys = slices["slice"].where(slices["slice"] != "", slices["path"])
    chosen += [_stack_files(listing, rows, wanted) for _, rows in slices.groupby(["group", keys], sort=False)]
    rows = [row for row in chosen if row is not None]
    if not rows:
        seen = {name for names in table["channels"] for name in names} | set(table["modality"]) - {""}
        raise DataError(
            f"No slice has {' and '.join(wanted)} together; the set has {', '.join(sorted(seen))}: choose others."
        )
    return pd.DataFrame(rows)


def _pick_channels(listing: Listing, row: pd.Series, wanted: tuple[str, ...]) -> pd.Series | None:
    lacking = [name for name in wanted if name not in row["channels"] or name in row["missing"]]
    if lacking:
        _refuse(listing, row["path"], f"{display_name(row['path'])} has no {' and no '.join(lacking)}")
        return None
    return _with_inputs(row, [(row["path"], row["sha256"], row["channels"].index(name)) for name in wanted])


def _stack_files(listing: Listing, rows: pd.DataFrame, wanted: tuple[str, ...]) -> pd.Series | None:
    first = rows.iloc[0]
    who = f"{first['group']}, slice {first['slice']}," if first["slice"] else display_name(first["path"])
    files = {name: rows[rows["modality"] == name] for name in wanted}
    if lacking := [name for name, found in files.items() if found.empty]:
        fault = f"{who} has no {' and no '.join(lacking)}"
    elif twice := [name for name, found in files.items() if len(found) > 1]:
        fault = f"{who} has {twice[0]} more than once"
    elif len(rows[["width", "height"]].drop_duplicates()) > 1:
        fault = f"{who} has images of different sizes"
    elif rows["mask_sha256"].nunique() > 1:
        fault = f"{who} has different masks for its modalities"
    else:
        return _with_inputs(
            files[wanted[0]].iloc[0], [(found["path"].iloc[0], found["sha256"].iloc[0], 0) for found in files.values()]
        )
    _refuse(listing, first["path"], fault)
    return None


def _with_inputs(row: pd.Series, inputs: list[Input]) -> pd.Series:
    row = row.copy()
    row["inputs"], row["sha256"] = encode_inputs(inputs), inputs_sha256(inputs)
    return row


def _refuse(listing: Listing, path: str, fault: str) -> None:
    listing.bad.append(BadFile(path, f"{fault}: add it, choose other modalities, or leave the slice out."))
