"""The measurements of a volume's mask as a table, the same from the command line and from pages."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from brainseg import DISCLAIMER
from brainseg.diagnosis.table import reliability_cells, text_cell

if TYPE_CHECKING:
    from brainseg.diagnosis.volume_mask import VolumeMask

COLUMNS = (
    "what", "class", "voxels", "ml", "diameter_mm", "centre_right_mm", "centre_anterior_mm", "centre_superior_mm",
    "mask_by", "in_domain", "warnings", "trained_on", "model", "backend", "precision",
    "bundle_digest", "image_sha256", "disclaimer",
)  # fmt: skip


def measurements(answer: VolumeMask) -> str:
    """Return the measurements as CSV: one row for each class, then one for each lesion, largest first.

    The column `mask_by` says whether the mask is the model's own ("model") or was corrected ("person").
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    same = {
        **reliability_cells([answer]),
        "mask_by": answer.mask_by,
        "model": text_cell(answer.model),
        "backend": answer.backend,
        "precision": answer.precision,
        "disclaimer": DISCLAIMER,
    }
    for number, (name, amount) in enumerate(answer.ml.items(), start=1):
        voxels = int((answer.mask == number).sum())
        writer.writerow({"what": "all", "class": text_cell(name), "voxels": voxels, "ml": amount, **same})
    for number, lesion in enumerate(answer.lesions, start=1):
        right, anterior, superior = lesion.centre
        place = {"centre_right_mm": right, "centre_anterior_mm": anterior, "centre_superior_mm": superior}
        size = {"voxels": lesion.voxels, "ml": lesion.ml, "diameter_mm": lesion.diameter}
        writer.writerow({"what": f"lesion {number}", **size, **place, **same})
    return stream.getvalue()
