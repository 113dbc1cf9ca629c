"""What the numbers were measured with: processor, libraries, date."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

LIBRARIES = (
    "torch",
    "torchvision",
    "fastai",
    "grad-cam",
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "pillow",
    "opencv-python-headless",
    "streamlit",
    "mlflow",
    "onnxruntime",
    "openvino",
)
FORMATS = {"amx_bf16": "AMX", "avx512_bf16": "AVX-512-BF16", "avx512f": "AVX-512", "avx2": "AVX2"}
"""Flag of the processor -> its name; the first that is there says what convolutions run on."""


def machine() -> str:
    """Return the machine in words: processor, cores that this process may use, instructions."""
    text = _read("/proc/cpuinfo")
    model = next((line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")), "")
    flags = next((line.split() for line in text.splitlines() if line.startswith("flags")), [])
    best = next((name for flag, name in FORMATS.items() if flag in flags), "")
    cores = f"{cores_here()} core{'s' if cores_here() > 1 else ''}"
    return ", ".join(part for part in (model or platform.machine(), cores, best, platform.system()) if part)


def cores_here() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def versions() -> dict[str, str]:
    """Return the versions of Python, brainseg and the libraries that are installed."""
    from brainseg import __version__

    found = {"python": platform.python_version(), "brainseg": __version__}
    for library in LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found


def today() -> str:
    """Return the date, YYYY-MM-DD."""
    return datetime.now(UTC).date().isoformat()


def load() -> float:
    """Return how many processes wanted the processor in the last minute."""
    return os.getloadavg()[0]


def _read(file: str) -> str:
    try:
        return Path(file).read_text("utf-8")
    except OSError:
        return ""
