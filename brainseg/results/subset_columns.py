"""The properties by which the evaluated images of a run can be divided into subsets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainseg.datasets.image_reading import read_each
from brainseg.datasets.manifest_cells import manifest_cells
from brainseg.datasets.near_copies import thumbnail
from brainseg.errors import BrainsegError, RunError, ScanError
from brainseg.evaluation.subset_parts import MOST_VALUES, Parts, parts_of, thirds_of
from brainseg.results import stored_results
from brainseg.results.run_images import read_image
from brainseg.runs import Run, RunStore
from brainseg.runs.dataset_location import dataset_location

SIZE, BRIGHTNESS = "image size", "brightness"
"""Properties that are measured on the images themselves."""
UNITS = {SIZE: "pixels", BRIGHTNESS: "of 255"}
OUTCOMES = re.compile(
    r"prediction|loss|p_.*|n_\d+_\d+|tp|fp|fn|tn|dice|iou|hd95|predicted_pixels|detected|lesions_found|regions(_false)?"
)
"""Columns of predictions that depend on the model's answer: subsets by them are only made if a user names them."""
NEVER = ("path", "sha256", "twin", "run_id", "unit", "repeat", "row", "has_tumour")
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class SubsetColumn:
    """A property, and the subset of each evaluated image.

    Attributes:
        name: Of the column or the measured property.
        parts: The subsets, in the order of the run's predictions.
    """

    name: str
    parts: Parts


@dataclass(frozen=True)
class SubsetColumns:
    """All properties of a run's images that divide them into two or more subsets.

    Attributes:
        columns: The properties.
        problems: Sentences on what could not be read.
    """

    columns: tuple[SubsetColumn, ...]
    problems: tuple[str, ...]


def subset_columns(store: RunStore, run: Run, table: pd.DataFrame, progress: Progress | None = None) -> SubsetColumns:
    """Return every property that divides the evaluated images: columns of tables, image size and brightness.

    Args:
        store: The store of the run.
        run: The run.
        table: Its predictions or slices.
        progress: Called with (images read, images in all), since size and brightness are measured on the images.
    """
    problems: list[str] = []
    skipped = ("label", "lesions") if "dice" in table else ()  # without a tumour, Dice is 0 or not defined
    texts = {name: column for name, column in _texts(store, run, table, problems) if not OUTCOMES.fullmatch(name)}
    found = {name: parts_of(column) for name, column in texts.items() if name not in skipped}
    measured = dict(_measured(store, run, table, problems, progress))
    found |= {name: thirds_of(numbers, UNITS[name]) for name, numbers in measured.items()}
    return SubsetColumns(tuple(_without_repeats(found)), tuple(dict.fromkeys(problems)))


def _without_repeats(found: dict[str, Parts | None]) -> Iterator[SubsetColumn]:
    """Yield the properties, without those that divide the images as an earlier one does, such as fold and split."""
    seen: set[bytes] = set()
    for name, parts in found.items():
        if parts is None:
            continue
        codes = pd.factorize(parts.values)[0].astype(np.int64).tobytes()
        if codes not in seen:
            seen.add(codes)
            yield SubsetColumn(name, parts)


def one_column(
    store: RunStore, run: Run, table: pd.DataFrame, wanted: str, progress: Progress | None = None
) -> SubsetColumns:
    """Return one property by its name; upper and lower case, spaces and signs do not count.

    Args:
        store: The store of the run.
        run: The run.
        table: Its predictions or slices.
        wanted: The name.
        progress: As for `subset_columns`.

    Raises:
        RunError: There is no such property, or it does not divide the images into a few subsets.
    """
    problems: list[str] = []
    texts = dict(_texts(store, run, table, problems))
    known = {plain(name): name for name in (*texts, SIZE, BRIGHTNESS)}
    name = known.get(plain(wanted))
    if name is None:
        raise RunError(f"Run {run.name!r} has no column {wanted!r}: choose one of {', '.join(known.values())}.")
    if name in UNITS:
        numbers = dict(_measured(store, run, table, problems, progress))
        parts = thirds_of(numbers[name], UNITS[name])
    else:
        parts = parts_of(texts[name])
    if parts is None:
        raise RunError(_why_not(name, texts, problems))
    return SubsetColumns((SubsetColumn(name, parts),), tuple(dict.fromkeys(problems)))


def plain(name: str) -> str:
    """Return a name without case, spaces and signs.

    >>> plain("Image_Size") == plain("image size")
    True
    """
    return re.sub(r"[\W_]+", "", name).casefold()


def _why_not(name: str, texts: dict[str, list[str]], problems: list[str]) -> str:
    """Return the sentence on a property that does not divide the images."""
    if problems and name in UNITS:
        return problems[0]
    distinct = len({text for text in texts.get(name, []) if text})
    what = "1 value" if distinct == 1 else f"{distinct:,} different values"
    return (
        f"Column {name!r} has {what} on the evaluated images, and subsets need 2 to {MOST_VALUES}: choose another "
        "column."
    )


def _texts(store: RunStore, run: Run, table: pd.DataFrame, problems: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield each column of the predictions, the split and the manifest as texts in the order of the predictions."""
    for name in table.columns:
        if name not in NEVER:
            values = table[name].mask(table[name] == 0) if name == "true_pixels" else table[name]
            yield str(name), ["" if pd.isna(value) else str(value) for value in values]
    split = stored_results.split(store, run)
    known = {str(name) for name in table.columns}
    if split is not None:
        rows = split.set_index("path").reindex(table["path"])
        for name in rows.columns:
            if name not in NEVER and name not in known:
                known.add(str(name))
                yield str(name), rows[name].fillna("").astype(str).tolist()
    cells = _cells(run, problems)
    for name in dict.fromkeys(name for each in cells.values() for name in each):
        if name not in known and name not in NEVER:
            yield name, [cells.get(path, {}).get(name, "") for path in table["path"]]


def _cells(run: Run, problems: list[str]) -> dict[str, dict[str, str]]:
    try:
        place = dataset_location(run)
        if not place.exists():
            problems.append(
                f"The dataset {run.config.data.path} is no longer there, so columns of its manifest, image size and "
                "brightness are not known: put it back."
            )
            return {}
        return manifest_cells(place)
    except BrainsegError as error:
        problems.append(f"The columns of the manifest are not known: {error}")
    except OSError as error:
        problems.append(f"The columns of the manifest are not known ({error.strerror}).")
    return {}


def _measured(
    store: RunStore, run: Run, table: pd.DataFrame, problems: list[str], progress: Progress | None
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield size (pixels) and brightness (mean grey, 0 to 255) of each image; NaN for one that cannot be read."""
    digests = {} if run.config.data.modalities else stored_results.digests(store, run)

    def measure(path: str) -> tuple[float, float]:
        try:
            scan = read_image(run, path, digests.get(path))
        except ScanError:
            return np.nan, np.nan
        return float(scan.size[0] * scan.size[1]), round(float(thumbnail(scan.pixels).mean()), 1)

    there = dataset_location(run).exists()
    facts = read_each(table["path"].tolist(), measure, progress) if there else []
    numbers = np.array(facts, dtype=np.float64).reshape(-1, 2) if there else np.full((len(table), 2), np.nan)
    if there and (lost := int(np.isnan(numbers[:, 0]).sum())):
        what = "1 evaluated image was removed or changed, so its"
        if lost > 1:
            what = f"{lost:,} evaluated images were removed or changed, so their"
        problems.append(f"{what} size and brightness are not known.")
    yield SIZE, numbers[:, 0]
    yield BRIGHTNESS, numbers[:, 1]
