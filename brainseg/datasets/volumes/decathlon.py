"""Find the studies of the Medical Decathlon and of nnU-Net: `imagesTr`, `labelsTr` and `dataset.json`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from brainseg.datasets.modalities import canonical
from brainseg.datasets.volumes.labels import json_labels, read_json
from brainseg.datasets.volumes.study import ImageFile, Studies, Study
from brainseg.datasets.volumes.study_names import patient_of, stem_of
from brainseg.errors import DataError
from brainseg.scans.volumes.sequence import SEQUENCES

_SIDES = {"Tr": "train", "Ts": "test"}
_CHANNEL = re.compile(r"(.+)_(\d{4})")


def decathlon_studies(root: Path, files: Sequence[Path]) -> Studies | None:
    """Return the studies of such a dataset; None if the folder is none.

    Its test images come without masks in both, so they are left out unless there is a folder `labelsTs`.

    Args:
        root: The folder.
        files: The volumes below it.

    Raises:
        DataError: `dataset.json` is missing, or names what brainseg cannot use.
    """
    places = sorted({file.parent.parent for file in files if file.parent.name == "imagesTr"})
    if not places:
        return None
    if len(places) > 1:
        raise DataError(f"{root} holds {len(places)} datasets with a folder imagesTr: choose one of them.")
    stored = read_json(places[0] / "dataset.json")
    if not stored:
        raise DataError(f"{places[0].name} has no readable dataset.json beside imagesTr: copy the whole dataset.")
    channels = {int(key): _sequence(str(name)) for key, name in _channels(stored).items() if str(key).isdigit()}
    studies: list[Study] = []
    count = 0
    for side, split in _SIDES.items():
        masks = {stem_of(file): file for file in files if file.parent == places[0] / f"labels{side}"}
        images = [file for file in files if file.parent == places[0] / f"images{side}"]
        made = _studies(images, masks, channels, split)
        count += len(images) if not made else 0
        studies += made
    if not any(study.split == "test" for study in studies):
        studies = [replace(study, split="") for study in studies]
    left = "1 file in imagesTs is" if count == 1 else f"{count:,} files in imagesTs are"
    problems = (f"{left} left out: no mask.",) if count else ()
    return Studies(tuple(studies), json_labels(stored), problems=problems)


def _channels(stored: dict[str, object]) -> dict[str, object]:
    for key in ("channel_names", "modality"):
        if isinstance(found := stored.get(key), dict):
            return found
    return {}


def _sequence(name: str) -> str | None:
    found = canonical(re.sub(r"w$", "", name.strip(), flags=re.IGNORECASE))
    return found if found in SEQUENCES else None


def _studies(
    images: Sequence[Path], masks: dict[str, Path], channels: dict[int, str | None], split: str
) -> list[Study]:
    """Return the studies that have a mask: one file with all channels, or a file per channel."""
    found: dict[str, list[ImageFile]] = {}
    for file in sorted(images):
        stem = stem_of(file)
        if stem in masks:
            places = channels or {0: None}  # without a list of channels, the file holds one
            found[stem] = [ImageFile(file, sequence, number) for number, sequence in sorted(places.items())]
        elif (match := _CHANNEL.fullmatch(stem)) and match.group(1) in masks:
            found.setdefault(match.group(1), []).append(ImageFile(file, channels.get(int(match.group(2)))))
    return [
        Study(stem, patient_of(stem), tuple(each), masks=(masks[stem],), split=split) for stem, each in found.items()
    ]
