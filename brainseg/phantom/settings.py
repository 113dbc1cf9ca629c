"""The settings that determine a phantom's bytes."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from brainseg.errors import DataError
from brainseg.phantom.acquisition import MODALITIES
from brainseg.phantom.subject import PLANES

GENERATOR_VERSION = 2
"""Increased when the same settings would give other pixels."""

DIFFICULTIES = ("realistic", "clear")
"""How hard the dataset is to learn; see `write_phantom`."""

SIZES = (64, 512)


@dataclass(frozen=True)
class PhantomSettings:
    """The settings that determine a phantom's bytes; stored in `phantom.json`."""

    count: int
    seed: int
    size: int
    plane: str
    modalities: tuple[str, ...]
    slices_per_subject: int
    volumes: bool
    difficulty: str
    dicom: str = ""
    studies: int = 0

    def check(self) -> None:
        """Raise a `DataError` for the first setting that is not allowed."""
        unknown = [modality for modality in self.modalities if modality not in MODALITIES]
        plane_names, modality_names = ", ".join((*PLANES, "mixed")), ", ".join(MODALITIES)
        faults = {
            f"A phantom must have at least 4 slices, not {self.count}.": self.count < 4,
            f"The seed must be 0 or more, not {self.seed}.": self.seed < 0,
            f"The size must be {SIZES[0]} to {SIZES[1]} pixels, not {self.size}.": not (
                SIZES[0] <= self.size <= SIZES[1]
            ),
            f"The plane must be one of {plane_names}, not {self.plane!r}.": self.plane not in (*PLANES, "mixed"),
            f"The sequences must be among {modality_names}, not {', '.join(map(repr, unknown))}.": bool(unknown),
            f"Give at least one sequence, each once, from {modality_names}.": not self.modalities
            or len(set(self.modalities)) < len(self.modalities),
            f"The difficulty must be one of {', '.join(DIFFICULTIES)}, not {self.difficulty!r}.": self.difficulty
            not in DIFFICULTIES,
            f"The DICOM series' plane must be one of {', '.join(PLANES)}, not {self.dicom!r}.": (
                self.dicom not in ("", *PLANES)
            ),
            f"There can be 0 to {self.ill} studies, one for each person with a tumour, not {self.studies}.": not (
                0 <= self.studies <= self.ill
            ),
            f"The slices per subject must be 1 to 16, not {self.slices_per_subject}.": not (
                1 <= self.slices_per_subject <= 16
            ),
        }
        for sentence, wrong in faults.items():
            if wrong:
                raise DataError(sentence)

    @property
    def ill(self) -> int:
        """Number of people with a tumour."""
        return math.ceil(self.count // 2 / max(1, self.slices_per_subject))

    def stored(self) -> dict[str, object]:
        """Return the contents of `phantom.json`."""
        settings = {**asdict(self), "modalities": list(self.modalities)}
        for later in ("dicom", "studies"):  # as before they existed
            if not settings[later]:
                del settings[later]
        return {"synthetic": True, "generator": "brainseg phantom", "version": GENERATOR_VERSION, "settings": settings}
