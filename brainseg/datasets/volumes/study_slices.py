"""Write the slices of one study: a PNG for each sequence and one for the mask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from brainseg.datasets.origin import SYNTHETIC_NAME
from brainseg.datasets.registry import PHANTOM
from brainseg.datasets.volumes.cutting import CutSlice, cut_study
from brainseg.datasets.volumes.labels import TUMOUR
from brainseg.datasets.volumes.loading import load_study
from brainseg.datasets.volumes.matlab import PLANE
from brainseg.datasets.volumes.naming import Named
from brainseg.datasets.volumes.settings import CutSettings
from brainseg.datasets.volumes.study import Study
from brainseg.errors import ScanError

NO_TUMOUR = "no tumour"


@dataclass(frozen=True)
class Row:
    """One image; the fields are the columns of the manifest."""

    path: str
    label: str
    group: str
    mask: str
    slice: str
    modality: str
    plane: str
    spacing_mm: str
    split: str


@dataclass(frozen=True)
class CutStudy:
    """What became of a study.

    Attributes:
        name: Its name in the dataset.
        rows: Its images.
        values: The values in its mask; None without a mask.
        resampled: As in `LoadedStudy`.
        fault: Why it was left out, as words after its name; "" if it was not.
    """

    name: str
    rows: tuple[Row, ...] = ()
    values: frozenset[int] | None = None
    resampled: tuple[str, ...] = ()
    fault: str = ""


def cut_one(study: Study, named: Named, folder: Path, settings: CutSettings, secret: bytes, source: Path) -> CutStudy:
    """Read a study and write its slices into `folder`; one that cannot be used is no error, but says why."""
    try:
        loaded = load_study(study, secret, settings.sequences)
    except ScanError as error:
        return CutStudy(named.study, fault=str(error))
    synthetic = _is_synthetic(study, source)
    plane = "" if loaded.one_slice else settings.plane
    rows = tuple(
        _write(each, study, named, folder, plane, synthetic)
        for each in cut_study(loaded, plane or PLANE, settings.every)
    )
    if not rows:
        return CutStudy(named.study, fault="all its slices are black")
    values = None if loaded.mask is None else frozenset(np.unique(loaded.mask).tolist())
    return CutStudy(named.study, rows, values, loaded.resampled)


def _write(each: CutSlice, study: Study, named: Named, folder: Path, plane: str, synthetic: bool) -> Row:
    stem = f"{named.study}_{plane}_{each.index:03d}" if plane else named.study
    image = Path("images", named.study, f"{stem}_{each.sequence or 'image'}.png")
    mask = Path("masks", named.study, f"{stem}.png")
    _write_png(folder / image, each.pixels, synthetic)
    label, spacing = study.label, each.spacing
    if each.labels is not None:
        label = label or (TUMOUR if each.labels.any() else NO_TUMOUR)
        if not (folder / mask).exists():
            _write_png(folder / mask, each.labels, synthetic)
    return Row(
        path=image.as_posix(),
        label=label,
        group=named.patient,
        mask="" if each.labels is None else mask.as_posix(),
        slice=stem,
        modality=each.sequence,
        plane=plane,
        spacing_mm="" if spacing is None else f"{spacing[0]:.6g} {spacing[1]:.6g}",
        split=study.split,
    )


def _write_png(file: Path, pixels: np.ndarray, synthetic: bool) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    notes = PngImagePlugin.PngInfo()
    if synthetic:  # so that results on these slices are never taken for results on patients
        notes.add_text("Source", "synthetic")
    Image.fromarray(pixels).save(file, format="PNG", compress_level=4, pnginfo=notes)


def _is_synthetic(study: Study, source: Path) -> bool:
    files = [*(image.file for image in study.images), *study.dicom, *filter(None, [study.matlab])]
    around = {parent for file in files for parent in file.parents if parent.is_relative_to(source.parent)}
    return any(SYNTHETIC_NAME.match(file.name) for file in files) or any((each / PHANTOM).is_file() for each in around)
