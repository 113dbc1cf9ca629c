"""Versions, places and their sizes, and how to cite: what the About page shows about this installation."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from brainseg import __version__, paths
from brainseg.files import file_state
from brainseg.models.sources import torch_cache

LIBRARIES = {
    "torch": "tensors and training",
    "torchvision": "ResNets and ImageNet weights",
    "fastai": "fine-tuning",
    "scikit-learn": "splits and the instant baseline",
    "mlflow": "run store",
    "streamlit": "pages",
    "plotly": "plots",
    "grad-cam": "more heatmap methods",
    "opencv-python-headless": "image preparation",
    "pillow": "image reading",
    "numpy": "arrays",
    "pandas": "tables",
    "pydantic": "settings",
    "safetensors": "weights files",
    "nilearn": "MNI152 templates of the synthetic slices",
}
"""Package -> what it is used for."""

CITE_BRAINSEG = f"""\
@software{{brainseg,
  title   = {{brainseg: train, evaluate and try ResNet models on brain MRI}},
  author  = {{{{The brainseg contributors}}}},
  version = {{{__version__}}},
  license = {{Apache-2.0}}
}}"""

CITE_PAPER = """\
@article{resnet_brain_tumor_2024,
  title  = {Resnet Models For Brain Tumor Segmentation},
  author = {Naveenkumar, M. and Sudhakaran, G. and Sandhanavimal, K. M. and Vimalraj, E. L.},
  year   = {2024},
  doi    = {10.47750/pnr.2024.14.01.03}
}"""


@dataclass(frozen=True)
class Place:
    """Where brainseg stores something.

    Attributes:
        what: What is stored there.
        path: The folder or file; None if it is on another machine.
        shown: The path or address as the page shows it.
        note: Whether the visitor may delete it, and what happens then.
    """

    what: str
    path: Path | None
    shown: str
    note: str


def versions() -> list[tuple[str, str, str]]:
    """Return (name, version, use) of brainseg, Python and the libraries, without importing them."""
    own = [
        ("brainseg", __version__, "this program"),
        ("Python", platform.python_version(), f"{platform.system()} on {platform.machine()}"),
    ]
    return own + [(name, _version(name), use) for name, use in LIBRARIES.items()]


def places(store_uri: str) -> list[Place]:
    """Return where everything is stored.

    Args:
        store_uri: Address of the run store.
    """
    home = paths.home()
    cache = "may be deleted: it is rebuilt"
    return [
        _local("Everything below", home, "set BRAINSEG_HOME to use another folder"),
        _store(store_uri),
        _local("Models and results of runs", home / "runs", "do not delete: these are the runs"),
        _local("Datasets: uploads and synthetic", home / "datasets", "delete them on the Data page"),
        _local("Work of running trainings", home / "work", "needed to resume a stopped training"),
        _local("Prepared images", home / "cache" / "prepared", cache),
        _local("All caches", home / "cache", cache),
        _local("Answers of models", home / "monitoring.sqlite", "`brainseg monitor --clear` deletes them"),
        _local("Logs", home / "logs", "may be deleted"),
        _local("ImageNet weights", torch_cache(), "torch's cache: downloaded again when needed"),
    ]


def size_of(place: Path) -> int:
    """Return the bytes of a file, or of all files in a folder; links are not followed."""
    if place.is_file():
        return (file_state(place) or (0, 0))[1]
    total = 0
    for folder, _, names in os.walk(place):
        for name in names:
            try:
                total += (Path(folder) / name).lstat().st_size
            except OSError:  # deleted in the meantime
                continue
    return total


def readable_size(place: Path | None) -> str:
    """Write the size of a folder or file in a suitable unit."""
    if place is None or not place.exists():
        return "on another machine" if place is None else "nothing yet"
    count = size_of(place)
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


def _local(what: str, path: Path, note: str) -> Place:
    return Place(what, path, str(path), note)


def _store(uri: str) -> Place:
    """Describe the run store. Of a server only the host is shown: its address may contain a password."""
    what, note = "Run store (MLflow)", "do not delete: it is the list of runs"
    if uri.startswith("sqlite:"):
        return _local(what, Path(uri.removeprefix("sqlite:///")), note)
    parts = urlparse(uri)
    if parts.scheme in ("", "file"):
        return _local(what, Path(url2pathname(parts.path)), note)
    return Place(what, None, f"server {parts.hostname or 'unknown'}, named by MLFLOW_TRACKING_URI", note)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
