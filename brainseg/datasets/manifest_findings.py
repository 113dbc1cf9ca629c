"""Findings about a manifest: unused columns, repeated ids, absolute paths to other folders."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from brainseg.datasets.findings import Finding
from brainseg.datasets.manifest import Manifest, is_absolute
from brainseg.datasets.patient_guess import PATIENT_COLUMNS

USED = {
    *("path", "label", "split", "mask", "spacingmm", "modality", "slice", "channels", "plane", "tumourareamm2"),
    *("tumourpixels", *PATIENT_COLUMNS),
}
IDS = {"id", "imageid", "imgid", "sliceid", "uid", "scanid", "index"}


def table_findings(file: Path, manifest: Manifest) -> list[Finding]:
    """Return findings about the columns of a manifest for the user."""
    findings = []
    plain = {name: re.sub(r"[\W_]+", "", name) for name in manifest.columns if name}
    unused = [name for name, word in plain.items() if word not in USED and word not in IDS and "unnamed" not in word]
    if unused:
        findings.append(Finding("ignored-columns", f"Columns of {file.name} that are not used: {', '.join(unused)}."))
    for name in (name for name, word in plain.items() if word in IDS):
        counts = Counter(cells[name] for _, cells in manifest.rows if cells.get(name))
        if twice := [value for value, count in counts.items() if count > 1]:
            files = tuple(cells["path"] for _, cells in manifest.rows if cells.get(name) == twice[0])
            findings.append(
                Finding(
                    "duplicate-ids",
                    f"Values in the column {name!r} of {file.name} occur more than once ({len(twice)} in all), such as "
                    f"{twice[0]!r}: if they are patients, set data.groups=column:{name}.",
                    files,
                )
            )
    paths = [cells["path"] for _, cells in manifest.rows]
    if absolute := [path for path in paths if is_absolute(path) and not path.startswith(f"{file.parent}/")]:
        findings.append(
            Finding(
                "absolute-paths",
                f"{len(absolute)} absolute paths in {file.name} are outside its folder, such as {absolute[0]}: "
                "brainseg uses files with the same names below its folder.",
            )
        )
    return findings
