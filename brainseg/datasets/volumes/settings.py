"""How volumes are cut into a dataset."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from brainseg.datasets.modalities import canonical
from brainseg.errors import DataError
from brainseg.scans.volumes.sequence import SEQUENCES
from brainseg.scans.volumes.slices import PLANES, WINDOW_VERSION

FORMAT = 1


@dataclass(frozen=True)
class CutSettings:
    """How volumes are cut into a dataset.

    Attributes:
        plane: A key of `PLANES`.
        sequences: Those that each study must have; empty takes what there is.
        every: Take each so-many-th slice.
        masks: A pattern for the paths of masks, where names do not tell them; "" for none.
        class_folders: Whether the folders directly below are classes.
        keep_names: Whether files and patients keep the names that they have; otherwise they are numbered.
    """

    plane: str = "axial"
    sequences: tuple[str, ...] = ()
    every: int = 1
    masks: str = ""
    class_folders: bool = False
    keep_names: bool = False

    def checked(self) -> CutSettings:
        """Return the settings with sequences as brainseg spells them.

        Raises:
            DataError: One is not allowed.
        """
        sequences = tuple(dict.fromkeys(map(canonical, self.sequences)))
        unknown = [name for name in sequences if name not in SEQUENCES]
        faults = {
            f"The plane must be one of {', '.join(PLANES)}, not {self.plane!r}.": self.plane not in PLANES,
            f"The sequences must be among {', '.join(SEQUENCES)}, not {', '.join(map(repr, unknown))}.": bool(unknown),
            f"Take every slice (1) or each so-many-th, not {self.every}.": self.every < 1,
        }
        for sentence, wrong in faults.items():
            if wrong:
                raise DataError(sentence)
        return CutSettings(**{**asdict(self), "sequences": sequences})

    def stored(self) -> dict[str, object]:
        """Return the settings for `volumes.json`; the pattern for masks may hold a name and is left out."""
        kept = {name: value for name, value in asdict(self).items() if name != "masks"}
        return {**kept, "sequences": list(self.sequences), "window_version": WINDOW_VERSION}
