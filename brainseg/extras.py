"""Libraries that an installation may leave out, and messages that explain how to install them."""

from __future__ import annotations

from importlib.util import find_spec

from brainseg.errors import MissingLibraryError

EXTRAS = {
    "streamlit": "app",
    "authlib": "auth",
    "httpx": "auth",
    "nilearn": "phantom",
    "nibabel": "phantom",
    "pydicom": "dicom",
    "SimpleITK": "dicom",
    "h5py": "dicom",
    "highdicom": "dicom",
    "pytorch_grad_cam": "explain",
    "reportlab": "report",
    "onnx": "export",
    "onnxruntime": "export",
    "openvino": "export",
    "optuna": "search",
    "psycopg": "postgres",
    "boto3": "s3",
    "ray": "cluster",
}
"""Import name of a library -> the extra of brainseg that installs it."""


def installed(library: str) -> bool:
    """Return whether a library can be imported, without importing it."""
    return find_spec(library) is not None


def require(library: str, purpose: str) -> None:
    """Raise an error if a library is not installed.

    Args:
        library: Its import name, a key of `EXTRAS`.
        purpose: What needs it, as the subject of a sentence, such as "The dashboard".

    Raises:
        MissingLibraryError: It is not installed; the message names the extra that installs it.
    """
    if not installed(library):
        raise MissingLibraryError(f"{purpose} needs {library}, which is not installed: {remedy(library)}")


def remedy(library: str) -> str:
    """Return how to install a missing library, as the end of a sentence.

    >>> remedy("nibabel")
    "run `pip install 'brainseg[phantom]'`."
    >>> remedy("torch.nn")
    'run `pip install brainseg`, which installs everything that it needs.'
    """
    extra = EXTRAS.get(library.split(".")[0])
    if extra is None:
        return "run `pip install brainseg`, which installs everything that it needs."
    return f"run `pip install 'brainseg[{extra}]'`."
