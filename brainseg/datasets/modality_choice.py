"""Build the rows of a dataset from the sequences that a user chose: channels of one file, or files of one slice."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainseg.datasets.mask_pairs import Listing
from brainseg.datasets.modalities import Input, encode_inputs, inputs_sha256, missing_channels
from brainseg.datasets.table import BadFile
from brainseg.errors import DataError
from brainseg.scans import display_name


def note_missing(table: pd.DataFrame) -> list[str]:
    """Find the patients whose files repeat FLAIR in place of a missing sequence.

    Args:
        table: One row per image, with `channels`, `apart`, `group` and `warnings`. A column `missing` is added, and
            the missing sequences are added to `warnings`.

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
        warning = f"The sequence {names} is missing; the file repeats FLAIR in its place."
        table.loc[rows.index, "warnings"] = (table.loc[rows.index, "warnings"] + " " + warning).str.strip()
        who = display_name(group) if group else f"A patient with {len(rows)} slices"
        notes.append(f"{who} has no {names}: the files repeat FLAIR in its place.")
    return notes


def choose_modalities(listing: Listing, table: pd.DataFrame, wanted: tuple[str, ...]) -> pd.DataFrame:
    """Return one row per slice that has all wanted sequences; the others go to `listing.bad`, with one sentence each.

    Raises:
        DataError: It is unknown which image or channel is which sequence, or no slice has all wanted sequences.
    """
    channelled, single = table["channels"].map(bool), table["modality"] != ""
    unknown = table[~channelled & ~single]
    if len(unknown):
        raise DataError(
            f"It is not known which sequence {display_name(unknown['path'].iloc[0])} is: add a column modality (and "
            "slice) or channels to the manifest, or leave data.modalities empty."
        )
    chosen = [_pick_channels(listing, row, wanted) for _, row in table[channelled].iterrows()]
    slices = table[single & ~channelled]
    # Each file without a slice number is a separate slice.
    keys = slices["slice"].where(slices["slice"] != "", slices["path"])
    chosen += [_stack_files(listing, rows, wanted) for _, rows in slices.groupby(["group", keys], sort=False)]
    rows = [row for row in chosen if row is not None]
    if not rows:
        seen = {name for names in table["channels"] for name in names} | set(table["modality"]) - {""}
        raise DataError(
            f"No slice has {' and '.join(wanted)} together; the dataset has {', '.join(sorted(seen))}: choose other "
            "sequences."
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
        fault = f"{who} has different masks for its sequences"
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
    listing.bad.append(BadFile(path, f"{fault}: correct it, choose other sequences, or leave the slice out."))
