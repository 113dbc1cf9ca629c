"""The reference build: brainseg as it was before it was made faster, taken from the repository's history."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

from benchmarks.speed.question import NotHereError
from benchmarks.speed.side import ROOT

COMMIT = "1503e33"


def reference_code(folder: Path) -> Path:
    """Return a folder with the reference build's `brainseg` package, unpacked into `folder`.

    Raises:
        NotHereError: The checkout has no history, or not that commit.
    """
    code = folder / f"reference-{COMMIT}"
    if (code / "brainseg").is_dir():
        return code
    archive = folder / f"{COMMIT}.tar"
    try:
        done = subprocess.run(
            ["git", "archive", "--output", str(archive), COMMIT, "brainseg", "pages", "streamlit_app.py"],
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        done = None
    if done is None or done.returncode:
        raise NotHereError(f"It needs the repository's history with commit {COMMIT}.")
    code.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as packed:
        packed.extractall(code, filter="data")
    archive.unlink()
    return code
